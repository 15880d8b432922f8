// The cells of Feng et al. 2024, whose gates see x alone.
import { checkFlag } from "../check.ts";
import type { Core } from "../core.ts";
import type { Tensor } from "../tensor.ts";
import type { CellKind } from "./cell-kind.ts";
import type { HiddenCotangents, HiddenGradients, HiddenResult } from "./gru.ts";
import { PLAIN, Recurrent } from "./recurrent.ts";
import type {
  RecurrentBackwardOptions,
  RecurrentForwardOptions,
  RecurrentOptions,
  Surely,
} from "./recurrent-options.ts";

/** Options of a MinGRU or a MinLSTM: those about W_hh are missing, for there is none. */
export interface MinOptions extends Omit<RecurrentOptions, "recurrentInit" | "recurrentDropout" | "weightDropout"> {
  /**
   * Whether the candidate n is g(a), x + ½ for x ≥ 0 and σ(x) below, which keeps h above 0 (the paper's log-space form), or a
   * itself (its main form). Default false.
   */
  readonly positive?: boolean;
}

/** Every intermediate of one direction of one layer, named as in assembly/cells/min-gru.ts, in the order of time. */
export interface MinGRURecord {
  /** Pre-activations of the gates [T,B,2H], blocks z, n: equation (1). */
  readonly a: Tensor;
  /** Gate and candidate, each [T,B,H]: equation (2). */
  readonly z: Tensor;
  readonly n: Tensor;
  /** Hidden states [T,B,H]: equation (3). */
  readonly h: Tensor;
}

/** Every intermediate of one direction of one layer, named as in assembly/cells/min-lstm.ts, in the order of time. */
export interface MinLSTMRecord {
  /** Pre-activations of the gates [T,B,3H], blocks f, i, n: equation (1). */
  readonly a: Tensor;
  /** Gates and candidate, each [T,B,H]: equation (2). */
  readonly f: Tensor;
  readonly i: Tensor;
  readonly n: Tensor;
  /** The share f / (f + i) of the last h that stays [T,B,H]: equation (3). */
  readonly p: Tensor;
  /** Hidden states [T,B,H]: equation (4). */
  readonly h: Tensor;
}

/** What both share: parameters `weight_ih` and `bias_ih` alone, and h as the only state. */
abstract class Min<Record> extends Recurrent {
  constructor(core: Core, options: MinOptions, cell: Pick<CellKind, "name" | "cell" | "gates" | "kept">) {
    const positive = checkFlag("positive", options?.positive ?? false) ? 1 : 0;
    super(core, options, { ...PLAIN, recurrent: false, ...cell, options: [{ positive }, { positive }] }, ["positive"]);
  }

  /** Runs whole sequences x [T,B,I] (unbatched [T,I]), and keeps what `backward` needs. */
  forward<Recorded extends boolean = false>(
    x: Tensor,
    options: RecurrentForwardOptions<Recorded> & Surely<Recorded> = {} as never,
  ): HiddenResult<Record, Recorded> {
    return this.runForward(x, options) as unknown as HiddenResult<Record, Recorded>;
  }

  /** Back-propagates through the sequences of the last `forward`; adds to the parameters' gradients. */
  backward<Recorded extends boolean = false>(
    cotangents: HiddenCotangents,
    options: RecurrentBackwardOptions<Recorded> & Surely<Recorded> = {} as never,
  ): HiddenGradients<Recorded> {
    return this.runBackwardFrom(cotangents, options) as unknown as HiddenGradients<Recorded>;
  }
}

/**
 * The minimal GRU (Feng et al. 2024, arXiv 2410.01201): all products of a sequence are one, whatever its length. Parameters
 * `weight_ih_l0` [2H,I] and `bias_ih_l0` [2H], gates in the order z, n; the equations stand in assembly/cells/min-gru.ts.
 */
export class MinGRU extends Min<MinGRURecord> {
  constructor(core: Core, options: MinOptions) {
    super(core, options, { name: "MinGRU", cell: 4, gates: ["z", "n"] });
  }
}

/**
 * The minimal LSTM (Feng et al. 2024, arXiv 2410.01201), its gates normalised to a sum of 1. Parameters `weight_ih_l0` [3H,I]
 * and `bias_ih_l0` [3H], gates in the order f, i, n; the equations stand in assembly/cells/min-lstm.ts.
 */
export class MinLSTM extends Min<MinLSTMRecord> {
  constructor(core: Core, options: MinOptions) {
    super(core, options, { name: "MinLSTM", cell: 5, gates: ["f", "i", "n"], kept: "p" });
  }
}
