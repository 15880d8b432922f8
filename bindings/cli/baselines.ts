// Forecasts and classes that need no LSTM, for a model to be measured against.
import { adam, type Core, crossEntropyLoss, Linear, Sequential, type Tensor, Trainer } from "lstm-wasm";
import type { Series } from "./csv.ts";
import { type Part, timeOfYear } from "./dataset.ts";

const YEAR_MS = 365.2425 * 24 * 3600 * 1000;

/** Forecast of each row: the value some rows before it. */
export const persistence = (target: Float64Array, rows: readonly number[], ahead = 1): number[] =>
  rows.map((row) => target[row - ahead] as number);

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
  })).sort((a, b) => a.at - b.at);
  // In the order of the year, once before it and once behind it, with running sums: any stretch has its mean in two look-ups.
  const circle = [-1, 0, 1].flatMap((turn) => past.map(({ at, value }) => ({ at: at + turn, value })));
  const sums = new Float64Array(circle.length + 1);
  circle.forEach(({ value }, k) => {
    sums[k + 1] = (sums[k] as number) + value;
  });
  const firstFrom = (at: number): number => {
    let [low, high] = [0, circle.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((circle[middle] as { at: number }).at < at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return rows.map((row) => {
    const at = timeOfYear(dates[row] as Date);
    // Sparse data (a value a month) may have nothing within a week: widen until something is, at most to the whole year.
    for (let width = 7.5 / 365; ; width *= 2) {
      const reach = Math.min(width, 0.5);
      const [from, to] = [firstFrom(at - reach), firstFrom(at + reach)];
      if (to > from) return ((sums[to] as number) - (sums[from] as number)) / (to - from);
    }
  });
}

/** Share of each class in the training part, as if each had been seen once more: none is impossible. */
export function classPrior(labels: readonly number[], classes: number): number[] {
  const counts = new Array<number>(classes).fill(1);
  for (const label of labels) counts[label] = (counts[label] as number) + 1;
  return counts.map((count) => count / (labels.length + classes));
}

/** What a logistic regression is trained and stopped on: every window [B,T·I] as one row of features, and its class. */
export interface Labelled {
  readonly x: Tensor;
  readonly labels: readonly number[];
}

/**
 * Multinomial logistic regression: probabilities of the classes for the rows of x. Trained on the whole training part at
 * once, by Adam, until the loss on the validation part has not been lower for a hundred updates.
 */
export async function logisticRegression(
  core: Core,
  { train, validation, x }: { readonly train: Labelled; readonly validation: Labelled; readonly x: Tensor },
  classes: number,
  seed: number,
): Promise<number[][]> {
  using linear = new Linear(core, { inFeatures: x.shape[1] as number, outFeatures: classes, seed });
  using model = new Sequential([linear]);
  using trainer = new Trainer(model, { loss: crossEntropyLoss(), optimizer: adam({ lr: 0.01 }) });
  const batch = ({ x, labels }: Labelled) => [
    { x, target: { data: Float32Array.from(labels), shape: [labels.length] } },
  ];
  for await (const _ of trainer.fit(batch(train), { epochs: 5000, validation: batch(validation), patience: 100 }));
  return softmaxRows(model.forward(x));
}

/** Probabilities from logits [B,C], row by row. */
export function softmaxRows({ data, shape }: Tensor): number[][] {
  const [B, C] = shape as [number, number];
  return Array.from({ length: B }, (_, b) => {
    const row = data.subarray(b * C, (b + 1) * C);
    const most = row.reduce((a, b) => Math.max(a, b));
    const powers = Array.from(row, (value) => Math.exp(value - most));
    const sum = powers.reduce((a, b) => a + b);
    return powers.map((power) => power / sum);
  });
}
