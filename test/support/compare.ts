/** Where two tensors differ most, over a tolerance. */
export interface Difference {
  readonly name: string;
  /** Largest |got − want| / atol; infinite for another length, or a NaN on either side. */
  readonly ratio: number;
  readonly text: string;
}

export function compare(name: string, got: ArrayLike<number>, want: ArrayLike<number>, atol: number): Difference {
  if (got.length !== want.length)
    return { name, ratio: Number.POSITIVE_INFINITY, text: `${name}: ${got.length} values, want ${want.length}` };
  let [worst, at] = [0, 0];
  for (let k = 0; k < want.length; k++) {
    const difference = Math.abs((got[k] as number) - (want[k] as number));
    const size = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
    if (size > worst) [worst, at] = [size, k];
  }
  const ratio = worst === 0 ? 0 : worst / atol;
  return { name, ratio, text: `${name}[${at}]: ${got[at]}, want ${want[at]}: ${ratio.toPrecision(3)} of ${atol}` };
}

/** The largest absolute value, 0 for none. */
export const largest = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((a, b) => Math.max(a, Math.abs(b)), 0);
