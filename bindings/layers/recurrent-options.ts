// What recurrent layers are told: options of construction and of a forward pass, and their checks.
import { checkFlag, checkInteger, checkOptions, checkShare, type Mask, show } from "../check.ts";
import { ArgumentRangeError, ArgumentTypeError } from "../errors.ts";
import type { Tensor } from "../tensor.ts";
import type { CellKind, Noise } from "./cell-kind.ts";

/** Options that every recurrent layer has, named and meant as those of torch.nn.LSTM, GRU and RNN. */
export interface RecurrentOptions {
  /** Width I of the input. */
  readonly inputSize: number;
  /** Width H of the hidden state (with a projection: of the cell state). */
  readonly hiddenSize: number;
  /** Layers above each other, L. Default 1. */
  readonly numLayers?: number;
  /** Whether to add the biases b_ih and b_hh. Default true. */
  readonly bias?: boolean;
  /** Input and output are [B,T,…] instead of [T,B,…]; states are not affected. Default false. */
  readonly batchFirst?: boolean;
  /** Probability with which training zeroes an element of the output of every layer but the last. Default 0. */
  readonly dropout?: number;
  /**
   * Probability with which a unit keeps its h through a step in training; outside, h moves by 1 − zoneout (Krueger et al.
   * 2017, on h alone as in Haste). Default 0.
   */
  readonly zoneout?: number;
  /** Probability with which training zeroes an input of each layer, the same ones at every step of a sequence (Keras' dropout). Default 0. */
  readonly inputDropout?: number;
  /**
   * Probability with which training zeroes an h on its way into W_hh, the same ones at every step of a sequence and for all
   * gates (Gal & Ghahramani 2016). Default 0.
   */
  readonly recurrentDropout?: number;
  /** Probability with which training zeroes an element of W_hh, one draw a forward pass (DropConnect). Default 0. */
  readonly weightDropout?: number;
  /** Run a second direction from the end to the start, and put its output behind the first's. Default false. */
  readonly bidirectional?: boolean;
  /** Which way to go through the steps: ONNX' name for the same choice. Default "forward". */
  readonly direction?: "forward" | "reverse" | "bidirectional";
  /** Go through the steps from the last to the first, and answer in that order, as Keras does. Default false. */
  readonly goBackwards?: boolean;
  /** Seed of the initial parameters and of dropout. Default 0. */
  readonly seed?: number;
  /**
   * Initial W_ih: uniform in ±1/√H as in PyTorch, Glorot's uniform in ±√(6/(I + GH)) as in Keras, or Glorot's normal with
   * deviation √(2/(I + GH)), drawn within two deviations, as in TF.js. Default "uniform".
   */
  readonly kernelInit?: "uniform" | "glorotUniform" | "glorotNormal";
  /** Initial W_hh: uniform in ±1/√H as in PyTorch, or with orthonormal columns as in Keras. Default "uniform". */
  readonly recurrentInit?: "uniform" | "orthogonal";
  /** Initial biases: uniform in ±1/√H as in PyTorch, or zeros as in Keras. Default "uniform". */
  readonly biasInit?: "uniform" | "zeros";
}

/** Options of a forward pass. */
export interface RecurrentForwardOptions<Recorded extends boolean = boolean> {
  /** Initial hidden states [L·D,B,R], index layer·D + direction; zeros by default. Without B for input without it. */
  readonly h0?: Tensor;
  /**
   * Valid steps of each sequence: B numbers from 0 to T, in any order. Past its end a sequence's output is 0 and x does
   * not matter; its final states are those after its last step, and the reverse direction starts there. A sequence
   * of length 0 ends in zeros, whatever it started from (onnxruntime's rule).
   */
  readonly lengths?: readonly number[];
  /**
   * Steps [T,B] ([B,T] with batchFirst) to take, 1, or to leave out, 0: through these a sequence holds its state, x does not
   * matter, and the output repeats what it was (Keras' masks). Not together with lengths.
   */
  readonly mask?: Mask;
  /** Output 0 at the steps that the mask leaves out, instead of what it was. Default false. */
  readonly zeroOutputForMask?: boolean;
  /** Apply dropout. Default false. */
  readonly training?: boolean;
  /** Answer every intermediate value too. */
  readonly record?: Recorded;
  /** Answer the output as a view of linear memory, valid until the next call of anything on this core. */
  readonly view?: boolean;
}

/** Options of a backward pass. */
export interface RecurrentBackwardOptions<Recorded extends boolean = boolean> {
  /** Answer the gradients at every step, too. */
  readonly record?: Recorded;
  /** Hold each element of dL/da, the gradients of the gates' arguments, within ± this at every step (Graves 2013). 0, the default: no bound. */
  readonly clipStep?: number;
  /** Measure where the gradient goes, for the report of `GradientFlow` (lstm-wasm/flow). Default false, true while one watches. */
  readonly flow?: boolean;
}

/** Where an answer's type says that something was recorded, the options do not leave it open: `record` is there. */
export type Surely<Recorded extends boolean> = [Recorded] extends [true] ? { readonly record: true } : unknown;

/** What was recorded: with `record: true` the records, otherwise null. */
export type Records<Record, Recorded extends boolean> = Recorded extends true ? readonly Record[] : null;

