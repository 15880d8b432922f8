// What a backward pass with `flow` leaves behind for a report (lstm-wasm/flow): norms that assembly/flow.ts measures, and
// copies of some of the gates, which the backward pass overwrites.
import { type Core, Region } from "../core.ts";
import type { SequenceFields } from "../sequence.ts";

/** Where the last forward pass left its values, and its sizes. */
export interface Taped {
  readonly T: number;
  readonly B: number;
  /** [T,B] bytes, or 0. */
  readonly mask: number;
  readonly gates: number;
  readonly kept: number;
  /** h [T,B,H], before a projection. */
  readonly h: number;
  /** Whether of dL/dh only the step's own output is not recurrent: no GRU, no zoneout, no mask. */
  readonly plain: boolean;
}

/** Values of single sequences at steps that were taken: all of a batch of one, about an eighth of larger ones. */
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

export class FlowTape {
  readonly #core: Core;
  readonly #region: Region;
  readonly #sizes: { readonly H: number; readonly R: number; readonly GH: number };
  #last: (Taped & { readonly every: number; readonly at: Readonly<Record<string, number>> }) | null = null;

  constructor(core: Core, owner: object, sizes: { H: number; R: number; GH: number }) {
    this.#core = core;
    this.#region = new Region(core, owner);
    this.#sizes = sizes;
  }

  /** Copies gates, and answers where the kernel puts its norms. */
  prepare(taped: Taped): SequenceFields {
    const { H, R, GH } = this.#sizes;
    const { T, B, gates, plain } = taped;
    // A distance without a common factor with B comes to every sequence in turn.
    let every = B === 1 ? 1 : Math.min(B, 8) + 1;
    while (commonFactor(every, B) > 1) every++;
    const rows = Math.ceil((T * B) / every);
    const at = this.#region.fitFor(`${T},${B}`, () => ({
      flow: [T + 1, 20],
      flowH: [2, B, R],
      flowC: [B + 1, H],
      flowOut: [B, R],
      gates: [rows, GH],
    }));
    this.#core.abi.copyRows(at.gates, gates, 0, rows, GH, GH, every * GH);
    this.#last = { ...taped, every, at };
    return { flow: at.flow, flowH: at.flowH, flowC: at.flowC, flowOut: plain ? at.flowH : at.flowOut };
  }

  /** A forward pass writes over what a report would read. */
  forget(): void {
    this.#last = null;
  }

  /** Copies of what the last pass left; null before the first, and since another forward pass. */
  read(): FlowData | null {
    if (!this.#last) return null;
    const { T, B, mask, every, at, kept, h, plain } = this.#last;
    const { H, GH } = this.#sizes;
    const core = this.#core;
    const rows = Array.from({ length: Math.ceil((T * B) / every) }, (_, k) => k).filter(
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
      ...{ T, B, plain, norms: core.read(at.flow as number, 20 * (T + 1)), rows: rows.length },
      ...{ gates: read(at.gates as number, GH, 1), kept: read(kept, H, every), h: read(h, H, every) },
    };
  }

  dispose(): void {
    this.#region.dispose();
  }
}

const commonFactor = (a: number, b: number): number => (b === 0 ? a : commonFactor(b, a % b));
