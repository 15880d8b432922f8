// What all recurrent layers share: layers above each other, two directions, variable lengths, states, tapes. One kernel
// call runs one direction of one layer over the whole sequence.
import { checkFlag, checkNonNegative, checkOptions, checkTensor, show } from "../check.ts";
import { type Core, checkCore, Region } from "../core.ts";
import { ArgumentRangeError, ArgumentTypeError } from "../errors.ts";
import { passStream } from "../random.ts";
import { Stream } from "../stream.ts";
import type { Shape, Tensor } from "../tensor.ts";
import type { CellKind, StateName, States } from "./cell-kind.ts";
import { Layer, type Pass } from "./layer.ts";
import {
  checkRecurrentOptions,
  type RecurrentBackwardOptions,
  type RecurrentForwardOptions,
  type RecurrentOptions,
} from "./recurrent-options.ts";
import { initialise, parameterShapes } from "./recurrent-parameters.ts";
import { type CellRecord, Slice, type SliceShape } from "./slice.ts";
import { checkTakenSteps, clearRows, stepsOfLengths, stepsOfMask } from "./steps.ts";

/** States by their names in the API: initial ones h0, c0, …, final ones hn, cn, …, as far as the cell has them. */
export type InitialStates = { readonly [Name in StateName as `${Name}0`]?: Tensor };
export type FinalStates = { readonly [Name in StateName as `${Name}n`]?: Tensor };

/** Results of a forward pass. */
export interface RecurrentResult extends FinalStates {
  readonly output: Tensor;
  /** Index layer·D + direction, as in the states; null if nothing was recorded. */
  readonly record: readonly CellRecord[] | null;
}

/** dL/d(each result of a forward pass); what is left out counts as zero. */
export interface RecurrentCotangents extends FinalStates {
  readonly output?: Tensor;
}

/** Gradients of what went into a forward pass. */
export interface RecurrentGradients extends InitialStates {
  readonly input: Tensor;
  /** Null if nothing was recorded. */
  readonly record: readonly CellRecord[] | null;
}

/** States of all slices, h [L·D,B,R] and others [L·D,B,H], or gradients of them. */
export type CarriedStates = States<Tensor>;

/** A cell that carries h alone, and none of the LSTM's options. */
export const PLAIN: Pick<CellKind, "states" | "recurrent" | "hasRec" | "projSize" | "peephole" | "layerNorm"> = {
  states: ["h"],
  recurrent: true,
  hasRec: false,
  projSize: 0,
  peephole: false,
  layerNorm: false,
};

export abstract class Recurrent extends Layer {
  /** Width I of the input. */
  readonly inputSize: number;
  /** Width H of the hidden state; with a projection, of the cell state. */
  readonly hiddenSize: number;
  /** Layers above each other, L. */
  readonly numLayers: number;
  /** Whether there are biases. */
  readonly bias: boolean;
  override readonly batchFirst: boolean;
  /** Probability with which training zeroes an element between two layers. */
  readonly dropout: number;
  /** Whether there are two directions. */
  readonly bidirectional: boolean;
  /** Whether the only direction runs from the last step to the first. */
  readonly reverse: boolean;
  /** Whether the output stands in the order of that direction, the last step first. */
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
  /** @internal What `draws` was at the start of sequences that come in parts: masks that hold for whole ones are of then. */
  sequenceDraw: number | null = null;
  /** @internal How many watch where the gradient goes (lstm-wasm/flow): backward passes measure it while there is one. */
  measuresFlow = 0;
  /**
   * What the last forward pass leaves to the backward pass: addresses of the mask of outputs and of each layer's dropout mask, and
   * which sequences have no step.
   */
  #last = { T: 0, B: 0, outputMask: 0, dropped: [] as number[], empty: [] as number[] };

