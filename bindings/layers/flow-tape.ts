// What a backward pass with `flow` leaves behind for a report (lstm-wasm/flow): norms that assembly/flow.ts measures, and
// copies of some of the gates, which the backward pass overwrites.
import { type Core, Region } from "../core.ts";
import type { SequenceFields } from "../sequence.ts";

/** A backward pass that is to be measured. */
export interface FlowPass {
  readonly T: number;
  readonly B: number;
  /** Whether of dL/dh only the step's own output is not recurrent: no GRU, no zoneout, no mask. */
  readonly plain: boolean;
}

/** Where such a pass left what a report reads (bindings/flow/data.ts). */
export interface Measured extends FlowPass {
  /** Every how many rows of the tapes one is kept, and how many that are. */
  readonly every: number;
  readonly rows: number;
  /** Norms [T+1,12], a row a slot of the tapes; gates [rows,GH]. */
  readonly at: { readonly flow: number; readonly gateRows: number };
}

const PRIMES = [7, 11, 13, 17];

export class FlowTape {
  readonly #core: Core;
  readonly #region: Region;
  readonly #sizes: { readonly H: number; readonly R: number; readonly GH: number };
  /** The last pass; null before the first, and since another forward pass. */
  last: Measured | null = null;

  constructor(core: Core, owner: object, sizes: { H: number; R: number; GH: number }) {
    this.#core = core;
    this.#region = new Region(core, owner);
    this.#sizes = sizes;
  }

  /** Copies gates, and answers where the kernel puts its norms: the same object while nothing moves. */
  prepare({ T, B, plain }: FlowPass, gates: number): SequenceFields & Measured["at"] {
    const { H, R, GH } = this.#sizes;
    // A distance without a common factor with B comes to every sequence in turn.
    const every = B === 1 || T * B <= 64 ? 1 : (PRIMES.find((prime) => B % prime > 0) ?? 1);
    const rows = Math.ceil((T * B) / every);
    const at = this.#region.fitFor(T, 2 * B + +plain, () => ({
      flow: [T + 1, 12],
      flowH: [2, B, R],
      flowC: [2 * B + 1, H],
      flowOut: plain ? [0] : [B, R],
      gateRows: [rows, GH],
    }));
    this.last = { T, B, plain, every, rows, at };
    this.#core.abi.copyRows(at.gateRows, gates, 0, rows, GH, GH, every * GH);
    return at;
  }

  dispose(): void {
    this.#region.dispose();
  }
}
