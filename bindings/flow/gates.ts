// What the gates did, from the rows of the forward pass that a backward pass with flow kept.

import type { Slice } from "../layers/slice.ts";
import type { FlowRows } from "./data.ts";

/** Shares of all values. */
export interface Saturation {
  /** Below 0.1; of g, n and tanh c, which run from −1 to 1, below −0.9; of a relu, at 0. */
  readonly low: number;
  /** Above 0.9. */
  readonly high: number;
}

/** A unit is dead when |h| stays below this. */
export const DEAD_BELOW = 1e-3;

/** Index of relu in assembly/math/activation.ts. */
const RELU = 2;

/** The saturation of each gate by its name, and of an LSTM's tanh c. */
export function saturationOf({ gates, kept, rows }: FlowRows, { kind, H }: Slice): Record<string, Saturation> {
  const GH = kind.gates.length * H;
  const fields = kind.options[0];
  const share = (values: Float32Array, stride: number, first: number, low: (value: number) => boolean) => {
    let [below, above] = [0, 0];
    for (let row = 0; row < rows; row++)
      for (let u = 0, at = row * stride + first; u < H; u++, at++) {
        if (low(values[at] as number)) below++;
        if ((values[at] as number) > 0.9) above++;
      }
    return { low: below / (rows * H), high: above / (rows * H) };
  };
  const isRelu = kind.name === "RNN" && fields?.actF === RELU;
  const signed = (name: string) => ["g", "n", "h"].includes(name) || (name === "z" && kind.name === "SLSTM");
  const result = Object.fromEntries(
    kind.gates.flatMap((name, k) => {
      // Of a minimal cell n is linear: nothing to saturate.
      if (name === "n" && !kind.recurrent) return [];
      if (isRelu) return [[name, { ...share(gates, GH, 0, (value) => value <= 0), high: 0 }]];
      const limit = signed(name) ? -0.9 : 0.1;
      return [[name, share(gates, GH, k * H, (value) => value < limit)]];
    }),
  );
  return kind.name === "LSTM" ? { ...result, tanhC: share(kept, H, 0, (value) => value < -0.9) } : result;
}

/**
 * Steps over which each unit keeps what it holds, −1 / mean(log f), of an LSTM's f or a GRU's z: 0 forgets at once. Null for a
 * cell without such a gate.
 */
export function forgetHorizon({ gates, rows }: FlowRows, { kind, H }: Slice): number[] | null {
  const block = ["f", "z"].includes(kind.gates[1] ?? "") ? 1 : 0;
  if (!block) return null;
  const GH = kind.gates.length * H;
  return Array.from({ length: H }, (_, unit) => {
    let [sum, steps] = [0, 0];
    for (let row = 0; row < rows; row++) {
      const factor = Math.abs(gates[row * GH + block * H + unit] as number);
      // An sLSTM that has taken in nothing yet has nothing to forget.
      if (factor === 0 && kind.name === "SLSTM") continue;
      sum += Math.log(factor);
      steps++;
    }
    const mean = sum / steps;
    return mean < 0 ? -1 / mean : Number.POSITIVE_INFINITY;
  });
}

/** Units whose h never left zero. */
export function deadUnits({ h, rows }: FlowRows, { H }: Slice): number[] {
  return Array.from({ length: rows > 0 ? H : 0 }, (_, unit) => unit).filter((unit) => {
    for (let row = 0; row < rows; row++) if (!(Math.abs(h[row * H + unit] as number) < DEAD_BELOW)) return false;
    return true;
  });
}
