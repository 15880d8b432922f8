// From a time series to windows a model can learn from, and the forecasts that need no model.
import type { Batch } from "lstm-wasm";
import { columnOf, type Series } from "./csv.ts";
import { UserError } from "./fail.ts";

/** How rows become inputs; fitted on the training part alone, and kept with the model. */
export interface Scaling {
  readonly target: string;
  readonly features: readonly string[];
  /** Mean and standard deviation of each feature. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
  /** Standard deviation of the target's change from row to row: the unit of what the model answers. */
  readonly change: number;
  /** Whether the time of year stands behind the features, as sine and cosine. */
  readonly season: boolean;
}

/** Rows from `from` up to, not including, `to`. */
export interface Part {
  readonly from: number;
  readonly to: number;
}

/** Training, validation and test part: the first 70 %, the next 15 %, the last 15 % of the rows. */
export function split(rows: number, window: number): { train: Part; validation: Part; test: Part } {
  const [a, b] = [Math.round(0.7 * rows), Math.round(0.85 * rows)];
  return { train: { from: window, to: a }, validation: { from: a, to: b }, test: { from: b, to: rows } };
}

/** Fewest rows that leave something to each part. */
export const leastRows = (window: number): number => Math.max(20, Math.ceil((window + 10) / 0.7));

const YEAR_MS = 365.2425 * 24 * 3600 * 1000;

/** How far into its year a date is, in [0, 1]. */
export function timeOfYear(date: Date): number {
  const year = date.getUTCFullYear();
  return (date.getTime() - Date.UTC(year, 0, 1)) / (Date.UTC(year + 1, 0, 1) - Date.UTC(year, 0, 1));
}

/** Fits the scaling on the first `rows` rows. */
export function fitScaling(series: Series, target: string, rows: number): Scaling {
  const values = columnOf(series, "--target", target).subarray(0, rows);
  const features = [...series.numbers.keys()];
  const moments = features.map((name) => moment((series.numbers.get(name) as Float64Array).subarray(0, rows)));
  const changes = values.subarray(1).map((value, row) => value - (values[row] as number));
  const change = Math.hypot(moment(changes).mean, moment(changes).deviation);
  if (change === 0)
    throw new UserError(
      `--target: expected a column that changes, got "${target}", the same in all of the training part`,
    );
  return {
    target,
    features,
    mean: moments.map(({ mean }) => mean),
    deviation: moments.map(({ deviation }) => deviation || 1),
    change,
    season: series.dates !== null,
  };
}

function moment(values: Float64Array): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, deviation: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) };
}

/** Width of an input row. */
export const widthOf = (scaling: Scaling): number => scaling.features.length + (scaling.season ? 2 : 0);

/** Every row as the model takes it: scaled features, then sine and cosine of the time of year. */
export function scaleRows(series: Series, scaling: Scaling): Float32Array {
  const width = widthOf(scaling);
  const rows = new Float32Array(series.rows * width);
  scaling.features.forEach((name, k) => {
    columnOf(series, "data", name).forEach((value, row) => {
      rows[row * width + k] = (value - (scaling.mean[k] as number)) / (scaling.deviation[k] as number);
    });
  });
  if (!scaling.season) return rows;
  if (!series.dates)
    throw new UserError(
      `${series.name}: expected a column of dates as 2015-12-31, which the model learned from, got none`,
    );
  series.dates.values.forEach((date, row) => {
    const angle = 2 * Math.PI * timeOfYear(date);
    rows[row * width + width - 2] = Math.sin(angle);
    rows[row * width + width - 1] = Math.cos(angle);
  });
  return rows;
}

/** The windows that end before each of some rows, as one batch x [T,B,I], and the changes into those rows [B,1]. */
export function gather(
  rows: Float32Array,
  target: Float64Array,
  scaling: Scaling,
  window: number,
  ends: readonly number[],
): Batch {
  const width = widthOf(scaling);
  const B = ends.length;
  const x = new Float32Array(window * B * width);
  const y = new Float32Array(B);
  ends.forEach((end, b) => {
    for (let t = 0; t < window; t++) {
      const row = end - window + t;
      x.set(rows.subarray(row * width, (row + 1) * width), (t * B + b) * width);
    }
    const [now, before] = [target[end] ?? Number.NaN, target[end - 1] as number];
    // The row behind the last one is not known: its target is not used.
    y[b] = Number.isNaN(now) ? 0 : (now - before) / scaling.change;
  });
  return { x: { data: x, shape: [window, B, width] }, target: { data: y, shape: [B, 1] } };
}

/** Whole numbers from `from` up to `to`. */
export const range = ({ from, to }: Part): number[] => Array.from({ length: to - from }, (_, k) => from + k);

/** A seeded permutation (Fisher and Yates; mulberry32). */
export function shuffle(values: readonly number[], seed: number): number[] {
  const result = [...values];
  let state = seed >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  for (let k = result.length - 1; k > 0; k--) {
    const j = Math.floor(random() * (k + 1));
    [result[k], result[j]] = [result[j] as number, result[k] as number];
  }
  return result;
}

/** Forecast of each row: the row before it. */
export const persistence = (target: Float64Array, rows: readonly number[]): number[] =>
  rows.map((row) => target[row - 1] as number);

/** Forecast of each row: the mean of the training part within a week of its time of year. Null without a year of dates. */
export function climatology(
  series: Series,
  target: Float64Array,
  train: Part,
  rows: readonly number[],
): number[] | null {
  const dates = series.dates?.values;
  if (!dates || (dates[train.to - 1] as Date).getTime() - (dates[0] as Date).getTime() < 0.99 * YEAR_MS) return null;
  const past = Array.from({ length: train.to }, (_, row) => ({
    at: timeOfYear(dates[row] as Date),
    value: target[row] as number,
  }));
  return rows.map((row) => {
    const at = timeOfYear(dates[row] as Date);
    const distance = (other: number) => Math.min(Math.abs(other - at), 1 - Math.abs(other - at));
    // Sparse data (a value a month) may have nothing within a week: widen until something is.
    for (let width = 7.5 / 365; ; width *= 2) {
      const near = past.filter((day) => distance(day.at) <= width);
      if (near.length > 0) return near.reduce((sum, day) => sum + day.value, 0) / near.length;
    }
  });
}

/** Root mean square and mean absolute error. */
export function errors(forecast: readonly number[], truth: readonly number[]): { rmse: number; mae: number } {
  const difference = forecast.map((value, k) => value - (truth[k] as number));
  return {
    rmse: Math.sqrt(difference.reduce((sum, d) => sum + d * d, 0) / difference.length),
    mae: difference.reduce((sum, d) => sum + Math.abs(d), 0) / difference.length,
  };
}
