// What a backward pass with `flow` left in memory, copied for a report.
import type { Slice } from "../layers/slice.ts";

/** Values of single sequences at steps that were taken: all of a batch of one, about a seventh of larger ones. */
export interface FlowData {
  readonly T: number;
  readonly B: number;
  readonly plain: boolean;
  /** [T+1,20], a row a slot of the tapes. */
  readonly norms: Float32Array;
  readonly rows: number;
  /** [rows,GH], blocks in the order of the gates. */
  readonly gates: Float32Array;
  /** [rows,H]: an LSTM's tanh c. */
  readonly kept: Float32Array;
  /** [rows,H] */
  readonly h: Float32Array;
}

/** Copies of what the last pass left; null before the first, and since another forward pass. */
export function readFlow(slice: Slice): FlowData | null {
  const { measured, H } = slice;
  if (!measured) return null;
  const { core, T, B, plain, mask, every, at, kept, h } = measured;
  const rows = Array.from({ length: measured.rows }, (_, k) => k).filter(
    (k) => !mask || core.bytes(mask + k * every, 1)[0],
  );
  const read = (from: number, width: number, distance: number) => {
    const data = new Float32Array(rows.length * width);
    rows.forEach((k, to) => {
      data.set(core.view(from + 4 * k * distance * width, width), to * width);
    });
    return data;
  };
  return {
    ...{ T, B, plain, norms: core.read(at.flow, 20 * (T + 1)), rows: rows.length },
    ...{ gates: read(at.gates, slice.kind.gates.length * H, 1), kept: read(kept, H, every), h: read(h, H, every) },
  };
}
