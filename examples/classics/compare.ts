// Trains an LSTM, a GRU and an RNN on the same sequences from the same seed, and marks them as they learn.
import { type Core, GRU, Linear, LSTM, lastStep, RNN, Sequential } from "lstm-wasm";
import { adam, Trainer } from "lstm-wasm/train";
import { createRandom } from "./random.ts";
import type { Task } from "./task.ts";

export const CELLS = ["LSTM", "GRU", "RNN"] as const;
export type CellName = (typeof CELLS)[number];

/** What became of one network. */
export interface Outcome {
  readonly cell: CellName;
  readonly seed: number;
  readonly parameters: number;
  /** Marks over training; the first before any update. */
  readonly curve: readonly { readonly update: number; readonly mark: number }[];
  /** Updates until it was solved, or null. */
  readonly solvedAt: number | null;
  /** Seconds of training, without marking. */
  readonly seconds: number;
}

/** A network of one recurrent layer and a linear one. */
export function createModel(core: Core, cell: CellName, task: Task, seed: number): Sequential {
  const { inputSize, hiddenSize, outFeatures, atEnd, span } = task;
  const layer = { LSTM, GRU, RNN }[cell];
  const recurrent = new layer(core, { inputSize, hiddenSize, recurrentInit: "orthogonal", biasInit: "zeros", seed });
  setTimeConstants(recurrent, span, seed);
  const linear = new Linear(core, { inFeatures: hiddenSize, outFeatures, seed });
  return new Sequential(atEnd ? [recurrent, lastStep(), linear] : [recurrent, linear]);
}

/**
 * Initial biases for which each unit forgets within its own number of steps, drawn from 1 to `span` (Tallec & Ollivier 2018):
 * σ(log u) = 1 − 1/(u + 1) is kept at every step. An RNN has no gate to set.
 */
export function setTimeConstants(layer: LSTM | GRU | RNN, span: number, seed: number): void {
  if (layer instanceof RNN) return;
  const H = layer.hiddenSize;
  const random = createRandom(seed);
  const state = layer.stateDict();
  const { data } = state.bias_ih_l0 as { data: Float32Array };
  for (let k = 0; k < H; k++) {
    const bias = Math.log(1 + (span - 1) * random());
    data[H + k] = bias; // f of an LSTM, z of a GRU
    if (layer instanceof LSTM) data[k] = -bias; // i
  }
  layer.loadStateDict(state);
}

/** Trains one network until it solves the task, or is out of updates. */
export async function train(
  core: Core,
  task: Task,
  cell: CellName,
  seed: number,
  onMark: (update: number, mark: number) => void = () => {},
): Promise<Outcome> {
  using model = createModel(core, cell, task, seed);
  using trainer = new Trainer(model, {
    loss: task.loss,
    optimizer: adam({ lr: task.lr }),
    clipNorm: 1,
    ...(task.schedule && { schedule: task.schedule }),
  });
  const curve = [{ update: 0, mark: task.mark(model, trainer) }];
  let [update, seconds, solvedAt] = [0, 0, null as number | null];
  let started = performance.now();
  for await (const _ of trainer.fit(task.batches(seed))) {
    update++;
    if (update % task.every === 0) {
      seconds += (performance.now() - started) / 1000;
      const mark = task.mark(model, trainer);
      curve.push({ update, mark });
      onMark(update, mark);
      if (task.measure.isSolved(mark)) solvedAt = update;
      started = performance.now();
    }
    if (solvedAt !== null || update === task.updates) break;
  }
  const parameters = model.parameters.reduce((sum, { size }) => sum + size, 0);
  return { cell, seed, parameters, curve, solvedAt, seconds };
}
