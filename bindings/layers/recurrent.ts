// What LSTM, GRU and RNN share: layers above each other, two directions, variable lengths, states, tapes. One kernel
// call runs one direction of one layer over the whole sequence.
import { checkFlag, checkOptions, checkTensor, show } from "../check.ts";
import { type Core, Region } from "../core.ts";
import { ArgumentRangeError, ArgumentTypeError } from "../errors.ts";
import { BEYOND_TWO_DEVIATIONS, INIT_STREAM, passStream } from "../random.ts";
import type { Shape, Tensor } from "../tensor.ts";
import { Layer, type Pass } from "./layer.ts";
import {
  type CheckedOptions,
  checkClip,
  checkRecurrentOptions,
  type RecurrentBackwardOptions,
  type RecurrentForwardOptions,
  type RecurrentOptions,
} from "./recurrent-options.ts";
import { type CellKind, type CellRecord, Slice, type SliceShape } from "./slice.ts";
import { checkTakenSteps, clearRows, stepsOfLengths, stepsOfMask } from "./steps.ts";

/** Results of a forward pass; null where the cell has no c, or nothing was recorded. */
export interface RecurrentResult {
  readonly output: Tensor;
  readonly hn: Tensor;
  readonly cn: Tensor | null;
  /** Index layer·D + direction, as in the states. */
  readonly record: readonly CellRecord[] | null;
}

/** dL/d(each result of a forward pass); what is left out counts as zero. */
export interface RecurrentCotangents {
  readonly output?: Tensor;
  readonly hn?: Tensor;
  readonly cn?: Tensor;
}

/** Gradients of what went into a forward pass; null where the cell has no c, or nothing was recorded. */
export interface RecurrentGradients {
  readonly input: Tensor;
  readonly h0: Tensor;
  readonly c0: Tensor | null;
  readonly record: readonly CellRecord[] | null;
}

/** States of all slices, h [L·D,B,R] and c [L·D,B,H], or gradients of them. */
export interface CarriedStates {
  readonly h: Tensor;
  readonly c?: Tensor;
}

export abstract class Recurrent extends Layer {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly bias: boolean;
  readonly batchFirst: boolean;
  readonly dropout: number;
  readonly bidirectional: boolean;
  /** Whether the only direction runs from the last step to the first. */
  readonly reverse: boolean;
  readonly goBackwards: boolean;
  /** Width R of h in one direction: projSize, or hiddenSize. */
  readonly stateSize: number;
  /** @internal Index layer·D + direction. */
  readonly slices: readonly Slice[];
  readonly #kind: CellKind;
  readonly #seed: number;
  readonly #input: Region;
  readonly #outputs: readonly Region[];
  readonly #gradients: Region;
  /** @internal States that a pass with `carry` starts from, and then those it ended in; null: zeros. */
  carried: CarriedStates | null = null;
  /** @internal The same of their gradients, backwards. */
  carriedGradient: CarriedStates | null = null;
  /** @internal Whether backward passes measure where the gradient goes (lstm-wasm/flow). */
  measuresFlow = false;
  /** What the last forward pass leaves to the backward pass: addresses of the mask of
   * outputs and of each layer's dropout mask, and which sequences have no step. */
  #last = { T: 0, B: 0, outputMask: 0, dropped: [] as number[], empty: [] as number[] };