  constructor(core: Core, options: RecurrentOptions, cell: Omit<CellKind, "noise">, known: readonly string[]) {
    checkCore(core);
    const checked = checkRecurrentOptions(options, cell, known);
    const { I, H, L, R, bias, bidirectional, reverse, noise, seed } = checked;
    const kind: CellKind = { ...cell, noise };
    const D = bidirectional ? 2 : 1;
    const slices = Array.from({ length: L * D }, (_, index): SliceShape => {
      const layer = Math.floor(index / D);
      const direction = index % D;
      const backwards = direction === 1 || reverse;
      const suffix = `_l${layer}${backwards ? "_reverse" : ""}`;
      return { index, direction, reverse: backwards, I: layer === 0 ? I : D * R, H, R, suffix };
    });
    super(core, { shapes: parameterShapes(kind, slices, bias), bound: 1 / Math.sqrt(H), seed });
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
    initialise(core, this.parameters, checked);
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
    if (lengths && this.goBackwards)
      throw new ArgumentRangeError(`lengths: expected none in a model with goBackwards, got ${show(lengths)}`);
    const steps = lengths ? stepsOfLengths(lengths, { ...this.#sizes(input), batchFirst: this.#swaps(input) }) : null;
    const y = this.#forward(x, input, {
      ...{ steps, zeroOutput: steps !== null, training },
      ...(carry && this.carried && { initial: this.carried }),
    });
    if (carry) this.carryFrom(this.#last.T);
    return y;
  }

  override runBackward(dOutput: number, wantInput: boolean, { carry = false, clipStep = 0 }: Pass = {}): number {
    const states = this.#stateShapes(this.checkRan());
    const final =
      carry && this.carriedGradient ? this.giveCotangents(this.carriedGradient as Record<string, Tensor>) : {};
    const dx = this.#backward({ output: dOutput, final }, wantInput, false, clipStep);
    if (carry)
      this.carriedGradient = this.#each((name) =>
        this.#collect(states(name), (slice) => slice.values(`d${name}`, "initial")),
      );
    return dx;
  }

