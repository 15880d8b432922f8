// Training in a module worker (examples/worker), here in one of Node.
import { Worker } from "node:worker_threads";
import { load } from "lstm-wasm";
import { decodeSafetensors } from "lstm-wasm/io";
import { afterAll, beforeAll, expect, test } from "vitest";
import { trainInWorker } from "../examples/worker/client.ts";
import { createBatches, createModel, createTrainer, type Job } from "../examples/worker/job.ts";

const job: Job = {
  values: Float32Array.from({ length: 200 }, (_, t) => Math.sin(0.3 * t)),
  ...{ window: 12, hiddenSize: 8, epochs: 10, seed: 1 },
};

let worker: Worker;
beforeAll(() => {
  worker = new Worker(new URL("../examples/worker/node-worker.ts", import.meta.url));
});
afterAll(() => worker.terminate());

/** What the same training here comes to. */
async function trainHere(what = job) {
  const model = createModel(await load(), what);
  const trainer = createTrainer(model);
  const losses: number[] = [];
  for await (const { end } of trainer.fit(createBatches(what), { epochs: what.epochs })) if (end) losses.push(end.loss);
  return { losses, weights: model.stateDict(), checkpoint: trainer.save() };
}

test("tells its progress, and gives back the weights of the same training here", async () => {
  const losses: number[] = [];
  const want = await trainHere();
  for await (const answer of trainInWorker(worker, job)) {
    if (answer.type === "progress") losses.push(answer.loss);
    else {
      expect(answer.stopped).toBe(false);
      expect(answer.weights).toEqual(want.weights);
      expect(answer.checkpoint).toEqual(want.checkpoint);
    }
  }
  expect(losses).toEqual(want.losses);
  expect(losses.length).toBe(job.epochs);
  expect(losses.at(-1)).toBeLessThan(0.1 * (losses[0] as number));
});

test("stops when told so, and goes on from there with the same bits", async () => {
  // Long enough that only the signal ends it.
  const long = { ...job, epochs: 1_000_000 };
  const abort = new AbortController();
  let checkpoint: Uint8Array | undefined;
  for await (const answer of trainInWorker(worker, long, { signal: abort.signal })) {
    if (answer.type === "progress" && answer.epoch === 1) abort.abort();
    if (answer.type !== "done") continue;
    expect(answer.stopped).toBe(true);
    checkpoint = answer.checkpoint;
  }
  const { metadata } = decodeSafetensors(checkpoint as Uint8Array);
  const { progress } = JSON.parse(metadata.training as string);
  expect(progress.epoch).toBeGreaterThan(1);
  const rest = { ...job, epochs: progress.epoch + 3 };
  const want = await trainHere(rest);
  const losses: number[] = [];
  for await (const answer of trainInWorker(worker, rest, { checkpoint })) {
    if (answer.type === "progress") losses.push(answer.loss);
    else expect(answer.weights).toEqual(want.weights);
  }
  expect(losses).toEqual(want.losses.slice(progress.epoch));
});

test("errors come back with their name and sentence", async () => {
  const run = async () => {
    for await (const _ of trainInWorker(worker, { ...job, window: 500 }));
  };
  await expect(run()).rejects.toMatchObject({
    name: "RangeError",
    message: "samples: expected enough for a batch of 32, got 0",
  });
});