/** Names of the options that every recurrent layer has, if it has W_hh. */
const COMMON_OPTIONS =
  "inputSize hiddenSize numLayers bias batchFirst dropout zoneout inputDropout recurrentDropout weightDropout bidirectional direction goBackwards seed kernelInit recurrentInit biasInit".split(
    " ",
  );

const withHh = "a layer with recurrent weights";
/** Where the options are known that not every layer has. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  ...{ projSize: "an LSTM", peephole: "an LSTM", forgetBias: "an LSTM", coupled: "an LSTM", layerNorm: "an LSTM" },
  ...{ cellClip: "an LSTM", gateClip: "an LSTM, a GRU or an RNN", activations: "an LSTM, a GRU or an RNN" },
  ...{ resetAfter: "a GRU", nonlinearity: "an RNN", positive: "a MinGRU or a MinLSTM" },
  ...{ recurrentDropout: withHh, weightDropout: withHh, recurrentInit: withHh },
};

/** @internal Options with their defaults, checked. */
export interface CheckedOptions {
  readonly I: number;
  readonly H: number;
  readonly L: number;
  /** Width of h. */
  readonly R: number;
  readonly bias: boolean;
  readonly batchFirst: boolean;
  readonly bidirectional: boolean;
  readonly reverse: boolean;
  readonly goBackwards: boolean;
  readonly dropout: number;
  readonly noise: Noise;
  readonly seed: number;
  readonly kernelInit: "uniform" | "glorotUniform" | "glorotNormal";
  readonly recurrentInit: "uniform" | "orthogonal";
  readonly biasInit: "uniform" | "zeros";
}

/** One of some names. */
function checkName<Name extends string>(name: string, value: unknown, names: readonly [Name, ...Name[]]): Name {
  const given = value ?? names[0];
  if (!names.includes(given as Name))
    throw new ArgumentRangeError(`${name}: expected one of ${names.join(", ")}, got ${show(value)}`);
  return given as Name;
}

/** @internal Checks what every recurrent layer is told; `known` are the names of the cell's own options. */
export function checkRecurrentOptions(
  options: RecurrentOptions,
  { name, projSize, recurrent }: Pick<CellKind, "name" | "projSize" | "recurrent">,
  known: readonly string[],
): CheckedOptions {
  const all = [...COMMON_OPTIONS.filter((option) => recurrent || ELSEWHERE[option] !== withHh), ...known];
  for (const [option, value] of Object.entries(options ?? {}))
    if (!all.includes(option) && Object.hasOwn(ELSEWHERE, option))
      throw new ArgumentTypeError(`${option}: expected only in ${ELSEWHERE[option]}, got ${show(value)} in ${name}`);
  checkOptions("options", options, all);
  const probability = (name: "dropout" | keyof Noise) => checkShare(name, options[name] ?? 0);
  const I = checkInteger("inputSize", options.inputSize);
  const H = checkInteger("hiddenSize", options.hiddenSize);
  const L = checkInteger("numLayers", options.numLayers ?? 1);
  if (projSize >= H) throw new ArgumentRangeError(`projSize: expected less than hiddenSize ${H}, got ${projSize}`);
  const goBackwards = checkFlag("goBackwards", options.goBackwards ?? false);
  const { bidirectional, reverse } = checkDirection(options, goBackwards);
  if (goBackwards && (bidirectional || L > 1))
    throw new ArgumentRangeError(
      `goBackwards: expected false with ${bidirectional ? "two directions" : `${L} layers`}, got true`,
    );
  return {
    ...{ I, H, L, R: projSize || H, bidirectional, reverse, goBackwards },
    bias: checkFlag("bias", options.bias ?? true),
    batchFirst: checkFlag("batchFirst", options.batchFirst ?? false),
    dropout: probability("dropout"),
    noise: {
      zoneout: probability("zoneout"),
      inputDropout: probability("inputDropout"),
      recurrentDropout: probability("recurrentDropout"),
      weightDropout: probability("weightDropout"),
    },
    seed: checkInteger("seed", options.seed ?? 0, 0),
    kernelInit: checkName("kernelInit", options.kernelInit, ["uniform", "glorotUniform", "glorotNormal"]),
    recurrentInit: checkName("recurrentInit", options.recurrentInit, ["uniform", "orthogonal"]),
    biasInit: checkName("biasInit", options.biasInit, ["uniform", "zeros"]),
  };
}

/** Two directions, or one and which. */
function checkDirection(
  { bidirectional, direction }: RecurrentOptions,
  goBackwards: boolean,
): { bidirectional: boolean; reverse: boolean } {
  checkName("direction", direction, ["forward", "reverse", "bidirectional"]);
  const both = checkFlag("bidirectional", bidirectional ?? direction === "bidirectional");
  if (direction !== undefined && both !== (direction === "bidirectional"))
    throw new ArgumentRangeError(`direction: expected the same as bidirectional ${both}, got ${show(direction)}`);
  if (goBackwards && direction === "forward")
    throw new ArgumentRangeError(`direction: expected none beside goBackwards, got ${show(direction)}`);
  return { bidirectional: both, reverse: direction === "reverse" || goBackwards };
}
