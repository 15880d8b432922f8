// The adding problem (Hochreiter & Schmidhuber 1997, experiment 4; as in Le, Jaitly & Hinton 2015): T pairs of a number in
// [0, 1) and a mark; two numbers are marked, one in each half; the answer behind the last step is their sum.
import { type Batch, mseLoss } from "lstm-wasm/train";
import { below, createRandom } from "./random.ts";
import type { Task } from "./task.ts";

/** B sequences of T steps: x [T,B,2], target [B,1]. */
export function addingBatch(random: () => number, T: number, B: number): Batch {
  const x = new Float32Array(T * B * 2);
  const target = new Float32Array(B);
  const half = Math.floor(T / 2);
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < T; t++) x[(t * B + b) * 2] = random();
    for (const t of [below(random, half), half + below(random, T - half)]) {
      x[(t * B + b) * 2 + 1] = 1;
      target[b] = (target[b] as number) + (x[(t * B + b) * 2] as number);
    }
  }
  return { x: { data: x, shape: [T, B, 2] }, target: { data: target, shape: [B, 1] } };
}

export function adding({ T = 400, updates = 3000 }: { T?: number; updates?: number }): Task {
  const test = createRandom(1_000_003);
  const held = Array.from({ length: 8 }, () => addingBatch(test, T, 64));
  return {
    name: "adding",
    title: `The adding problem, T = ${T}`,
    ...{ span: T, inputSize: 2, hiddenSize: 32, outFeatures: 1, atEnd: true },
    ...{ loss: mseLoss(), lr: 0.01, batchSize: 20, updates, every: 25 },
    *batches(seed) {
      const random = createRandom(seed);
      while (true) yield addingBatch(random, T, this.batchSize);
    },
    mark: (_, trainer) => trainer.evaluate(held),
    measure: {
      label: "mean squared error",
      isSolved: (mark) => mark < 0.001,
      solved: "error below 0.001",
      // The variance of the sum of two uniform numbers.
      baseline: { mark: 1 / 6, text: "Always 1: 0.167" },
      scale: "log",
      domain: [5e-4, 1],
      format: (mark) => mark.toPrecision(2),
    },
  };
}
