import { checkFlag, checkInteger, checkNonNegative, checkNumber } from "../check.ts";
import type { Core } from "../core.ts";
import { ArgumentRangeError, ArgumentTypeError } from "../errors.ts";
import type { Tensor } from "../tensor.ts";
import { type Activation, APART, activationFields, checkActivations, type OneOrTwo } from "./activation.ts";
import { Recurrent } from "./recurrent.ts";
import type {
  Records,
  RecurrentBackwardOptions,
  RecurrentForwardOptions,
  RecurrentOptions,
  Surely,
} from "./recurrent-options.ts";

/** Options of an LSTM, named and meant as those of torch.nn.LSTM. */
export interface LSTMOptions extends RecurrentOptions {
  /** Width of a projection of h, below hiddenSize; 0, the default, for none. */
  readonly projSize?: number;
  /** Whether i and f also see c of the step before, and o the new c; adds `weight_ph` [3H] in the order i, f, o. Default false. */
  readonly peephole?: boolean;
  /**
   * Initial bias of the forget gate, put into b_ih alone (1 is Keras' unit_forget_bias; Jozefowicz et al. 2015); by default
   * as the other biases.
   */
  readonly forgetBias?: number;
  /** Whether f is 1 − i (ONNX' input_forget). Default false. */
  readonly coupled?: boolean;
  /**
   * Normalise W_ih·x and W_hh·h over all gates, each with a gain, and c before its tanh, with gain and shift (Ba et al. 2016,
   * as Haste does it); adds `weight_ln_ih`, `weight_ln_hh` [4H], `weight_ln_c`, `bias_ln_c` [H]. Default false.
   */
  readonly layerNorm?: boolean;
  /** Bound on the arguments of all gates' activations, behind biases and peepholes (ONNX' clip); 0, the default, for none. */
  readonly gateClip?: number;
  /** Bound on the stored cell state, for every later use (TensorFlow 1's cell_clip); 0, the default, for none. */
  readonly cellClip?: number;
  /** Activations f of i, f, o (sigmoid), g of g (tanh) and h of c (tanh); one object for all directions, or one for each. */
  readonly activations?: OneOrTwo<{ readonly f?: Activation; readonly g?: Activation; readonly h?: Activation }>;
}

/** Options of a forward pass of an LSTM. */
export interface LSTMForwardOptions<Recorded extends boolean = boolean> extends RecurrentForwardOptions<Recorded> {
  /** Initial cell states [L·D,B,H], index layer·D + direction; zeros by default. */
  readonly c0?: Tensor;
}

/** Every intermediate of one direction of one layer, named as in assembly/cells/lstm.ts, in the order of time. */
export interface LSTMRecord {
  /** Pre-activations of the gates [T,B,4H], blocks i, f, g, o: equation (1). */
  readonly a: Tensor;
  /** Gates, each [T,B,H]: equation (2). */
  readonly i: Tensor;
  readonly f: Tensor;
  readonly g: Tensor;
  readonly o: Tensor;
  /** Cell states [T,B,H]: equation (3). */
  readonly c: Tensor;
  /** tanh of the cell states [T,B,H]. */
  readonly tanhC: Tensor;
  /** Hidden states [T,B,R]: equation (4). */
  readonly h: Tensor;
}

export interface LSTMResult<Recorded extends boolean = boolean> {
  /** h of the last layer at every step [T,B,D·R], the forward direction's half first. */
  readonly output: Tensor;
  /** Final hidden states [L·D,B,R]. */
  readonly hn: Tensor;
  /** Final cell states [L·D,B,H]. */
  readonly cn: Tensor;
  /** With `record: true`; index layer·D + direction. */
  readonly record: Records<LSTMRecord, Recorded>;
}

/** dL/d(each result of forward); what is left out counts as zero. */
export interface LSTMCotangents {
  readonly output?: Tensor;
  readonly hn?: Tensor;
  readonly cn?: Tensor;
}

/** Total derivatives of the loss at every step of one direction of one layer, along every later path. */
export interface LSTMBackwardRecord {
  /** dL/dh [T,B,R]: equation (8). */
  readonly dh: Tensor;
  /** dL/dc [T,B,H]: equation (5). */
  readonly dc: Tensor;
  /** dL/da [T,B,4H], blocks i, f, g, o: equation (7). */
  readonly da: Tensor;
}

