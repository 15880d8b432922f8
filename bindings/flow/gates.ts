// What the gates did, from the rows of the forward pass that a backward pass with flow kept.

import type { CellKind } from "../layers/cell-kind.ts";
import type { Slice } from "../layers/slice.ts";
import type { FlowRows } from "./data.ts";

/** Shares of all values. */
export interface Saturation {
  /** Below 0.1; of g, n, tanh c, an RNN's h and an sLSTM's z, which run from −1 to 1, below −0.9; of a relu, at 0. */
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

/** What a unit's memory is multiplied by in a step: of a GRU z, of a MinGRU 1 − z, of a MinLSTM p, of others f; null without one. */
function holdOf({ gates, kept }: FlowRows, kind: CellKind, H: number): ((row: number, unit: number) => number) | null {
  const gate = (row: number, block: number, unit: number) =>
    gates[(row * kind.gates.length + block) * H + unit] as number;
  if (kind.name === "RNN") return null;
  if (kind.name === "MinGRU") return (row, unit) => 1 - gate(row, 0, unit);
  if (kind.name === "MinLSTM") return (row, unit) => kept[row * H + unit] as number;
  return (row, unit) => Math.abs(gate(row, 1, unit));
}

/** Steps over which each unit keeps what it holds, −1 / mean(log of that factor): 0 forgets at once. Null for an RNN. */
export function forgetHorizon(read: FlowRows, { kind, H }: Slice): number[] | null {
  const { rows } = read;
  const factorOf = holdOf(read, kind, H);
  if (!factorOf) return null;
  return Array.from({ length: H }, (_, unit) => {
    let [sum, steps] = [0, 0];
    for (let row = 0; row < rows; row++) {
      const factor = factorOf(row, unit);
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
