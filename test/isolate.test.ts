// An isolate of 128 MB, as edge runtimes give: memory that cannot grow further is an error, and everything else goes on.
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

const url = (entry: string) => JSON.stringify(new URL(`../dist/entries/${entry}.js`, import.meta.url).href);

const SCRIPT = `
import { LSTM, lastStep, Linear, load, Sequential } from ${url("default")};
import { adam, mseLoss, Trainer } from ${url("train")};
const core = await load();
const lstm = new LSTM(core, { inputSize: 4, hiddenSize: 32 });
const tensor = (T, B) => ({ data: new Float32Array(T * B * 4).fill(0.5), shape: [T, B, 4] });
const codeOf = (work) => { try { return String(work()); } catch ({ code }) { return code; } };
const same = (a, b) => a.every((value, k) => Object.is(value, b[k]));
const before = lstm.forward(tensor(20, 2)).output.data;
const stream = lstm.stream();
const twin = lstm.stream();
const frame = new Float32Array(4).fill(0.5);
stream.step(frame); twin.step(frame);
const model = new Sequential([lstm, lastStep(), new Linear(core, { inFeatures: 32, outFeatures: 1 })]);
const trainer = new Trainer(model, { loss: mseLoss(), optimizer: adam() });
const batch = (T, B) => ({ x: tensor(T, B), target: { data: new Float32Array(B), shape: [B, 1] } });
const answers = {
  forward: codeOf(() => lstm.forward(tensor(4000, 100))),
  backward: codeOf(() => lstm.backward({})),
  again: same(lstm.forward(tensor(20, 2)).output.data, before),
  stream: same(stream.step(frame), before.subarray(64, 96)),
  training: codeOf(() => trainer.step(batch(4000, 100))),
  weights: same(twin.step(frame), before.subarray(64, 96)),
  small: Number.isFinite(trainer.step(batch(20, 2)).loss),
  layer: codeOf(() => new LSTM(core, { inputSize: 8, hiddenSize: 4096 })),
  bytes: core.memoryBytes <= 2048 * 65536,
};
console.log(JSON.stringify(answers));
`;

test("128 MB: too large a call is refused, and all objects stay usable", () => {
  const args = ["--wasm-max-mem-pages=2048", "--input-type=module", "-e", SCRIPT];
  expect(JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" }))).toEqual({
    forward: "ERR_MEMORY",
    backward: "ERR_NO_FORWARD",
    again: true,
    stream: true,
    training: "ERR_MEMORY",
    weights: true,
    small: true,
    layer: "ERR_MEMORY",
    bytes: true,
  });
});
