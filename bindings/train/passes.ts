// Forward and backward passes of a model over batches: whole, or in parts along time.
import { checkTensor, show } from "../check.ts";
import { Region } from "../core.ts";
import { ArgumentRangeError, ArgumentTypeError } from "../errors.ts";
import type { StateName } from "../layers/cell-kind.ts";
import { Embedding } from "../layers/embedding.ts";
import { type Layer, layersOf } from "../layers/layer.ts";
import { type CarriedStates, Recurrent } from "../layers/recurrent.ts";
import type { Slice } from "../layers/slice.ts";
import { validSteps, withoutPadding } from "../layers/steps.ts";
import { type Shape, sizeOf, type Tensor } from "../tensor.ts";
import { type Batch, sliceAxis } from "./batch.ts";
import type { Loss, LossTarget } from "./loss.ts";

/** A checked batch, or a part of one. */
export interface Piece {
  readonly x: Tensor;
  /** The shape of the model's output. */
  readonly shape: Shape;
  /** Null where no step counts for the loss. */
  readonly target: LossTarget | null;
  readonly lengths?: readonly number[] | undefined;
}

/** What a pass over a piece does. */
interface PassOptions {
  readonly training: boolean;
  /** Add up the parameters' gradients. */
  readonly backward: boolean;
  /** Start from the states that the recurrent layers carry; "both": from the gradients that they carry, too. */
  readonly carry?: boolean | "both";
}

/** Steps `from` up to `to`, of which those from `fresh` on count for the loss. */
export interface Part {
  readonly from: number;
  readonly to: number;
  readonly fresh: number;
}

/** States of every recurrent layer, in the model's order; null: zeros. */
export type ModelStates = readonly (CarriedStates | null)[];

/** Shapes of the states of a recurrent layer; a letter stands for any size. */
export type StateShapes = Readonly<Partial<Record<StateName, readonly (number | "B")[]>>>;

export class Passes {
  readonly #model: Layer;
  readonly #loss: Loss;
  readonly #clipStep: number;
  readonly #region: Region;
  readonly #layers: readonly Layer[];
  readonly #recurrent: readonly Recurrent[];
  /** Axis of time. */
  readonly #axis: 0 | 1;
  #output = { at: 0, size: 0 };

  constructor(model: Layer, loss: Loss, clipStep: number) {
    this.#model = model;
    this.#loss = loss;
    this.#clipStep = clipStep;
    this.#region = new Region(model.core, this);
    this.#layers = layersOf(model);
    this.#recurrent = this.#layers.filter((layer) => layer instanceof Recurrent);
    this.#axis = this.#recurrent.some(({ batchFirst }) => batchFirst) ? 1 : 0;
  }

