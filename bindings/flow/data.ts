// What a backward pass with `flow` left in memory, copied for a report.
import type { Slice } from "../layers/slice.ts";

/** Norms of a slot, as assembly/flow.ts leaves them. */
export const COLUMNS = 12;

/** Norms of every step. */
export interface FlowTable {
  readonly T: number;
  readonly B: number;
  readonly plain: boolean;
  /** Lags before and behind which all sequences only hold what they have: padding. */
  readonly from: number;
  readonly to: number;
  /** [T+1,12], a row a slot of the tapes. */
  readonly norms: Float32Array;
}

/** Values of single sequences at steps that were taken: all of one sequence, or of up to 64 steps of several, else about a seventh. */
export interface FlowRows {
  readonly rows: number;
  /** [rows,GH], blocks in the order of the gates. */
  readonly gates: Float32Array;
  /** [rows,H]: an LSTM's tanh c. */
  readonly kept: Float32Array;
  /** [rows,H] */
  readonly h: Float32Array;
}

/** The norms of the last pass; null before the first, and since another forward pass. */
export function readTable({ measured, reverse }: Slice): FlowTable | null {
  if (!measured) return null;
  const { core, T, B, plain, mask, at } = measured;
  let [from, to] = [0, T];
  if (mask) {
    const taken = core.bytes(mask, T * B);
    const isHeld = (lag: number) => {
      const t = reverse ? lag : T - 1 - lag;
      return taken.subarray(t * B, (t + 1) * B).every((one) => one === 0);
    };
    while (from < T && isHeld(from)) from++;
    while (to > from && isHeld(to - 1)) to--;
  }
  return { T, B, plain, from, to, norms: core.read(at.flow, COLUMNS * (T + 1)) };
}

/** The values of the last pass, behind which readTable answered. */
export function readRows({ measured, kind, H }: Slice): FlowRows {
  if (!measured) throw new Error("expected a measured pass");
  const { core, T, B, mask, every, at, kept, h } = measured;
  const taken = mask ? core.bytes(mask, T * B) : null;
  const rows = Array.from({ length: measured.rows }, (_, k) => k).filter((k) => !taken || taken[k * every]);
  const read = (from: number, width: number, distance: number) => {
    const all = core.view(from, ((measured.rows - 1) * distance + 1) * width);
    const data = new Float32Array(rows.length * width);
    let to = 0;
    // One by one: a view of each row would take longer than its values.
    for (const k of rows)
      for (let u = 0, place = k * distance * width; u < width; u++) data[to++] = all[place++] as number;
    return data;
  };
  return {
    ...{ rows: rows.length, gates: read(at.gateRows, kind.gates.length * H, 1) },
    ...{ kept: read(kept, H, every), h: read(h, H, every) },
  };
}
