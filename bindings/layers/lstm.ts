import { checkInteger, checkOptions, checkTensor, show } from "../check.ts";
import { type Core, Region } from "../core.ts";
import { ArgumentRangeError, ArgumentTypeError } from "../errors.ts";
import { Stream } from "../stream.ts";
import type { Shape, Tensor } from "../tensor.ts";
import { Layer } from "./layer.ts";

/** Options of an LSTM, named and meant as those of PyTorch's nn.LSTM. */
export interface LSTMOptions {
  /** Width I of the input. */
  readonly inputSize: number;
  /** Width H of h and c. */
  readonly hiddenSize: number;
  /** Whether to add the biases b_ih and b_hh. Default true. */
  readonly bias?: boolean;
  /** Seed of the initial parameters, which are uniform in ±1/√H. Default 0. */
  readonly seed?: number;
  /** Reserved: 1. */
  readonly numLayers?: number;
  /** Reserved: false. */
  readonly batchFirst?: boolean;
  /** Reserved: 0. */
  readonly dropout?: number;
  /** Reserved: false. */
  readonly bidirectional?: boolean;
  /** Reserved: 0. */
  readonly projSize?: number;
}

/** Addresses that a forward pass leaves to the backward pass. */
type Tape = Record<"h" | "c" | "gates" | "tanhC" | "preact" | "x", number>;

/** Options that are named but not built, with the one value they may have. */
const RESERVED = { numLayers: 1, batchFirst: false, dropout: 0, bidirectional: false, projSize: 0 } as const;

export interface LSTMForwardOptions {
  /** Initial hidden state [1,B,H]; zeros by default. */
  readonly h0?: Tensor;
  /** Initial cell state [1,B,H]; zeros by default. */
  readonly c0?: Tensor;
  /** Answer every intermediate value too. */
  readonly record?: boolean;
  /** Answer views of linear memory instead of copies, valid until the next call of anything on this core. */
  readonly view?: boolean;
}

/** Every intermediate of a forward pass, named as in assembly/cells/lstm.ts. */
export interface LSTMRecord {
  /** Pre-activations [T,B,4H] of the gates, blocks i, f, g, o: equation (1). */
  readonly a: Tensor;
  /** Gates i, f, g, o, each [T,B,H]: equation (2). */
  readonly i: Tensor;
  readonly f: Tensor;
  readonly g: Tensor;
  readonly o: Tensor;
  /** Cell states [T,B,H]: equation (3). */
  readonly c: Tensor;
  /** tanh of the cell states [T,B,H]. */
  readonly tanhC: Tensor;
  /** Hidden states [T,B,H]: equation (4). */
  readonly h: Tensor;
}

export interface LSTMResult {
  /** h of every step [T,B,H]. */
  readonly output: Tensor;
  /** Last hidden state [1,B,H]. */
  readonly hn: Tensor;
  /** Last cell state [1,B,H]. */
  readonly cn: Tensor;
  /** With `record: true`. */
  readonly record?: LSTMRecord;
}

/** dL/d(each result of forward); what is left out counts as zero. */
export interface LSTMCotangents {
  readonly output?: Tensor;
  readonly hn?: Tensor;
  readonly cn?: Tensor;
}

export interface LSTMGradients {
  /** dL/dx [T,B,I]. */
  readonly input: Tensor;
  /** dL/dh0 [1,B,H]. */
  readonly h0: Tensor;
  /** dL/dc0 [1,B,H]. */
  readonly c0: Tensor;
  /** With `record: true`. */
  readonly record?: LSTMBackwardRecord;
}

/** Total derivatives of the loss at every step, along every later path. */
export interface LSTMBackwardRecord {
  /** dL/dh [T,B,H]: equation (8). */
  readonly dh: Tensor;
  /** dL/dc [T,B,H]: equation (5). */
  readonly dc: Tensor;
  /** dL/da [T,B,4H], blocks i, f, g, o: equation (7). */
  readonly da: Tensor;
}

/**
 * Long short-term memory over whole sequences, time-major, one layer, one direction. Parameters, gate order
 * (i, f, g, o) and equations are those of torch.nn.LSTM; they stand in assembly/cells/lstm.ts.
 */
export class LSTM extends Layer {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly bias: boolean;
  readonly #tape: Region;
  readonly #back: Region;
  readonly #packed: Region;
  readonly #packedShapes: Readonly<Record<"wih" | "whh" | "bias" | "wihT" | "whhT", Shape>>;
  readonly #packedVersion = { forward: -1, backward: -1 };
  #lastRun: Tape | null = null;