  /** Checks a batch. */
  prepare(batch: Batch): Piece {
    if (typeof batch !== "object" || batch === null)
      throw new ArgumentTypeError(`batches: expected a batch { x, target }, got ${show(batch)}`);
    const { x, target, lengths, mask } = batch;
    this.#model.checkUsable();
    checkTensor("x", x, ["..."], lengths === undefined);
    const shape = this.#model.outputShape(x.shape);
    if (lengths === undefined) return { x, shape, target: this.#loss.check(target, shape, mask) };
    if (x.shape.length === 2 && !this.#layers.some((layer) => layer instanceof Embedding))
      throw new ArgumentRangeError(`lengths: expected none for one sequence without a batch, got ${show(lengths)}`);
    const valid = validSteps(x.shape, lengths, this.#axis === 1);
    const each = shape.length === 3 && shape[this.#axis] === x.shape[this.#axis];
    const checked = this.#loss.check(target, shape, mask ?? (each ? valid : undefined));
    return { x: withoutPadding(x, valid), shape, target: checked, lengths };
  }

  /** A batch of which only the last step of each sequence counts; the same where the model answers once. */
  lastAlone(batch: Batch): Batch {
    const { x, lengths, mask } = batch;
    const shape = this.#model.outputShape(x.shape);
    if (shape.length !== 3 || shape[this.#axis] !== x.shape[this.#axis]) return batch;
    const [a, b] = shape as [number, number];
    const [T, B] = this.#axis ? [b, a] : [a, b];
    const data = new Uint8Array(T * B);
    const at = (t: number, k: number) => (this.#axis ? k * T + t : t * B + k);
    for (let k = 0; k < B; k++) {
      let t = (lengths?.[k] ?? T) - 1;
      while (mask && t > 0 && !mask.data[at(t, k)]) t--;
      if (t >= 0) data[at(t, k)] = 1;
    }
    return { ...batch, mask: { data, shape: [a, b] } };
  }

  /** The loss of a piece; with `backward` its gradients are added up. */
  run({ x, shape, target, lengths }: Piece, { training, backward, carry = false }: PassOptions): number {
    const { core } = this.#model;
    const at = this.#region.fitFor(`${x.shape}`, `${shape}`, () => ({ x: x.shape, ...this.#loss.shapes(shape) }));
    core.write(at.x, x.data);
    if (target) this.#loss.give(core, at, target);
    const prediction = this.#model.run(at.x, x.shape, { training, lengths, carry: carry !== false });
    this.#output = { at: prediction, size: sizeOf(shape) };
    let loss = 0;
    if (target) loss = this.#loss.run(core, { ...at, prediction }, shape, target, backward);
    else if (backward) core.zero(at.dPrediction, sizeOf(shape));
    if (backward) this.#model.runBackward(at.dPrediction, false, { carry: carry === "both", clipStep: this.#clipStep });
    return loss;
  }

  /** The loss of a piece with no more than `length` steps of it in memory. */
  runInParts(piece: Piece, length: number): number {
    this.reset();
    const losses = this.#parts(piece, length).map((part) =>
      this.run(this.slice(piece, part), { training: false, backward: false, carry: true }),
    );
    this.reset();
    return losses.reduce((sum, loss) => sum + loss, 0);
  }

  /**
   * The loss and the gradients of a piece with no more than `length` steps of it in memory: the states between the parts are
   * kept, and each part is run again before it is back-propagated through (Chen et al. 2016).
   */
  runCheckpointed(piece: Piece, length: number): number {
    this.reset();
    const parts = this.#parts(piece, length).map((part) => this.slice(piece, part));
    for (const layer of this.#recurrent) layer.sequenceDraw = layer.draws;
    const before = parts.map((part, k) => {
      const kept = { states: this.states, draws: this.draws };
      if (k < parts.length - 1) this.run(part, { training: true, backward: false, carry: true });
      return kept;
    });
    const losses = parts.map(() => 0);
    let { draws } = this;
    for (let k = parts.length - 1; k >= 0; k--) {
      // The same states and the same random numbers as the first time.
      const { states, draws: drawn } = before[k] as (typeof before)[number];
      this.states = states;
      this.draws = drawn;
      losses[k] = this.run(parts[k] as Piece, { training: true, backward: true, carry: "both" });
      if (k === parts.length - 1) draws = this.draws;
    }
    this.draws = draws;
    this.reset();
    return losses.reduce((sum, loss) => sum + loss, 0);
  }

  /** Whether any step of a part counts for the loss. */
  counts(piece: Piece, part: Part): boolean {
    const { target, shape } = this.slice(piece, part);
    return target !== null && this.#loss.count(target, shape) > 0;
  }

  /**
   * One window of truncated back-propagation, from the states that are carried: the loss of its fresh steps, or null if none
   * of them counts. Carries on the states before step `next`.
   */
  runWindow(piece: Piece, part: Part, next: number): number | null {
    const window = this.slice(piece, part);
    const count = window.target && this.#loss.count(window.target, window.shape);
    const target = window.target && count ? { ...window.target, count } : null;
    const loss = this.run({ ...window, target }, { training: true, backward: target !== null, carry: true });
    for (const layer of this.#recurrent) layer.carryFrom(next - part.from);
    return target && loss;
  }

  /** Steps of a piece. */
  stepsOf({ x }: Piece): number {
    return x.shape[this.#axis] as number;
  }

  /** Throws where the model cannot go through time in parts. */
  checkParts(): void {
    const turned = this.#recurrent.find((layer) => layer.bidirectional || layer.reverse);
    const name = turned?.constructor.name;
    if (turned)
      throw new ArgumentRangeError(
        `model: expected layers that run forwards, to go in parts, got ${name} that does not`,
      );
    if (this.#recurrent.length === 0)
      throw new ArgumentRangeError("model: expected a recurrent layer, to go in parts along time, got none");
  }

  /** States that the recurrent layers start from in a pass with `carry`. */
  get states(): ModelStates {
    return this.#recurrent.map(({ carried }) => carried);
  }

  set states(states: ModelStates) {
    this.#recurrent.forEach((layer, k) => {
      layer.carried = states[k] ?? null;
    });
  }

  get stateShapes(): readonly StateShapes[] {
    return this.#recurrent.map(({ slices }) => {
      const [slice] = slices as readonly [Slice];
      return Object.fromEntries(slice.states.map((name) => [name, [slices.length, "B", slice.width(name)]]));
    });
  }

  /** Whether the model's last output was all finite. */
  get isOutputFinite(): boolean {
    const { at, size } = this.#output;
    return this.#model.core.abi.firstNonFinite(at, size) < 0;
  }

  /** Where each layer is in its random numbers. */
  get draws(): readonly number[] {
    return this.#layers.map(({ draws }) => draws);
  }

  set draws(draws: readonly number[]) {
    this.#layers.forEach((layer, k) => {
      layer.draws = draws[k] as number;
    });
  }

  /** Carries nothing on. */
  reset(): void {
    for (const layer of this.#recurrent) {
      layer.carried = null;
      layer.carriedGradient = null;
      layer.sequenceDraw = null;
    }
  }

  /** A part of a piece; what a mean divides by stays that of the piece. */
  slice(piece: Piece, { from, to, fresh }: Part): Piece {
    const axis = this.#axis;
    const T = this.stepsOf(piece);
    const x = sliceAxis(piece.x, axis, from, to);
    const shape = this.#model.outputShape(x.shape);
    const lengths = piece.lengths?.map((length) => Math.min(Math.max(length - from, 0), to - from));
    // A model that answers at every step answers as many steps more as it gets.
    const longer = piece.x.shape.map((size, k) => (k === axis ? size + 1 : size));
    if (show(this.#model.outputShape(longer)) === show(piece.shape))
      return { x, shape, lengths, target: to === T ? piece.target : null };
    if (shape[axis] !== to - from)
      throw new ArgumentRangeError(
        `model: expected as many steps out as in, to go in parts, got ${shape[axis]} for ${to - from}`,
      );
    const { data, mask, count } = piece.target as LossTarget;
    const rows = piece.shape.slice(0, -1);
    let taken = mask && sliceAxis({ data: mask, shape: rows }, axis, from, to).data;
    if (fresh > from) {
      const inner = sizeOf(rows.slice(axis + 1));
      taken ??= new Uint8Array(sizeOf(shape) / (shape.at(-1) as number)).fill(1);
      taken = taken.map((yes, k) => (Math.floor(k / inner) % (to - from) < fresh - from ? 0 : yes));
    }
    const target = sliceAxis({ data, shape: this.#loss.targetShape(piece.shape) }, axis, from, to);
    return { x, shape, lengths, target: { data: target.data, mask: taken, count } };
  }

  dispose(): void {
    this.#region.dispose();
  }

  #parts(piece: Piece, length: number): Part[] {
    const T = this.stepsOf(piece);
    return Array.from({ length: Math.ceil(T / length) }, (_, k) => {
      const from = k * length;
      return { from, to: Math.min(T, from + length), fresh: from };
    });
  }
}
