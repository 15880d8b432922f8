import type { Sequential } from "lstm-wasm";
import type { Batch, Loss, Schedule, Trainer } from "lstm-wasm/train";

/** A problem to set networks, how large they are, how they are trained, and how they are marked. */
export interface Task {
  readonly name: string;
  /** One line: the problem and its difficulty. */
  readonly title: string;
  /** How long the network has to remember, in steps: the range of its initial time constants. */
  readonly span: number;
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly outFeatures: number;
  /** Whether the answer is asked for behind the last step, instead of at every step. */
  readonly atEnd: boolean;
  readonly loss: Loss;
  readonly lr: number;
  readonly schedule?: Schedule;
  readonly batchSize: number;
  /** Updates at most, and between two marks. */
  readonly updates: number;
  readonly every: number;
  /** Batches without end: the same for every network with this seed. */
  batches(seed: number): Generator<Batch>;
  /** The mark of a network on sequences that it is not trained on. */
  mark(model: Sequential, trainer: Trainer): number;
  /** What a mark is. */
  readonly measure: Measure;
}

export interface Measure {
  /** With its unit: the name of the axis. */
  readonly label: string;
  /** Of a mark that ends the training. */
  readonly isSolved: (mark: number) => boolean;
  /** The same in words. */
  readonly solved: string;
  /** What the best network without memory would get. */
  readonly baseline: { readonly mark: number; readonly text: string };
  readonly scale: "linear" | "log";
  /** Ends of the axis. */
  readonly domain: readonly [number, number];
  format(mark: number): string;
}