  constructor(core: Core, options: RecurrentOptions, cell: Omit<CellKind, "noise">, known: readonly string[]) {
    const checked = checkRecurrentOptions(options, cell, known);
    const { I, H, L, R, bias, bidirectional, reverse, noise, seed } = checked;
    const kind: CellKind = { ...cell, noise };
    const P = cell.projSize;
    const D = bidirectional ? 2 : 1;
    const GH = kind.gates.length * H;
    const shapes: Record<string, Shape> = {};
    const slices: SliceShape[] = [];
    for (let index = 0; index < L * D; index++) {
      const layer = Math.floor(index / D);
      const direction = index % D;
      const backwards = direction === 1 || reverse;
      const suffix = `_l${layer}${backwards ? "_reverse" : ""}`;
      const slice = { index, direction, reverse: backwards, I: layer === 0 ? I : D * R, H, R, suffix };
      shapes[`weight_ih${suffix}`] = [GH, slice.I];
      shapes[`weight_hh${suffix}`] = [GH, R];
      if (bias) Object.assign(shapes, { [`bias_ih${suffix}`]: [GH], [`bias_hh${suffix}`]: [GH] });
      if (P) shapes[`weight_hr${suffix}`] = [P, H];
      if (kind.peephole) shapes[`weight_ph${suffix}`] = [3 * H];
      if (kind.layerNorm)
        Object.assign(shapes, {
          [`weight_ln_ih${suffix}`]: [GH],
          [`weight_ln_hh${suffix}`]: [GH],
          [`weight_ln_c${suffix}`]: [H],
          [`bias_ln_c${suffix}`]: [H],
        });
      slices.push(slice);
    }
    super(core, { shapes, bound: 1 / Math.sqrt(H), seed });
    this.inputSize = I;
    this.hiddenSize = H;
    this.numLayers = L;
    this.bias = bias;
    this.batchFirst = checked.batchFirst;
    this.dropout = checked.dropout;
    this.bidirectional = bidirectional;
    this.reverse = reverse;
    this.goBackwards = checked.goBackwards;
    this.stateSize = R;
    this.#initialise(checked);
    this.#kind = kind;
    this.#seed = seed;
    this.slices = slices.map((shape) => new Slice(core, this, kind, shape, this.parameters));
    this.#input = new Region(core, this);
    this.#outputs = Array.from({ length: L }, () => new Region(core, this));
    this.#gradients = new Region(core, this);
  }