  /** @internal Carries the states before step `step` of the last forward pass on to the next. */
  carryFrom(step: number): void {
    const { B } = this.#last;
    this.carried = this.#each((name) =>
      this.#collect([this.slices.length, B, this.#width(name)], (slice) => slice.stateAt(name, step)),
    );
  }

  /** A stream of single steps over these parameters, starting from zero states. */
  stream(): Stream {
    return new Stream(this);
  }

  override dispose(): void {
    super.dispose();
    for (const owned of [...this.slices, ...this.#outputs, this.#input, this.#gradients]) owned.dispose();
  }

  /** A forward pass with all checks and copies. */
  protected runForward(x: Tensor, options: RecurrentForwardOptions & InitialStates): RecurrentResult {
    this.checkUsable();
    checkOptions("forward options", options, [
      ...this.#kind.states.map((name) => `${name}0`),
      ...["lengths", "mask", "zeroOutputForMask", "training", "record", "view"],
    ]);
    const { lengths, mask, zeroOutputForMask = false, training = false, record = false, view = false } = options;
    for (const [name, flag] of Object.entries({ zeroOutputForMask, training, record, view })) checkFlag(name, flag);
    if (lengths !== undefined && mask !== undefined)
      throw new ArgumentTypeError("mask: expected lengths or a mask, got both");
    checkTensor("x", x, ["..."], lengths === undefined && mask === undefined);
    const shape = this.outputShape(x.shape);
    const states = this.#stateShapes(x.shape);
    const initial = this.#given(options as Record<string, Tensor>, "0", states);
    this.checkStates(initial);
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
      initial: this.#each((name) => initial[name] && clearRows(initial[name], empty)),
      steps,
      zeroOutput: lengths !== undefined || zeroOutputForMask,
      training,
      record,
    });
    this.#last.empty = empty;
    return {
      output: this.take(y, shape, view),
      ...this.#each((name) => this.#collect(states(name), (slice) => slice.values(name, "final")), "n"),
      record: record ? this.slices.map((slice) => slice.forwardRecord()) : null,
    };
  }

  /** A backward pass with all checks and copies. */
  protected runBackwardFrom(cotangents: RecurrentCotangents, options: RecurrentBackwardOptions): RecurrentGradients {
    const input = this.checkRan();
    checkOptions("backward options", options, ["record", "clipStep", "flow"]);
    checkOptions("cotangents", cotangents, ["output", ...this.#kind.states.map((name) => `${name}n`)]);
    const { output = null } = cotangents;
    const { record = false, clipStep = 0 } = options;
    checkFlag("record", record);
    checkNonNegative("clipStep", clipStep);
    const flow = options.flow === undefined ? this.measuresFlow > 0 : checkFlag("flow", options.flow);
    const states = this.#stateShapes(input);
    if (output) checkTensor("output", output, this.outputShape(input));
    const final = this.#given(cotangents as Record<string, Tensor>, "n", states);
    const { output: dOutput, ...at } = this.giveCotangents({ output, ...(final as Record<StateName, Tensor>) });
    const dx = this.#backward({ output: dOutput, final: at }, true, record, clipStep, flow);
    const { empty } = this.#last;
    return {
      input: this.take(dx, input),
      ...this.#each(
        (name) =>
          clearRows(
            this.#collect(states(name), (slice) => slice.values(`d${name}`, "initial")),
            empty,
          ),
        "0",
      ),
      record: record ? this.slices.map((slice) => slice.backwardRecord()) : null,
    };
  }

  get #directions(): 1 | 2 {
    return this.bidirectional ? 2 : 1;
  }

  #sizes(input: Shape): { T: number; B: number } {
    const [a, b] = input as [number, number];
    if (input.length === 2) return { T: a, B: 1 };
    return this.batchFirst ? { T: b, B: a } : { T: a, B: b };
  }

  /** The shape of each state for an input of this shape. */
  #stateShapes(input: Shape): (name: StateName) => Shape {
    const batch = input.length === 2 ? [] : [this.#sizes(input).B];
    return (name) => [this.slices.length, ...batch, this.#width(name)];
  }

  #width(name: StateName): number {
    return name === "h" ? this.stateSize : this.hiddenSize;
  }

  /** What `make` makes of each state, by its name with a suffix. */
  #each<T, Suffix extends "" | "0" | "n" = "">(
    make: (name: StateName) => T,
    suffix = "" as Suffix,
  ): Partial<Record<`${StateName}${Suffix}`, Exclude<T, undefined>>> {
    const entries = this.#kind.states.map((name): [string, T] => [`${name}${suffix}`, make(name)]);
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as never;
  }

  /** The states among what a call was given, checked. */
  #given(
    from: Readonly<Record<string, Tensor | undefined>>,
    suffix: "0" | "n",
    shape: (name: StateName) => Shape,
  ): States<Tensor> {
    return this.#each((name) => {
      const given = from[`${name}${suffix}`];
      return given && checkTensor(`${name}${suffix}`, given, shape(name));
    });
  }

  /** @internal Throws where a cell has no use for initial states of these values. */
  protected checkStates(_initial: States<Tensor>): void {}

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
      initial?: States<Tensor>;
      steps?: Uint8Array | null;
      zeroOutput?: boolean;
      training?: boolean;
      record?: boolean;
    },
  ): number {
    const { initial = {}, steps = null, zeroOutput = false, training = false, record = false } = options;
    const { T, B } = this.#sizes(input);
    const { abi } = this.core;
    const [D, R] = [this.#directions, this.stateSize];
    const swap = this.#swaps(input);
    this.ran(null);
    const at = this.#input.fitFor(T, 4 * B + 2 * +swap + +(steps !== null), () => ({
      x: swap || steps ? [T, B, this.inputSize] : [0],
      mask: steps ? [Math.ceil((T * B) / 4)] : [0],
      y: swap ? [B, T, D * R] : [0],
      turned: this.goBackwards ? [T, B, R] : [0],
    }));
    const { mask } = at;
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
    const held = passStream(this.sequenceDraw ?? this.draws);
    for (let layer = 0; layer < this.numLayers; layer++) {
      const part = ({ index }: Slice) =>
        this.#each((name) => {
          const n = B * this.#width(name);
          return initial[name]?.data.subarray(index * n, (index + 1) * n);
        });
      const hs = this.#slicesOf(layer).map((slice) =>
        slice.forward(y, T, B, {
          ...{ mask, record, initial: part(slice) },
          draw: { training, seed: this.#seed, stream: stream + 4 * slice.index, held: held + 4 * slice.index },
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
      const p = this.dropout;
      abi.dropoutMask(out.drop, p, 1 / (1 - p), this.#seed, stream + 4 * this.slices.length + layer, T * B * D * R);
      abi.multiply(y, y, out.drop, T * B * D * R);
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
    given: { output: number; final: States<number> },
    wantInput: boolean,
    record: boolean,
    clipStep = 0,
    flow = this.measuresFlow > 0,
  ): number {
    const input = this.checkRan();
    const { T, B, outputMask, dropped } = this.#last;
    const { abi } = this.core;
    const [D, R, I] = [this.#directions, this.stateSize, this.inputSize];
    const swap = this.#swaps(input);
    this.ran(null);
    const wide = this.numLayers > 1 ? [T, B, D * R] : [0];
    const at = this.#gradients.fitFor(T, 4 * B + 2 * +swap + +wantInput, () => ({
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
      const dx = layer > 0 ? between : at.dx;
      this.#slicesOf(layer).forEach((slice, d) => {
        const final = this.#each((name) => {
          const at = given.final[name];
          return at && at + 4 * slice.index * B * this.#width(name);
        });
        slice.backward({ dOut: dOut && dOut + 4 * d * R, stride: D * R, final }, dx, d > 0, outputMask, {
          ...{ record, clipStep, flow },
        });
      });
      const kept = dropped[layer - 1];
      if (kept) abi.multiply(dx, dx, kept, T * B * D * R);
      dOut = dx;
    }
    if (!at.dInput) return dOut;
    abi.swapAxes(at.dInput, dOut, T, B, I);
    return at.dInput;
  }

  #slicesOf(layer: number): readonly Slice[] {
    return this.slices.slice(layer * this.#directions, (layer + 1) * this.#directions);
  }
}
