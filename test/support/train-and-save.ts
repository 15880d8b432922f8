// A process that trains and saves after every update: node train-and-save.ts RUN CHECKPOINT FINAL PAUSE. It goes on from the
// checkpoint if there is one; PAUSE is the time in ms between two updates. It
// says when it begins.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { load } from "lstm-wasm";
import { writeFileAtomic } from "lstm-wasm/node";
import { createRun } from "./runs.ts";

const [name = "", checkpoint = "", final = "", pause = "0"] = process.argv.slice(2);
const { run, trainer } = createRun(await load(), name);
if (existsSync(checkpoint)) trainer.load(readFileSync(checkpoint));
console.log("training");
for await (const _ of trainer.fit(run.batches, { ...run.fit, epochs: 150 })) {
  await writeFileAtomic(checkpoint, trainer.save());
  if (Number(pause)) await setTimeout(Number(pause));
}
writeFileSync(final, trainer.save());
