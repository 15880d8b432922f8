import { checkFlag, checkNonNegative } from "../check.ts";
import type { Core } from "../core.ts";
import type { Tensor } from "../tensor.ts";
import { type Activation, activationFields, checkActivations, type OneOrTwo } from "./activation.ts";
import { PLAIN, Recurrent } from "./recurrent.ts";
import type {
  Records,
  RecurrentBackwardOptions,
  RecurrentForwardOptions,
  RecurrentOptions,
  Surely,
} from "./recurrent-options.ts";

/** Options of a GRU, named and meant as those of torch.nn.GRU. */
export interface GRUOptions extends RecurrentOptions {
  /**
   * Whether the reset gate comes behind the recurrent product, as in PyTorch and cuDNN (Keras' reset_after, ONNX'
   * linear_before_reset = 1), or before it, as in the original. Default true.
   */
  readonly resetAfter?: boolean;
  /** Bound on the arguments of all activations (ONNX' clip); 0, the default, for none. */
  readonly gateClip?: number;
  /** Activations f of r and z (sigmoid) and g of n (tanh); one object for all directions, or one for each. */
  readonly activations?: OneOrTwo<{ readonly f?: Activation; readonly g?: Activation }>;
}

/** Every intermediate of one direction of one layer, named as in assembly/cells/gru.ts, in the order of time. */
export interface GRURecord {
  /** Arguments of the gates' activations [T,B,3H], blocks r, z, n: what (2) and (3) take σ and tanh of. */
  readonly a: Tensor;
  /** Gates, each [T,B,H]: equations (2) and (3). */
  readonly r: Tensor;
  readonly z: Tensor;
  readonly n: Tensor;
  /** Hidden states [T,B,H]: equation (4). */
  readonly h: Tensor;
}

/** Results of a forward pass of a GRU or an RNN. */
export interface HiddenResult<Record, Recorded extends boolean = boolean> {
  /** h of the last layer at every step [T,B,D·H], the forward direction's half first. */
  readonly output: Tensor;
  /** Final hidden states [L·D,B,H]. */
  readonly hn: Tensor;
  /** With `record: true`; index layer·D + direction. */
  readonly record: Records<Record, Recorded>;
}

/** dL/d(each result of forward); what is left out counts as zero. */
export interface HiddenCotangents {
  readonly output?: Tensor;
  readonly hn?: Tensor;
}

/** Gradients of what went into a GRU or an RNN. */
export interface HiddenGradients<Recorded extends boolean = boolean> {
  /** dL/dx, shaped as x. */
  readonly input: Tensor;
  /** dL/dh0 [L·D,B,H]. */
  readonly h0: Tensor;
  /** With `record: true`; index layer·D + direction: dL/dh [T,B,H], and dL/da, what reaches W_ih·x. */
  readonly record: Records<{ readonly dh: Tensor; readonly da: Tensor }, Recorded>;
}

/**
 * Gated recurrent unit over whole sequences. Parameters, their names, gate order (r, z, n), shapes and equations are those
 * of torch.nn.GRU; the equations stand in assembly/cells/gru.ts.
 */
export class GRU extends Recurrent {
  constructor(core: Core, options: GRUOptions) {
    const { resetAfter = true, gateClip = 0, activations } = options ?? {};
    const general =
      !checkFlag("resetAfter", resetAfter) || checkNonNegative("gateClip", gateClip) > 0 || activations !== undefined;
    const kind = {
      ...{ ...PLAIN, name: "GRU", cell: 1, gates: ["r", "z", "n"], hasRec: true },
      options: checkActivations(activations, { f: "sigmoid", g: "tanh" }).map((acts) => ({
        ...activationFields(acts),
        ...{ gateClip, resetAfter: resetAfter ? 1 : 0, general: general ? 1 : 0 },
      })),
    };
    super(core, options, kind, ["resetAfter", "gateClip", "activations"]);
  }

  /** Runs whole sequences x [T,B,I] (unbatched [T,I]), and keeps what `backward` needs. */
  forward<Recorded extends boolean = false>(
    x: Tensor,
    options: RecurrentForwardOptions<Recorded> & Surely<Recorded> = {} as never,
  ): HiddenResult<GRURecord, Recorded> {
    return this.runForward(x, options) as unknown as HiddenResult<GRURecord, Recorded>;
  }

  /** Back-propagates through the sequences of the last `forward`; adds to the parameters' gradients. */
  backward<Recorded extends boolean = false>(
    cotangents: HiddenCotangents,
    options: RecurrentBackwardOptions<Recorded> & Surely<Recorded> = {} as never,
  ): HiddenGradients<Recorded> {
    return this.runBackwardFrom(cotangents, options) as unknown as HiddenGradients<Recorded>;
  }
}
