import { checkNonNegative, show } from "../check.ts";
import type { Core } from "../core.ts";
import { ArgumentRangeError } from "../errors.ts";
import type { Tensor } from "../tensor.ts";
import { type Activation, activationFields, checkActivations, type OneOrTwo } from "./activation.ts";
import type { HiddenCotangents, HiddenGradients, HiddenResult } from "./gru.ts";
import { PLAIN, Recurrent } from "./recurrent.ts";
import type {
  RecurrentBackwardOptions,
  RecurrentForwardOptions,
  RecurrentOptions,
  Surely,
} from "./recurrent-options.ts";

/** Options of an RNN, named and meant as those of torch.nn.RNN. */
export interface RNNOptions extends RecurrentOptions {
  /** Default "tanh". */
  readonly nonlinearity?: "tanh" | "relu";
  /** Bound on the argument of the activation (ONNX' clip); 0, the default, for none. */
  readonly gateClip?: number;
  /** Another activation f than the nonlinearity; one object for all directions, or one for each. */
  readonly activations?: OneOrTwo<{ readonly f?: Activation }>;
}

/** Every intermediate of one direction of one layer, named as in assembly/cells/rnn.ts, in the order of time. */
export interface RNNRecord {
  /** Pre-activations [T,B,H]: equation (1). */
  readonly a: Tensor;
  /** Hidden states [T,B,H]: equation (2). */
  readonly h: Tensor;
}

/**
 * Elman network over whole sequences. Parameters, their names, shapes and equations are those of torch.nn.RNN; the
 * equations stand in assembly/cells/rnn.ts.
 */
export class RNN extends Recurrent {
  readonly nonlinearity: "tanh" | "relu";

  constructor(core: Core, options: RNNOptions) {
    const { nonlinearity = "tanh", gateClip = 0, activations } = options ?? {};
    if (nonlinearity !== "tanh" && nonlinearity !== "relu")
      throw new ArgumentRangeError(`nonlinearity: expected "tanh" or "relu", got ${show(nonlinearity)}`);
    checkNonNegative("gateClip", gateClip);
    const kind = {
      ...{ ...PLAIN, name: "RNN", cell: 2, gates: ["h"] },
      options: checkActivations(activations, { f: nonlinearity }).map((acts) => ({
        ...activationFields(acts),
        gateClip,
      })),
    };
    super(core, options, kind, ["nonlinearity", "gateClip", "activations"]);
    this.nonlinearity = nonlinearity;
  }

  /** Runs whole sequences x [T,B,I] (unbatched [T,I]), and keeps what `backward` needs. */
  forward<Recorded extends boolean = false>(
    x: Tensor,
    options: RecurrentForwardOptions<Recorded> & Surely<Recorded> = {} as never,
  ): HiddenResult<RNNRecord, Recorded> {
    return this.runForward(x, options) as unknown as HiddenResult<RNNRecord, Recorded>;
  }

  /** Back-propagates through the sequences of the last `forward`; adds to the parameters' gradients. */
  backward<Recorded extends boolean = false>(
    cotangents: HiddenCotangents,
    options: RecurrentBackwardOptions<Recorded> & Surely<Recorded> = {} as never,
  ): HiddenGradients<Recorded> {
    return this.runBackwardFrom(cotangents, options) as unknown as HiddenGradients<Recorded>;
  }
}
