// What a training of each kind came to, and the words that print-out and report share.
import type { Sequential } from "lstm-wasm";
import type { FlowReport } from "lstm-wasm/flow";
import type { Classifier } from "./classifier.ts";
import type { Series } from "./csv.ts";
import type { Parts } from "./dataset.ts";
import type { Forecaster } from "./forecaster.ts";
import type { TrainOptions } from "./options.ts";
import type { Measure } from "./progress.ts";
import type { ClassScores } from "./scores.ts";
import type { TextModel } from "./text-model.ts";
import type { Training } from "./training.ts";

/** One way to forecast a target some rows ahead, and how far off it is on the test part. */
export interface Score {
  readonly target: string;
  readonly ahead: number;
  readonly name: string;
  readonly rmse: number;
  readonly mae: number;
}

/** Everything that a training of forecasts came to. */
export interface ForecastOutcome {
  readonly series: Series;
  readonly forecaster: Forecaster;
  readonly options: TrainOptions;
  readonly parameters: number;
  readonly parts: Parts;
  readonly training: Training;
  readonly measure: Measure;
  /** By target, then by row ahead; of each the LSTM's first. */
  readonly scores: readonly Score[];
  /** First rows of the forecasts of the test part, and the forecasts. */
  readonly ends: readonly number[];
  readonly forecasts: readonly (readonly number[])[];
  readonly flow: FlowReport;
}

export interface ClassScore extends ClassScores {
  readonly name: string;
}

/** Everything that a training of classes came to. */
export interface ClassOutcome {
  readonly series: Series;
  readonly classifier: Classifier;
  readonly options: TrainOptions;
  readonly parameters: number;
  readonly parts: Parts;
  readonly training: Training;
  /** The LSTM's first. */
  readonly scores: readonly [ClassScore, ...ClassScore[]];
  /** Rows of the test part that were classified. */
  readonly rows: readonly number[];
  readonly flow: FlowReport;
}

export const CLASS_MEASURE = { name: "log loss", of: (loss: number) => loss };

export const TEXT_MEASURE = { name: "bits", of: (loss: number) => loss / Math.LN2 };

/** Texts as numbers of their characters. */
export interface Text {
  readonly alphabet: readonly string[];
  readonly train: readonly number[];
  readonly validation: readonly number[];
  readonly test: readonly number[];
}

/** Everything that a training on text came to. */
export interface TextOutcome {
  readonly files: readonly string[];
  readonly text: Text;
  readonly model: TextModel;
  readonly options: TrainOptions;
  readonly parameters: number;
  readonly training: Training;
  /** Bits per character of the test part: the model's, and those of n-grams by characters of context. */
  readonly bits: number;
  readonly ngrams: readonly number[];
  /** The first characters of the test part, and the bits of each but the first. */
  readonly shown: { readonly characters: readonly string[]; readonly bits: readonly number[] };
  readonly samples: readonly { readonly temperature: number; readonly text: string }[];
  readonly flow: FlowReport;
}

/** "LSTM of 32 units", "2-layer LSTM of 32 units" */
export const lstmText = ({ layers, hidden }: Pick<TrainOptions, "layers" | "hidden">): string =>
  `${layers > 1 ? `${layers}-layer ` : ""}LSTM of ${hidden} units`;

export const whichRow = (horizon: number, window: number): string =>
  horizon === 0
    ? `each row from it and the ${window - 1} before it`
    : `the row ${horizon === 1 ? "" : `${horizon} rows `}behind the last ${window}`;

export const inputNames = ({ inputs, pastLabels }: Classifier): string[] => [
  ...inputs.features,
  ...(inputs.season ? ["time of year"] : []),
  ...(pastLabels ? [`${pastLabels.name} so far`] : []),
];

/** The names of files, or how many they are. */
export const filesText = (files: readonly string[]): string =>
  files.length <= 6 ? files.join(", ") : `${files[0]} and ${files.length - 1} other files`;

/** "5 characters of context" */
export const contextText = (n: number): string =>
  n === 0 ? "how frequent each is" : `${n} character${n === 1 ? "" : "s"} of context`;

export const countParameters = (model: Sequential): number => model.parameters.reduce((sum, { size }) => sum + size, 0);
