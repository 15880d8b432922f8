// What a backward pass with `flow` leaves behind for a report (lstm-wasm/flow): norms that assembly/flow.ts measures, and
// copies of some of the gates, which the backward pass overwrites.
import { type Core, Region } from "../core.ts";
import type { SequenceFields } from "../sequence.ts";

/** A backward pass that is to be measured. */
export interface FlowPass {
  readonly T: number;
  readonly B: number;
  readonly gates: number;
  /** Whether of dL/dh only the step's own output is not recurrent: no GRU, no zoneout, no mask. */
  readonly plain: boolean;
  /** Whether outputs have gradients of their own, or the last states alone. */
  readonly many: boolean;
}

/** Where such a pass left what a report reads (bindings/flow/data.ts). */
export interface Measured extends FlowPass {
  /** Every how many rows of the tapes one is kept, and how many that are. */
  readonly every: number;
  readonly rows: number;
  /** Norms [T+1,20], a row a slot of the tapes; gates [rows,GH]. */
  readonly at: { readonly flow: number; readonly gates: number };
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

  /** Copies gates, and answers where the kernel puts its norms. */
  prepare(pass: FlowPass): SequenceFields {
    const { H, R, GH } = this.#sizes;
    const { T, B, gates, plain, many } = pass;
    // A distance without a common factor with B comes to every sequence in turn.
    const every = B === 1 ? 1 : (PRIMES.find((prime) => B % prime > 0) ?? 1);
    const rows = Math.ceil((T * B) / every);
    const at = this.#region.fitFor(T, B, () => ({
      flow: [T + 1, 20],
      flowH: [2, B, R],
      flowC: [B + 1, H],
      flowOut: [B, R],
      gates: [rows, GH],
    }));
    this.last = { ...pass, every, rows, at };
    this.#core.abi.copyRows(at.gates, gates, 0, rows, GH, GH, every * GH);
    const { flow, flowH, flowC, flowOut } = at;
    return { flow, flowH, flowC, flowOut: plain ? flowH : flowOut, flowOwn: many ? 2 : 0 };
  }

  dispose(): void {
    this.#region.dispose();
  }
}
