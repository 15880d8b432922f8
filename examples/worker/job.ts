// What is trained: a forecaster of the next value of a noisy sine. The page and the worker build the same model from the same
// options; yours goes here.
import { type Core, Linear, LSTM, lastStep, Sequential } from "lstm-wasm";
import { adam, type Batch, dataLoader, mseLoss, Trainer } from "lstm-wasm/train";

export interface Job {
  /** The series, and how many of its values the model sees at once. */
  readonly values: Float32Array;
  readonly window: number;
  readonly hiddenSize: number;
  readonly epochs: number;
  readonly seed: number;
}

export function createModel(core: Core, { hiddenSize, seed }: Job): Sequential {
  const lstm = new LSTM(core, { inputSize: 1, hiddenSize, seed });
  return new Sequential([lstm, lastStep(), new Linear(core, { inFeatures: hiddenSize, outFeatures: 1, seed })]);
}

export const createTrainer = (model: Sequential): Trainer =>
  new Trainer(model, { loss: mseLoss(), optimizer: adam({ lr: 0.01 }), clipNorm: 1 });

/** Windows of the series, and behind each its next value. */
export function createBatches({ values, window, seed }: Job): (epoch: number) => Iterable<Batch> {
  const samples = Array.from({ length: values.length - window }, (_, k) => ({
    x: { data: values.slice(k, k + window), shape: [window, 1] },
    target: { data: values.slice(k + window, k + window + 1), shape: [1] },
  }));
  return dataLoader(samples, { batchSize: 32, seed });
}