export interface LSTMGradients<Recorded extends boolean = boolean> {
  /** dL/dx, shaped as x. */
  readonly input: Tensor;
  /** dL/dh0 [L·D,B,R]. */
  readonly h0: Tensor;
  /** dL/dc0 [L·D,B,H]. */
  readonly c0: Tensor;
  /** With `record: true`; index layer·D + direction. */
  readonly record: Records<LSTMBackwardRecord, Recorded>;
}

/**
 * Long short-term memory over whole sequences. Parameters, their names, gate order (i, f, g, o), shapes and equations are
 * those of torch.nn.LSTM; the equations stand in assembly/cells/lstm.ts.
 */
export class LSTM extends Recurrent {
  /** Width of the projection of h, or 0. */
  readonly projSize: number;

  /**
   * Draws the initial parameters.
   *
   * @throws {ArgumentTypeError} when an option is unknown or of the wrong kind.
   * @throws {ArgumentRangeError} when a size or another value does not fit.
   * @throws {OutOfMemoryError} when the core has no room for the parameters.
   */
  constructor(core: Core, options: LSTMOptions) {
    const { projSize = 0, gateClip = 0, cellClip = 0, activations, forgetBias } = options ?? {};
    const peephole = checkFlag("peephole", options?.peephole ?? false);
    const coupled = checkFlag("coupled", options?.coupled ?? false);
    const layerNorm = checkFlag("layerNorm", options?.layerNorm ?? false);
    checkInteger("projSize", projSize, 0);
    checkNonNegative("gateClip", gateClip);
    checkNonNegative("cellClip", cellClip);
    if (layerNorm && activations !== undefined)
      throw new ArgumentTypeError("activations: expected none beside layerNorm, got both");
    const general = peephole || coupled || layerNorm || gateClip > 0 || cellClip > 0 || activations !== undefined;
    const kind = {
      ...{ name: "LSTM", cell: 0, gates: ["i", "f", "g", "o"], states: ["h", "c"] as const, kept: "tanhC" },
      ...{ recurrent: true, hasRec: layerNorm, projSize, peephole, layerNorm },
      options: checkActivations(activations, { f: "sigmoid", g: "tanh", h: "tanh" }).map((acts) => ({
        ...activationFields(acts),
        // With layer norm, tanh(c) is made behind the cell.
        ...(layerNorm ? { actH: APART } : {}),
        ...{ coupled: coupled ? 1 : 0, gateClip, cellClip },
        general: general ? 1 : 0,
      })),
    };
    if (forgetBias !== undefined) {
      checkNumber("forgetBias", forgetBias);
      if (options.bias === false)
        throw new ArgumentRangeError(`forgetBias: expected none without biases, got ${forgetBias}`);
      if (coupled)
        throw new ArgumentRangeError(`forgetBias: expected none beside coupled, where f is 1 − i, got ${forgetBias}`);
    }
    super(
      core,
      options,
      kind,
      "projSize peephole forgetBias coupled layerNorm gateClip cellClip activations".split(" "),
    );
    this.projSize = projSize;
    if (forgetBias === undefined) return;
    const H = this.hiddenSize;
    for (const { name, value } of this.parameters)
      if (/^bias_[ih]h/.test(name)) core.view(value + 4 * H, H).fill(name.startsWith("bias_ih") ? forgetBias : 0);
  }

  /**
   * Runs whole sequences x [T,B,I] (unbatched [T,I]), and keeps what `backward` needs.
   *
   * @throws {ArgumentTypeError} when x is no tensor, or an option is unknown or of the wrong kind.
   * @throws {ArgumentRangeError} when a shape does not fit, or a value is not finite.
   * @throws {StateError} when the layer is disposed.
   * @throws {OutOfMemoryError} when memory cannot grow to hold what is kept.
   */
  forward<Recorded extends boolean = false>(
    x: Tensor,
    options: LSTMForwardOptions<Recorded> & Surely<Recorded> = {} as never,
  ): LSTMResult<Recorded> {
    return this.runForward(x, options) as unknown as LSTMResult<Recorded>;
  }

  /**
   * Back-propagates through the sequences of the last `forward`; adds to the parameters' gradients.
   *
   * @throws {StateError} when no `forward` came before it, or the layer is disposed.
   */
  backward<Recorded extends boolean = false>(
    cotangents: LSTMCotangents,
    options: RecurrentBackwardOptions<Recorded> & Surely<Recorded> = {} as never,
  ): LSTMGradients<Recorded> {
    return this.runBackwardFrom(cotangents, options) as unknown as LSTMGradients<Recorded>;
  }
}