  override outputShape(input: Shape): Shape {
    if ((input.length !== 3 && input.length !== 2) || input.at(-1) !== this.inputSize)
      throw new ArgumentRangeError(
        `x: expected shape [${this.batchFirst ? "B,T" : "T,B"},${this.inputSize}] or [T,${this.inputSize}], got ${show(input)}`,
      );
    return [...input.slice(0, -1), this.#directions * this.stateSize];
  }

  override run(x: number, input: Shape, { training = false, lengths, carry = false }: Pass = {}): number {
    const steps = lengths ? stepsOfLengths(lengths, { ...this.#sizes(input), batchFirst: this.#swaps(input) }) : null;
    const y = this.#forward(x, input, {
      ...{ steps, zeroOutput: steps !== null, training },
      ...(carry && this.carried && { h0: this.carried.h, c0: this.carried.c }),
    });
    if (carry) this.carryFrom(this.#last.T);
    return y;
  }

  override runBackward(dOutput: number, wantInput: boolean, { carry = false, clipStep = 0 }: Pass = {}): number {
    const states = this.#stateShapes(this.checkRan());
    const none = { hn: 0, cn: 0 };
    const { h: hn, c: cn } = this.carriedGradient ?? {};
    const given = carry && hn ? this.giveCotangents({ hn, cn: cn ?? null }) : none;
    const dx = this.#backward({ output: dOutput, ...given }, wantInput, false, clipStep);
    if (carry)
      this.carriedGradient = {
        h: this.#collect(states.h, (slice) => slice.initialGradient("dh")),
        ...(this.#kind.hasC && { c: this.#collect(states.c, (slice) => slice.initialGradient("dc")) }),
      };
    return dx;
  }

  /** @internal Carries the states before step `step` of the last forward pass on to the next. */
  carryFrom(step: number): void {
    const shape = [this.slices.length, this.#last.B];
    this.carried = {
      h: this.#collect([...shape, this.stateSize], (slice) => slice.stateBefore("h", step)),
      ...(this.#kind.hasC && {
        c: this.#collect([...shape, this.hiddenSize], (slice) => slice.stateBefore("c", step)),
      }),
    };
  }

  override dispose(): void {
    super.dispose();
    for (const owned of [...this.slices, ...this.#outputs, this.#input, this.#gradients]) owned.dispose();
  }

  /** A forward pass with all checks and copies. */
  protected runForward(x: Tensor, options: RecurrentForwardOptions & { readonly c0?: Tensor }): RecurrentResult {
    this.checkUsable();
    const { hasC } = this.#kind;
    checkOptions("forward options", options, [
      ...(hasC ? ["h0", "c0"] : ["h0"]),
      ...["lengths", "mask", "zeroOutputForMask", "training", "record", "view"],
    ]);
    const {
      h0,
      c0,
      lengths,
      mask,
      zeroOutputForMask = false,
      training = false,
      record = false,
      view = false,
    } = options;
    if (lengths !== undefined && mask !== undefined)
      throw new ArgumentTypeError("mask: expected lengths or a mask, got both");
    checkTensor("x", x, ["..."], lengths === undefined && mask === undefined);
    const shape = this.outputShape(x.shape);
    const states = this.#stateShapes(x.shape);
    if (h0) checkTensor("h0", h0, states.h);
    if (c0) checkTensor("c0", c0, states.c);
    const layout = { ...this.#sizes(x.shape), batchFirst: this.#swaps(x.shape) };
    const steps =
      lengths !== undefined
        ? stepsOfLengths(lengths, layout)
        : mask !== undefined
          ? stepsOfMask(mask, x, layout)
          : null;
    if (steps) checkTakenSteps(steps, x, layout);
    const empty = lengths?.flatMap((length, b) => (length === 0 ? [b] : [])) ?? [];
    const y = this.#forward(this.giveInput(x), x.shape, {
      h0: h0 && clearRows(h0, empty),
      c0: c0 && clearRows(c0, empty),
      steps,
      zeroOutput: lengths !== undefined || zeroOutputForMask,
      training,
      record,
    });
    this.#last.empty = empty;
    return {
      output: this.take(y, shape, view),
      hn: this.#collect(states.h, (slice) => slice.finalState("h")),
      cn: hasC ? this.#collect(states.c, (slice) => slice.finalState("c")) : null,
      record: record ? this.slices.map((slice) => slice.forwardRecord()) : null,
    };
  }

  /** A backward pass with all checks and copies. */
  protected runBackwardFrom(cotangents: RecurrentCotangents, options: RecurrentBackwardOptions): RecurrentGradients {
    const input = this.checkRan();
    const { hasC } = this.#kind;
    checkOptions("backward options", options, ["record", "clipStep", "flow"]);
    checkOptions("cotangents", cotangents, ["output", "hn", ...(hasC ? ["cn"] : [])]);
    const { output = null, hn = null, cn = null } = cotangents;
    const { record = false, clipStep = 0 } = options;
    checkClip("clipStep", clipStep);
    const flow = options.flow === undefined ? this.measuresFlow : checkFlag("flow", options.flow);
    const states = this.#stateShapes(input);
    if (output) checkTensor("output", output, this.outputShape(input));
    if (hn) checkTensor("hn", hn, states.h);
    if (cn) checkTensor("cn", cn, states.c);
    const dx = this.#backward(this.giveCotangents({ output, hn, cn }), true, record, clipStep, flow);
    return {
      input: this.take(dx, input),
      h0: clearRows(
        this.#collect(states.h, (slice) => slice.initialGradient("dh")),
        this.#last.empty,
      ),
      c0: hasC
        ? clearRows(
            this.#collect(states.c, (slice) => slice.initialGradient("dc")),
            this.#last.empty,
          )
        : null,
      record: record ? this.slices.map((slice) => slice.backwardRecord()) : null,
    };
  }

  /** What the options want other than PyTorch's uniform numbers, which the parameters have already. */
  #initialise({ kernelInit, recurrentInit, biasInit, seed }: CheckedOptions): void {
    const { abi } = this.core;
    this.parameters.forEach(({ name, shape, size, value }, k) => {
      // Streams of random numbers of their own, four for each parameter.
      const stream = INIT_STREAM + 4 * k;
      const [rows, columns] = shape as [number, number];
      if (name.startsWith("weight_ih") && kernelInit === "glorotUniform") {
        const bound = Math.sqrt(6 / (rows + columns));
        abi.uniform(value, -bound, bound, seed, stream, size);
      }
      if (name.startsWith("weight_ih") && kernelInit === "glorotNormal")
        abi.normal(value, Math.sqrt(2 / (rows + columns)), BEYOND_TWO_DEVIATIONS, seed, stream, size);
      if (name.startsWith("weight_hh") && recurrentInit === "orthogonal") {
        const scratch = new Region(this.core, this);
        abi.orthogonal(value, scratch.fit({ at: shape }).at, seed, stream, rows, columns);
        scratch.dispose();
      }
      if (name.startsWith("bias") && biasInit === "zeros") this.core.zero(value, size);
      if (name.startsWith("weight_ln")) this.core.view(value, size).fill(1);
      if (name.startsWith("bias_ln")) this.core.zero(value, size);
    });
  }

  get #directions(): 1 | 2 {
    return this.bidirectional ? 2 : 1;
  }

  #sizes(input: Shape): { T: number; B: number } {
    const [a, b] = input as [number, number];
    if (input.length === 2) return { T: a, B: 1 };
    return this.batchFirst ? { T: b, B: a } : { T: a, B: b };
  }

  #stateShapes(input: Shape): { h: Shape; c: Shape } {
    const batch = input.length === 2 ? [] : [this.#sizes(input).B];
    return { h: [this.slices.length, ...batch, this.stateSize], c: [this.slices.length, ...batch, this.hiddenSize] };
  }

  /** A tensor of one block a slice. */
  #collect(shape: Shape, block: (slice: Slice) => Float32Array): Tensor {
    const blocks = this.slices.map(block);
    const n = blocks[0]?.length as number;
    const data = new Float32Array(blocks.length * n);
    blocks.forEach((values, k) => {
      data.set(values, k * n);
    });
    return { data, shape };
  }

