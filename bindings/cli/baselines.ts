// Forecasts and classes that need no LSTM, for a model to be measured against.
import { type Core, Linear, Sequential, type Tensor } from "lstm-wasm";
import { adam, type Batch, crossEntropyLoss, Trainer } from "lstm-wasm/train";
import type { Series } from "./csv.ts";
import { chunks, type Part, timeOfYear } from "./dataset.ts";

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

/** Strengths λ of the penalty λ/2·‖W‖², of which the validation part chooses. */
const PENALTIES = [0, 0.001, 0.01, 0.03, 0.1];
/** Rows of an update, updates, and updates without a lower loss on the validation part before it stops. */
const ROWS = 256;
const UPDATES = 5000;
const PATIENCE = 100;
/** Products of a weight and a feature for each strength: a second or so. */
const WORK = 1e9;

/**
 * Multinomial logistic regression with an L2 penalty on the weights: probabilities of the classes for the rows of x. For each
 * strength it is trained by Adam until the loss on the validation part stays up, or the work is done; the strength with the
 * lowest loss is taken. The rows of the training part are to be in random order.
 */
export async function logisticRegression(
  core: Core,
  { train, validation, x }: { readonly train: Labelled; readonly validation: Labelled; readonly x: Tensor },
  classes: number,
  seed: number,
): Promise<number[][]> {
  const I = x.shape[1] as number;
  const batches = batchesOf(train);
  const held = batchesOf(validation);
  const rows = train.labels.length + validation.labels.length;
  const epochs = Math.ceil(Math.min(UPDATES / batches.length, WORK / (rows * I * classes)));
  let best = { loss: Number.POSITIVE_INFINITY, probabilities: [] as number[][] };
  for (const weightDecay of PENALTIES) {
    using linear = new Linear(core, { inFeatures: I, outFeatures: classes, seed });
    using model = new Sequential([linear]);
    const groups = [{ match: /bias/, weightDecay: 0 }];
    using trainer = new Trainer(model, {
      loss: crossEntropyLoss(),
      optimizer: adam({ lr: 0.01, weightDecay, groups }),
    });
    const patience = Math.ceil(PATIENCE / batches.length);
    for await (const _ of trainer.fit(batches, { epochs, validation: held, patience }));
    const loss = trainer.evaluate(held);
    if (loss < best.loss) best = { loss, probabilities: softmaxRows(model.forward(x)) };
  }
  return best.probabilities;
}

/** Rows of features in batches. */
function batchesOf({ x: { data, shape }, labels }: Labelled): Batch[] {
  const I = shape[1] as number;
  return chunks(labels, ROWS).map((some, k) => ({
    x: { data: data.subarray(k * ROWS * I, (k * ROWS + some.length) * I), shape: [some.length, I] },
    target: { data: Float32Array.from(some), shape: [some.length] },
  }));
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
