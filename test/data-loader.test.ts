// Batches from samples of several lengths.
import { LSTM } from "lstm-wasm";
import { adam, type Batch, crossEntropyLoss, dataLoader, Trainer } from "lstm-wasm/train";
import { describe, expect, test } from "vitest";
import { createCore } from "./support/cores.ts";
import { randomTensor } from "./support/random.ts";

describe("dataLoader", () => {
  const sample = (length: number, k: number) => ({
    x: { data: new Float32Array(length * 2).fill(k), shape: [length, 2] },
    target: { data: Float32Array.of(k), shape: [] as number[] },
  });
  const samples = [3, 1, 2, 3, 3].map(sample);

  test("every sample once an epoch, in another order each, the same for the same seed", () => {
    const order = (epoch: number, seed: number) =>
      [...dataLoader(samples, { batchSize: 2, seed })(epoch)].flatMap(({ target }) => [...target.data]);
    for (const epoch of [0, 1, 2]) expect(order(epoch, 7).sort()).toEqual([0, 1, 2, 3, 4]);
    expect(order(1, 7)).toEqual(order(1, 7));
    const all = [0, 1, 2, 3, 4, 5].map((epoch) => String(order(epoch, 7)));
    expect(new Set(all).size).toBeGreaterThan(4);
    expect(String(order(0, 8))).not.toBe(all[0]);
  });

  test("fills up, and gives lengths", () => {
    const [first, , third] = [...dataLoader(samples, { batchSize: 2, shuffle: false })(0)] as [Batch, Batch, Batch];
    expect(first.x.shape).toEqual([3, 2, 2]);
    expect([...first.x.data]).toEqual([0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(first.lengths).toEqual([3, 1]);
    expect(first.target).toEqual({ data: Float32Array.of(0, 1), shape: [2] });
    expect(third.x.shape).toEqual([3, 1, 2]);
    expect(third.lengths).toBe(undefined);
    expect([...dataLoader(samples, { batchSize: 2, dropLast: true })(0)].length).toBe(2);
  });

  test("targets of every step", () => {
    const steps = samples.map(({ x }) => ({
      x,
      target: { data: x.data.slice(0, x.shape[0]), shape: [x.shape[0] as number] },
    }));
    const [batch] = [...dataLoader(steps, { batchSize: 5, shuffle: false, stepTargets: true })(0)] as [Batch];
    expect(batch.target.shape).toEqual([3, 5]);
    const core = createCore();
    const model = new LSTM(core, { inputSize: 2, hiddenSize: 5 });
    const trainer = new Trainer(model, { loss: crossEntropyLoss(), optimizer: adam() });
    expect(trainer.step(batch).loss).toBeGreaterThan(0);
  });

  test.each<[string, () => unknown]>([
    ["samples: expected enough for a batch of 32, got 0", () => dataLoader([])],
    ["batchSize: expected a whole number of at least 1, got 0", () => dataLoader(samples, { batchSize: 0 })],
    [
      "samples[1].x: expected shape [T,2], got [2,3]",
      () => dataLoader([sample(1, 0), { ...sample(1, 0), x: randomTensor(() => 0, [2, 3]) }]),
    ],
    ["samples[0].target: expected shape [3], got []", () => dataLoader(samples, { stepTargets: true })],
  ])("%s", (message, call) => {
    expect(call).toThrow(message);
  });
});
