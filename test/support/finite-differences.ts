import { expect } from "vitest";
import { largest } from "./compare.ts";

/** Expects gradients, by the names of float64 values, to be a loss's central finite differences; answers how many they are. */
export function expectFiniteDifferences(
  loss: () => number,
  grads: Readonly<Record<string, Float64Array>>,
  given: Readonly<Record<string, { readonly data: ArrayLike<number> } | undefined>>,
): number {
  let checked = 0;
  for (const [key, grad] of Object.entries(grads)) {
    const values = given[key]?.data as Float64Array;
    const scale = largest(grad);
    grad.forEach((want, k) => {
      const kept = values[k] as number;
      const step = 1e-5;
      const shift = (by: number) => {
        values[k] = kept + by;
        const result = loss();
        values[k] = kept;
        return result;
      };
      // Richardson's combination of two central differences leaves an error of order step⁴.
      const central = (h: number) => (shift(h) - shift(-h)) / (2 * h);
      const got = (4 * central(step) - central(2 * step)) / 3;
      expect(Math.abs(got - want), `${key}[${k}]: ${got}, want ${want}`).toBeLessThanOrEqual(
        1e-6 * Math.max(Math.abs(want), scale),
      );
      checked++;
    });
  }
  return checked;
}