  /** Whether input and output of this shape must be turned to time-major. */
  #swaps(input: Shape): boolean {
    return this.batchFirst && input.length === 3;
  }

  #forward(
    x: number,
    input: Shape,
    options: {
      h0?: Tensor | undefined;
      c0?: Tensor | undefined;
      steps?: Uint8Array | null;
      zeroOutput?: boolean;
      training?: boolean;
      record?: boolean;
    },
  ): number {
    const { h0, c0, steps = null, zeroOutput = false, training = false, record = false } = options;
    const { T, B } = this.#sizes(input);
    const { abi } = this.core;
    const [D, H, R] = [this.#directions, this.hiddenSize, this.stateSize];
    const swap = this.#swaps(input);
    this.ran(null);
    const at = this.#input.fitFor(`${T},${B},${swap},${steps !== null}`, () => ({
      x: swap || steps ? [T, B, this.inputSize] : [0],
      mask: steps ? [Math.ceil((T * B) / 4)] : [0],
      y: swap ? [B, T, D * R] : [0],
      turned: this.goBackwards ? [T, B, R] : [0],
    }));
    const mask = steps ? at.mask : 0;
    const outputMask = zeroOutput ? mask : 0;
    if (swap) abi.swapAxes(at.x, x, B, T, this.inputSize);
    let y = swap ? at.x : x;
    if (steps) {
      this.core.bytes(mask, T * B).set(steps);
      abi.copyRows(at.x, y, mask, T * B, this.inputSize, this.inputSize, this.inputSize);
      y = at.x;
    }
    const dropped: number[] = [];
    // Each pass has streams of random numbers of its own: four for each slice, one for the output of each layer.
    const stream = passStream(this.draws);
    for (let layer = 0; layer < this.numLayers; layer++) {
      const part = (states: Tensor | undefined, slice: Slice, width: number) =>
        states ? states.data.subarray(slice.index * B * width, (slice.index + 1) * B * width) : null;
      const hs = this.#slicesOf(layer).map((slice) =>
        slice.forward(y, T, B, {
          ...{ mask, record, h0: part(h0, slice, R), c0: part(c0, slice, H) },
          draw: { training, seed: this.#seed, stream: stream + 4 * slice.index },
        }),
      );
      const drop = training && this.dropout > 0 && layer < this.numLayers - 1;
      y = hs[0] as number;
      if (D === 1 && !outputMask && !drop) continue;
      const out = (this.#outputs[layer] as Region).fit({ y: [T, B, D * R], drop: drop ? [T, B, D * R] : [0] });
      hs.forEach((h, d) => {
        abi.copyRows(out.y + 4 * d * R, h, outputMask, T * B, R, D * R, R);
      });
      y = out.y;
      if (!drop) continue;
      abi.dropoutForward(y, out.drop, this.dropout, this.#seed, stream + 4 * this.slices.length + layer, T * B * D * R);
      dropped[layer] = out.drop;
    }
    if (training) this.draws++;
    if (this.goBackwards) {
      abi.flipSteps(at.turned, y, T, B * R);
      y = at.turned;
    }
    if (swap) {
      abi.swapAxes(at.y, y, T, B, D * R);
      y = at.y;
    }
    this.#last = { T, B, outputMask, dropped, empty: [] };
    this.ran(input);
    return y;
  }

  #backward(
    given: { output: number; hn: number; cn: number },
    wantInput: boolean,
    record: boolean,
    clipStep = 0,
    flow = this.measuresFlow,
  ): number {
    const input = this.checkRan();
    const { T, B, outputMask, dropped } = this.#last;
    const { abi } = this.core;
    const [D, H, R, I] = [this.#directions, this.hiddenSize, this.stateSize, this.inputSize];
    const swap = this.#swaps(input);
    this.ran(null);
    const wide = this.numLayers > 1 ? [T, B, D * R] : [0];
    const at = this.#gradients.fitFor(`${T},${B},${swap},${wantInput}`, () => ({
      dOutput: swap ? [T, B, D * R] : [0],
      dEven: wide, // gradients between the layers, by turns
      dOdd: wide,
      dx: wantInput ? [T, B, I] : [0],
      dInput: wantInput && swap ? [B, T, I] : [0],
      turned: this.goBackwards ? [T, B, R] : [0],
    }));
    let dOut = given.output;
    if (dOut && swap) {
      abi.swapAxes(at.dOutput, dOut, B, T, D * R);
      dOut = at.dOutput;
    }
    if (dOut && this.goBackwards) {
      abi.flipSteps(at.turned, dOut, T, B * R);
      dOut = at.turned;
    }
    for (let layer = this.numLayers - 1; layer >= 0; layer--) {
      const between = layer % 2 ? at.dOdd : at.dEven;
      const dx = layer > 0 ? between : wantInput ? at.dx : 0;
      this.#slicesOf(layer).forEach((slice, d) => {
        const hn = given.hn && given.hn + 4 * slice.index * B * R;
        const cn = given.cn && given.cn + 4 * slice.index * B * H;
        slice.backward({ dOut: dOut && dOut + 4 * d * R, stride: D * R, hn, cn }, dx, d > 0, outputMask, {
          ...{ record, clipStep, flow },
        });
      });
      const mask01 = dropped[layer - 1];
      if (mask01) abi.multiply(dx, dx, mask01, T * B * D * R);
      dOut = dx;
    }
    if (!(swap && wantInput)) return dOut;
    abi.swapAxes(at.dInput, dOut, T, B, I);
    return at.dInput;
  }

  #slicesOf(layer: number): readonly Slice[] {
    return this.slices.slice(layer * this.#directions, (layer + 1) * this.#directions);
  }
}
