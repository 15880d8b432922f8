// How far off forecasts and classes are.

/** Root mean square and mean absolute error. */
export function errors(forecast: readonly number[], truth: readonly number[]): { rmse: number; mae: number } {
  const difference = forecast.map((value, k) => value - (truth[k] as number));
  return {
    rmse: Math.sqrt(difference.reduce((sum, d) => sum + d * d, 0) / difference.length),
    mae: difference.reduce((sum, d) => sum + Math.abs(d), 0) / difference.length,
  };
}

export interface ClassScores {
  /** Share of rows whose likeliest class is the true one. */
  readonly accuracy: number;
  /** Mean of the classes' F1; a class that neither is nor is named anywhere does not count. */
  readonly macroF1: number;
  /** Mean −ln p of the true class, in nats; null where there are no probabilities. */
  readonly logLoss: number | null;
  /** Rows by true class, then by named class. */
  readonly confusion: readonly (readonly number[])[];
}

/** The place of the largest value, the first of equal ones. */
export const likeliest = (values: readonly number[]): number => values.indexOf(Math.max(...values));

/** Scores of probabilities [rows][classes]. */
export function classScores(probabilities: readonly (readonly number[])[], truth: readonly number[]): ClassScores {
  const { length } = probabilities[0] as readonly number[];
  const scores = namedScores(probabilities.map(likeliest), truth, length);
  const losses = probabilities.map((row, k) => -Math.log(row[truth[k] as number] as number));
  return { ...scores, logLoss: losses.reduce((a, b) => a + b) / losses.length };
}

/** Scores of classes that are named without a probability. */
export function namedScores(named: readonly number[], truth: readonly number[], classes: number): ClassScores {
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  named.forEach((name, k) => {
    const row = confusion[truth[k] as number] as number[];
    row[name] = (row[name] as number) + 1;
  });
  const f1 = confusion.map((_, k) => classF1(confusion, k).f1).filter((value) => value !== null);
  return {
    accuracy: confusion.reduce((sum, row, k) => sum + (row[k] as number), 0) / named.length,
    macroF1: f1.reduce((a, b) => a + b, 0) / f1.length,
    logLoss: null,
    confusion,
  };
}

/** Precision, recall and F1 of a class; null where there is nothing to divide by. */
export function classF1(confusion: ClassScores["confusion"], k: number) {
  const hits = confusion[k]?.[k] as number;
  const is = (confusion[k] as readonly number[]).reduce((a, b) => a + b);
  const named = confusion.reduce((sum, row) => sum + (row[k] as number), 0);
  const share = (of: number) => (of > 0 ? hits / of : null);
  return {
    precision: share(named),
    recall: share(is),
    f1: is + named > 0 ? (2 * hits) / (is + named) : null,
    rows: is,
  };
}
