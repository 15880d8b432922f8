// What `train` is asked for, and what it came to.
import type { Series } from "./csv.ts";
import type { split } from "./dataset.ts";
import type { Epoch } from "./forecaster.ts";

export interface TrainOptions {
  readonly target?: string;
  readonly unit?: string;
  readonly window: number;
  readonly hidden: number;
  readonly epochs: number;
  readonly batch: number;
  readonly lr: number;
  readonly patience: number;
  readonly seed: number;
  readonly out: string;
  readonly report: string;
  readonly json?: boolean;
}

/** One way to forecast, and how far off it is on the test part. */
export interface Score {
  readonly name: string;
  readonly rmse: number;
  readonly mae: number;
}

/** Everything a training came to. */
export interface Outcome {
  readonly series: Series;
  readonly target: string;
  readonly unit: string;
  readonly options: TrainOptions;
  readonly parameters: number;
  readonly parts: ReturnType<typeof split>;
  readonly epochs: readonly Epoch[];
  readonly scores: readonly [Score, ...Score[]];
  /** Rows of the test part, their truth and their forecast. */
  readonly rows: readonly number[];
  readonly truth: readonly number[];
  readonly forecast: readonly number[];
  /** Mean ‖dL/dh‖ at each step of the window. */
  readonly gradientNorms: readonly number[];
  readonly seconds: number;
}
