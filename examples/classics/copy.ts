// The copy task (Hochreiter & Schmidhuber 1997's long time lags; as in Arjovsky, Shah & Bengio 2016): ten symbols of eight,
// T − 1 blanks, a sign, ten blanks. The answer is blanks, and behind the sign the ten symbols again.
// Trained on distances that grow from 10 to T, marked at T.
import type { Sequential } from "lstm-wasm";
import { type Batch, cosineAnnealingLR, crossEntropyLoss } from "lstm-wasm/train";
import { below, createRandom } from "./random.ts";
import type { Task } from "./task.ts";

const SYMBOLS = 8;
const BLANK = SYMBOLS;
const SIGN = SYMBOLS + 1;
const LENGTH = 10;
/** Distance that training starts with. */
const SHORT = 10;

/** B sequences of T + 20 steps: x one-hot [T+20,B,10], target of classes [T+20,B]. */
export function copyBatch(random: () => number, T: number, B: number): Batch {
  const steps = T + 2 * LENGTH;
  const x = new Float32Array(steps * B * (SIGN + 1));
  const target = new Float32Array(steps * B).fill(BLANK);
  for (let b = 0; b < B; b++) {
    const symbols = Array.from({ length: LENGTH }, () => below(random, SYMBOLS));
    for (let t = 0; t < steps; t++) {
      const symbol = symbols[t] ?? (t === T + LENGTH - 1 ? SIGN : BLANK);
      x[(t * B + b) * (SIGN + 1) + symbol] = 1;
    }
    symbols.forEach((symbol, k) => {
      target[(T + LENGTH + k) * B + b] = symbol;
    });
  }
  return { x: { data: x, shape: [steps, B, SIGN + 1] }, target: { data: target, shape: [steps, B] } };
}

/** The share of the ten symbols that a model gives back, in percent. */
function recalled(model: Sequential, { x, target }: Batch): number {
  const { data, shape } = model.forward(x);
  const [steps, B, C] = shape as [number, number, number];
  let right = 0;
  for (let row = (steps - LENGTH) * B; row < steps * B; row++) {
    const scores = data.subarray(row * C, (row + 1) * C);
    right += Number(scores.indexOf(Math.max(...scores)) === target.data[row]);
  }
  return (100 * right) / (LENGTH * B);
}

/** Distances up to which update k of all trains: 10 in the first half, T in the last quarter, evenly in log between them. */
function reach(k: number, updates: number, T: number): number {
  const grown = Math.min(1, Math.max(0, (4 * k) / updates - 2));
  return Math.round(SHORT * (T / SHORT) ** grown);
}

export function copy({ T = 400, updates = 6000 }: { T?: number; updates?: number }): Task {
  const held = copyBatch(createRandom(1_000_003), T, 64);
  return {
    name: "copy",
    title: `The copy task, T = ${T}`,
    ...{ span: T, inputSize: SIGN + 1, hiddenSize: 128, outFeatures: SYMBOLS + 1, atEnd: false },
    ...{ loss: crossEntropyLoss(), lr: 0.005, batchSize: 20, updates, every: 100 },
    schedule: cosineAnnealingLR({ tMax: updates }),
    *batches(seed) {
      const random = createRandom(seed);
      for (let k = 0; ; k++) yield copyBatch(random, 1 + below(random, reach(k, updates, T)), this.batchSize);
    },
    mark: (model) => recalled(model, held),
    measure: {
      label: "symbols recalled (%)",
      isSolved: (mark) => mark > 95,
      solved: "95 % of the symbols",
      baseline: { mark: 100 / SYMBOLS, text: "Without memory: 12.5 %" },
      scale: "linear",
      domain: [0, 100],
      format: (mark) => `${mark.toFixed(1)} %`,
    },
  };
}
