import { show } from "../check.ts";
import type { Core } from "../core.ts";
import { ArgumentRangeError } from "../errors.ts";
import { Stream } from "../stream.ts";
import type { Tensor } from "../tensor.ts";
import type { HiddenCotangents, HiddenGradients, HiddenResult } from "./gru.ts";
import { Recurrent, type RecurrentForwardOptions, type RecurrentOptions } from "./recurrent.ts";

/** Options of an RNN, named and meant as those of torch.nn.RNN. */
export interface RNNOptions extends RecurrentOptions {
  /** Default "tanh". */
  readonly nonlinearity?: "tanh" | "relu";
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
    const { nonlinearity = "tanh" } = options ?? {};
    if (nonlinearity !== "tanh" && nonlinearity !== "relu")
      throw new ArgumentRangeError(`nonlinearity: expected "tanh" or "relu", got ${show(nonlinearity)}`);
    const fields = { actF: nonlinearity === "relu" ? 2 : 1 };
    super(core, options, { cell: 2, gates: ["h"], hasC: false, hasRec: false, projSize: 0, fields }, ["nonlinearity"]);
    this.nonlinearity = nonlinearity;
  }

  /** Runs whole sequences x [T,B,I] (unbatched [T,I]), and keeps what `backward` needs. */
  forward(x: Tensor, options: RecurrentForwardOptions = {}): HiddenResult<RNNRecord> {
    return this.runForward(x, options) as unknown as HiddenResult<RNNRecord>;
  }

  /** Back-propagates through the sequences of the last `forward`; adds to the parameters' gradients. */
  backward(cotangents: HiddenCotangents, options: { readonly record?: boolean } = {}): HiddenGradients {
    return this.runBackwardFrom(cotangents, options) as unknown as HiddenGradients;
  }

  /** A stream of single steps over these parameters, starting from zero states. */
  stream(): Stream {
    return new Stream(this);
  }
}