  constructor(core: Core, options: LSTMOptions) {
    checkOptions("LSTM options", options, ["inputSize", "hiddenSize", "bias", "seed", ...Object.keys(RESERVED)]);
    for (const [name, only] of Object.entries(RESERVED)) {
      const value = options[name as keyof typeof RESERVED] ?? only;
      if (value !== only)
        throw new ArgumentRangeError(`${name}: expected ${only} (no other value is built yet), got ${show(value)}`);
    }
    const I = checkInteger("inputSize", options.inputSize);
    const H = checkInteger("hiddenSize", options.hiddenSize);
    const { bias = true } = options;
    if (typeof bias !== "boolean") throw new ArgumentTypeError(`bias: expected true or false, got ${show(bias)}`);
    const shapes: Record<string, Shape> = { weight_ih_l0: [4 * H, I], weight_hh_l0: [4 * H, H] };
    if (bias) Object.assign(shapes, { bias_ih_l0: [4 * H], bias_hh_l0: [4 * H] });
    super(core, { shapes, bound: 1 / Math.sqrt(H), seed: checkInteger("seed", options.seed ?? 0, 0) });
    this.inputSize = I;
    this.hiddenSize = H;
    this.bias = bias;
    this.#tape = new Region(core, this);
    this.#back = new Region(core, this);
    this.#packed = new Region(core, this);
    const { packedSize } = core.abi;
    this.#packedShapes = {
      wih: [packedSize(I, 4 * H)], // forward: W_ihᵀ, W_hhᵀ and b_ih + b_hh
      whh: [packedSize(H, 4 * H)],
      bias: [4 * H],
      wihT: [packedSize(4 * H, I)], // backward: W_ih and W_hh
      whhT: [packedSize(4 * H, H)],
    };
  }

  override outputShape(input: Shape): Shape {
    if (input.length !== 3 || input[2] !== this.inputSize)
      throw new ArgumentRangeError(`x: expected shape [T,B,${this.inputSize}], got ${show(input)}`);
    return [input[0] as number, input[1] as number, this.hiddenSize];
  }

  /** Runs a whole sequence x [T,B,I], and keeps what `backward` needs. */
  forward(x: Tensor, options: LSTMForwardOptions = {}): LSTMResult {
    this.checkUsable();
    checkOptions("forward options", options, ["h0", "c0", "record", "view"]);
    const { h0, c0, record = false, view = false } = options;
    checkTensor("x", x, ["T", "B", this.inputSize]);
    const [T, B] = x.shape as [number, number, number];
    const H = this.hiddenSize;
    const state = [1, B, H];
    if (h0) checkTensor("h0", h0, state);
    if (c0) checkTensor("c0", c0, state);
    const at = this.#run(this.giveInput(x), x.shape, { h0, c0, record });
    const slot = 4 * B * H;
    const result = {
      output: this.take(at.h + slot, [T, B, H], view),
      hn: this.take(at.h + T * slot, state, view),
      cn: this.take(at.c + T * slot, state, view),
    };
    if (!record) return result;
    const gates = this.core.view(at.gates, T * B * 4 * H);
    return {
      ...result,
      record: {
        a: this.take(at.preact, [T, B, 4 * H]),
        i: gateBlock(gates, 0, [T, B, H]),
        f: gateBlock(gates, 1, [T, B, H]),
        g: gateBlock(gates, 2, [T, B, H]),
        o: gateBlock(gates, 3, [T, B, H]),
        c: this.take(at.c + slot, [T, B, H]),
        tanhC: this.take(at.tanhC, [T, B, H]),
        h: this.take(at.h + slot, [T, B, H]),
      },
    };
  }

  /** Back-propagates through the sequence of the last `forward`; adds to the parameters' gradients. */
  backward(cotangents: LSTMCotangents, options: { readonly record?: boolean } = {}): LSTMGradients {
    const input = this.checkRan();
    checkOptions("backward options", options, ["record"]);
    checkOptions("cotangents", cotangents, ["output", "hn", "cn"]);
    const [T, B] = input as [number, number];
    const H = this.hiddenSize;
    const state = [1, B, H];
    const { output = null, hn = null, cn = null } = cotangents;
    if (output) checkTensor("output", output, [T, B, H]);
    if (hn) checkTensor("hn", hn, state);
    if (cn) checkTensor("cn", cn, state);
    const { record = false } = options;
    const at = this.#runBackward(this.giveCotangents({ output, hn, cn }), true, record);
    const slot = 4 * B * H;
    const result = {
      input: this.take(at.dx, input),
      h0: this.take(at.dh, state),
      c0: this.take(at.dc, state),
    };
    if (!record) return result;
    return {
      ...result,
      record: {
        dh: this.take(at.dh + slot, [T, B, H]),
        dc: this.take(at.dc + slot, [T, B, H]),
        da: this.take(at.gates, [T, B, 4 * H]),
      },
    };
  }

  /** A stream of single steps over these parameters, starting from zero states. */
  stream(): Stream {
    this.checkUsable();
    return new Stream(this);
  }

  override run(x: number, input: Shape): number {
    const at = this.#run(x, input);
    return at.h + 4 * (input[1] as number) * this.hiddenSize;
  }

  override runBackward(dOutput: number, wantInput: boolean): number {
    return this.#runBackward({ output: dOutput, hn: 0, cn: 0 }, wantInput).dx;
  }

  /** @internal Addresses of the weights packed for the forward pass; packed anew only after a change. */
  packForward(): { wih: number; whh: number; bias: number } {
    const at = this.#packed.fit(this.#packedShapes);
    if (this.#packedVersion.forward !== this.#changes) {
      const [wih, whh, bih, bhh] = this.#addresses("value");
      this.core.abi.lstmPackForward(at.wih, at.whh, at.bias, wih, whh, bih, bhh, this.inputSize, this.hiddenSize);
      this.#packedVersion.forward = this.#changes;
    }
    return at;
  }

  override dispose(): void {
    super.dispose();
    this.#tape.dispose();
    this.#back.dispose();
    this.#packed.dispose();
  }

  get #changes(): number {
    return this.parameters[0]?.changes.count as number;
  }

  #addresses(which: "value" | "grad"): [number, number, number, number] {
    const at = (name: string) => this.parameters.find((parameter) => parameter.name === name)?.[which] ?? 0;
    return [at("weight_ih_l0"), at("weight_hh_l0"), at("bias_ih_l0"), at("bias_hh_l0")];
  }

  #run(
    x: number,
    input: Shape,
    options: { h0?: Tensor | undefined; c0?: Tensor | undefined; record?: boolean } = {},
  ): Tape {
    const [T, B, I] = input as [number, number, number];
    const H = this.hiddenSize;
    this.ran(null);
    const at = this.#tape.fit({
      h: [T + 1, B, H], // slot 0: h0
      c: [T + 1, B, H], // slot 0: c0
      gates: [T, B, 4 * H], // a → i, f, g, o (forward) → da (backward)
      tanhC: [T, B, H],
      preact: options.record ? [T, B, 4 * H] : [0],
    });
    for (const [slot0, state] of [
      [at.h, options.h0],
      [at.c, options.c0],
    ] as const) {
      if (state) this.core.write(slot0, state.data);
      else this.core.zero(slot0, B * H);
    }
    const { wih, whh, bias } = this.packForward();
    const preact = options.record ? at.preact : 0;
    this.core.abi.lstmForward(at.h, at.c, at.gates, at.tanhC, preact, x, wih, whh, bias, T, B, I, H);
    this.#lastRun = { ...at, x };
    this.ran(input);
    return this.#lastRun;
  }

  #runBackward(given: { output: number; hn: number; cn: number }, wantInput: boolean, record = false) {
    const [T, B, I] = this.checkRan() as [number, number, number];
    const H = this.hiddenSize;
    const { abi } = this.core;
    const slot = B * H;
    this.ran(null);
    const at = this.#back.fit({
      dh: [T + 1, B, H], // slots 1 to T: dL/d(output) → dL/dh; slot 0: dL/dh0
      dc: [record ? T + 1 : 1, B, H], // last slot: dL/d(cn); slot 0: dL/dc0
      dx: wantInput ? [T, B, I] : [0],
      scratch: [abi.scratchSize(Math.max(I, H))],
    });
    const lastDc = at.dc + (record ? 4 * T * slot : 0);
    this.core.copyOrZero(at.dh + 4 * slot, given.output, T * slot);
    this.core.copyOrZero(lastDc, given.cn, slot);
    const packed = this.#packBackward();
    const dx = wantInput ? at.dx : 0;
    const [dWih, dWhh, dbih, dbhh] = this.#addresses("grad");
    const { h, c, gates, tanhC, x } = this.#lastRun as Tape;
    abi.lstmBackward(
      dx,
      dWih,
      dWhh,
      dbih,
      dbhh,
      at.dh,
      at.dc,
      gates,
      given.hn,
      tanhC,
      h,
      c,
      x,
      packed.wihT,
      packed.whhT,
      at.scratch,
      record,
      T,
      B,
      I,
      H,
    );
    return { ...at, dx, gates };
  }

  #packBackward(): { wihT: number; whhT: number } {
    const at = this.#packed.fit(this.#packedShapes);
    if (this.#packedVersion.backward !== this.#changes) {
      const [wih, whh] = this.#addresses("value");
      this.core.abi.lstmPackBackward(at.wihT, at.whhT, wih, whh, this.inputSize, this.hiddenSize);
      this.#packedVersion.backward = this.#changes;
    }
    return at;
  }
}

/** Gate number k of [T,B,4H] as a tensor of its own. */
function gateBlock(gates: Float32Array, k: number, shape: readonly [number, number, number]): Tensor {
  const [T, B, H] = shape;
  const data = new Float32Array(T * B * H);
  for (let row = 0; row < T * B; row++) data.set(gates.subarray((4 * row + k) * H, (4 * row + k + 1) * H), row * H);
  return { data, shape };
}
