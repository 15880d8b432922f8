// From a time series to windows that a model can learn from.
import type { Tensor } from "lstm-wasm";
import { columnOf, type Series } from "./csv.ts";
import { UserError } from "./fail.ts";

/** How rows become inputs; fitted on the training part alone, and kept with the model. */
export interface Inputs {
  /** Columns of numbers. */
  readonly features: readonly string[];
  /** Mean and standard deviation of each feature. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
  /** Whether the time of year stands behind the features, as sine and cosine. */
  readonly season: boolean;
}

/** A column of classes as numbers. */
export interface Labels {
  readonly name: string;
  readonly classes: readonly string[];
}

/** Rows from `from` up to, not including, `to`. */
export interface Part {
  readonly from: number;
  readonly to: number;
}

export interface Parts {
  readonly train: Part;
  readonly validation: Part;
  readonly test: Part;
}

/** Training, validation and test part: the first 70 %, the next 15 %, the last 15 % of the rows. */
export function split(rows: number, window: number): Parts {
  const [a, b] = [Math.round(0.7 * rows), Math.round(0.85 * rows)];
  return { train: { from: window, to: a }, validation: { from: a, to: b }, test: { from: b, to: rows } };
}

/** Throws unless there are rows enough to leave something to each part, for forecasts of some rows ahead. */
export function checkRows(series: Series, window: number, horizon: number): void {
  const least = Math.max(20, Math.ceil((window + 10) / 0.7), Math.ceil(horizon / 0.14));
  if (series.rows < least)
    throw new UserError(
      `${series.name}: expected at least ${least} rows for a window of ${window}${horizon > 1 ? ` and a horizon of ${horizon}` : ""}, got ${series.rows}`,
    );
}

/** How far into its year a date is, in [0, 1]. */
export function timeOfYear(date: Date): number {
  const year = date.getUTCFullYear();
  return (date.getTime() - Date.UTC(year, 0, 1)) / (Date.UTC(year + 1, 0, 1) - Date.UTC(year, 0, 1));
}

/** Fits the scaling of columns on the first `rows` rows. */
export function fitInputs(series: Series, features: readonly string[], rows: number): Inputs {
  const moments = features.map((name) => {
    const values = series.numbers.get(name) as Float64Array;
    // All rows, so that errors are finite too; what the model learns from is the first ones.
    checkFinite(series, name, Object.values(moment(values)));
    return moment(values.subarray(0, rows));
  });
  return {
    features,
    mean: moments.map(({ mean }) => mean),
    deviation: moments.map(({ deviation }) => deviation || 1),
    season: series.dates !== null,
  };
}

/** Throws unless what was computed of a column is finite: squares of values beyond 1e154 are not. */
export function checkFinite(series: Series, name: string, figures: readonly number[]): void {
  if (figures.every(Number.isFinite)) return;
  const largest = (series.numbers.get(name) as Float64Array).reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a));
  throw new UserError(
    `${series.name}, column "${name}": expected values whose deviation is a finite number, got ${largest} among them`,
  );
}

export function moment(values: Float64Array): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, deviation: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) };
}

/** Width of an input row. */
export const widthOf = (inputs: Inputs, labels?: Labels): number =>
  inputs.features.length + (inputs.season ? 2 : 0) + (labels?.classes.length ?? 0);

/** Rows as a model takes them [rows,width]: scaled features, sine and cosine of the time of year, the class as one of many. */
export interface Rows {
  readonly data: Float32Array;
  readonly width: number;
}

export function scaleRows(series: Series, inputs: Inputs, labels?: Labels): Rows {
  const width = widthOf(inputs, labels);
  const data = new Float32Array(series.rows * width);
  inputs.features.forEach((name, k) => {
    columnOf(series, "data", name).forEach((value, row) => {
      data[row * width + k] = (value - (inputs.mean[k] as number)) / (inputs.deviation[k] as number);
    });
  });
  let at = inputs.features.length;
  if (inputs.season) {
    if (!series.dates)
      throw new UserError(
        `${series.name}: expected a column of dates as 2015-12-31, which the model learned from, got none`,
      );
    series.dates.values.forEach((date, row) => {
      const angle = 2 * Math.PI * timeOfYear(date);
      data[row * width + at] = Math.sin(angle);
      data[row * width + at + 1] = Math.cos(angle);
    });
    at += 2;
  }
  if (labels)
    indicesOf(series, labels).forEach((index, row) => {
      data[row * width + at + index] = 1;
    });
  return { data, width };
}

/** The cells of a column as texts: of text, or of numbers that stand for classes. */
export function cellsOf(series: Series, name: string): readonly string[] | undefined {
  const numbers = series.numbers.get(name);
  return series.texts.get(name) ?? (numbers && Array.from(numbers, String));
}

/** The class of each row, by its place in the list. */
export function indicesOf(series: Series, { name, classes }: Labels): number[] {
  const cells = cellsOf(series, name);
  if (!cells) throw new UserError(`${series.name}: expected a column "${name}" of classes, got none`);
  const indices = new Map(classes.map((text, k) => [text, k]));
  return cells.map((cell, row) => {
    const index = indices.get(cell);
    if (index === undefined)
      throw new UserError(
        `${series.name}, line ${series.line(row)}, column "${name}": expected one of ${classes.join(", ")}, got ${cell ? `"${cell}"` : "an empty cell"}`,
      );
    return index;
  });
}

/** The windows that end before each of some rows, as one batch x [T,B,I]. */
export function gather({ data, width }: Rows, window: number, ends: readonly number[]): Tensor {
  const B = ends.length;
  const x = new Float32Array(window * B * width);
  ends.forEach((end, b) => {
    for (let t = 0; t < window; t++) {
      const row = end - window + t;
      x.set(data.subarray(row * width, (row + 1) * width), (t * B + b) * width);
    }
  });
  return { data: x, shape: [window, B, width] };
}

/** Whole numbers from `from` up to `to`. */
export const range = ({ from, to }: Part): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, k) => from + k);

/** A list in pieces of some size, the last one maybe shorter. */
export function chunks<T>(values: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(values.length / size) }, (_, k) => values.slice(k * size, (k + 1) * size));
}

/** Values spread evenly over a list, all of them if there are few. */
export const spread = <T>(values: readonly T[], most: number): T[] =>
  values.length <= most
    ? [...values]
    : Array.from({ length: most }, (_, k) => values[Math.floor((k * values.length) / most)] as T);
