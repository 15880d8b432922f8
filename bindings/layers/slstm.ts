import type { Core } from "../core.ts";
import { ArgumentRangeError } from "../errors.ts";
import type { Tensor } from "../tensor.ts";
import type { States } from "./cell-kind.ts";
import { PLAIN, Recurrent } from "./recurrent.ts";
import type {
  Records,
  RecurrentBackwardOptions,
  RecurrentForwardOptions,
  RecurrentOptions,
  Surely,
} from "./recurrent-options.ts";

/** Options of an sLSTM. */
export type SLSTMOptions = RecurrentOptions;

/** Options of a forward pass of an sLSTM. Initial states are [L·D,B,H], index layer·D + direction; zeros by default. */
export interface SLSTMForwardOptions<Recorded extends boolean = boolean> extends RecurrentForwardOptions<Recorded> {
  /** Cell states, which count where n0 is above 0. */
  readonly c0?: Tensor;
  /** Normalisers, at least 0: what c has taken in so far. 0 where it has taken in nothing. */
  readonly n0?: Tensor;
  /** Stabilisers, which count where n0 is above 0: c0 and n0 stand for e^m0 times themselves. */
  readonly m0?: Tensor;
}

/** Every intermediate of one direction of one layer, named as in assembly/cells/slstm.ts, in the order of time. */
export interface SLSTMRecord {
  /** Pre-activations of the gates [T,B,4H], blocks i, f, z, o: equation (1). */
  readonly a: Tensor;
  /** Gates, each [T,B,H]: equations (2) and (4), i and f scaled by the stabiliser. */
  readonly i: Tensor;
  readonly f: Tensor;
  readonly z: Tensor;
  readonly o: Tensor;
  /** Cell states, normalisers and stabilisers [T,B,H]: equations (5) and (3). */
  readonly c: Tensor;
  readonly n: Tensor;
  readonly m: Tensor;
  /** Hidden states [T,B,H]: equation (6). */
  readonly h: Tensor;
}

export interface SLSTMResult<Recorded extends boolean = boolean> {
  /** h of the last layer at every step [T,B,D·H], the forward direction's half first. */
  readonly output: Tensor;
  /** Final states [L·D,B,H]. */
  readonly hn: Tensor;
  readonly cn: Tensor;
  readonly nn: Tensor;
  readonly mn: Tensor;
  /** With `record: true`; index layer·D + direction. */
  readonly record: Records<SLSTMRecord, Recorded>;
}

/** dL/d(each result of forward); what is left out counts as zero. */
export interface SLSTMCotangents {
  readonly output?: Tensor;
  readonly hn?: Tensor;
  readonly cn?: Tensor;
  readonly nn?: Tensor;
  readonly mn?: Tensor;
}

/** Total derivatives of the loss at every step of one direction of one layer, along every later path. */
export interface SLSTMBackwardRecord {
  /** dL/dh, dL/dc, dL/dn [T,B,H]. */
  readonly dh: Tensor;
  readonly dc: Tensor;
  readonly dn: Tensor;
  /** dL/dm [T,B,H], of m as the state that the next step starts from: equation (10). */
  readonly dm: Tensor;
  /** dL/da [T,B,4H], blocks i, f, z, o. */
  readonly da: Tensor;
}

export interface SLSTMGradients<Recorded extends boolean = boolean> {
  /** dL/dx, shaped as x. */
  readonly input: Tensor;
  /** dL/d(each initial state) [L·D,B,H]. */
  readonly h0: Tensor;
  readonly c0: Tensor;
  readonly n0: Tensor;
  readonly m0: Tensor;
  /** With `record: true`; index layer·D + direction. */
  readonly record: Records<SLSTMBackwardRecord, Recorded>;
}

/**
 * LSTM with exponential gates (Beck et al. 2024, xLSTM, arXiv 2405.04517): the cell alone, one head, without the block of
 * normalisation, convolution and projections that the paper puts it into. Parameters are named and shaped as an LSTM's, gates
 * in the order i, f, z, o; the equations stand in assembly/cells/slstm.ts.
 */
export class SLSTM extends Recurrent {
  constructor(core: Core, options: SLSTMOptions) {
    const kind = {
      ...PLAIN,
      name: "SLSTM",
      cell: 3,
      gates: ["i", "f", "z", "o"],
      states: ["h", "c", "n", "m"] as const,
    };
    super(core, options, { ...kind, options: [{}, {}] }, []);
  }

  /** Runs whole sequences x [T,B,I] (unbatched [T,I]), and keeps what `backward` needs. */
  forward<Recorded extends boolean = false>(
    x: Tensor,
    options: SLSTMForwardOptions<Recorded> & Surely<Recorded> = {} as never,
  ): SLSTMResult<Recorded> {
    return this.runForward(x, options) as unknown as SLSTMResult<Recorded>;
  }

  /** Back-propagates through the sequences of the last `forward`; adds to the parameters' gradients. */
  backward<Recorded extends boolean = false>(
    cotangents: SLSTMCotangents,
    options: RecurrentBackwardOptions<Recorded> & Surely<Recorded> = {} as never,
  ): SLSTMGradients<Recorded> {
    return this.runBackwardFrom(cotangents, options) as unknown as SLSTMGradients<Recorded>;
  }

  protected override checkStates({ n }: States<Tensor>): void {
    const negative = n?.data.find((value) => value < 0);
    if (negative !== undefined) throw new ArgumentRangeError(`n0: expected values of at least 0, got ${negative}`);
  }
}
