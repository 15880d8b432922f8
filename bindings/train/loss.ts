import {
  checkMask,
  checkNonNegative,
  checkOptions,
  checkPositive,
  checkShare,
  checkTensor,
  checkValues,
  type Mask,
  show,
} from "../check.ts";
import { type Core, Region } from "../core.ts";
import { ArgumentRangeError, ArgumentTypeError } from "../errors.ts";
import { type Shape, sizeOf, type Tensor } from "../tensor.ts";

/** What a loss does with the losses of all positions. Default "mean". */
export interface LossOptions {
  /** "mean": over every position that counts; "sum"; "none": each by itself, which cannot train. */
  readonly reduction?: "mean" | "sum" | "none";
}

/** Addresses for a loss: predictions in, losses and gradients out. */
interface LossAt {
  readonly losses: number;
  /** Also scratch; equal to `prediction` nowhere. */
  readonly dPrediction: number;
  readonly prediction: number;
  readonly target: number;
  readonly mask: number;
  readonly weight: number;
}

/** What tells the losses apart. */
interface LossKind {
  readonly name: string;
  /** Whether the target is the index of a class instead of values as many as predictions. */
  readonly classes: boolean;
  /** Weights of the classes, and the class index that does not count. */
  readonly weight?: Float32Array | undefined;
  readonly ignoreIndex?: number;
  run(core: Core, at: LossAt, wantGradient: boolean, factor: number, rows: number, width: number): number;
}

/** A checked target. */
export interface LossTarget {
  readonly data: Float32Array;
  /** Rows that count; null: all. */
  readonly mask: Uint8Array | null;
  /** What a mean divides by: the number of values that count, or the sum of their classes' weights. */
  readonly count: number;
}

/** What a loss says of a prediction. */
export interface LossResult {
  /** The mean or sum; null with the reduction "none". */
  readonly loss: number | null;
  /** The loss of each position, unweighted by the reduction: of each value, or for classes of each row. */
  readonly losses: Tensor;
  /** dL/d(prediction); with the reduction "none" of their sum. */
  readonly gradient: Tensor;
}

/** A loss: what training makes small. Made by the functions below. */
export class Loss {
  readonly name: string;
  readonly reduction: "mean" | "sum" | "none";
  readonly #kind: LossKind;

  /** @internal Use `mseLoss()` and its like. */
  constructor(kind: LossKind, reduction: unknown = "mean") {
    if (reduction !== "mean" && reduction !== "sum" && reduction !== "none")
      throw new ArgumentRangeError(`reduction: expected one of mean, sum, none, got ${show(reduction)}`);
    this.name = kind.name;
    this.reduction = reduction;
    this.#kind = kind;
  }

  /** The loss of a prediction [...,N], and its gradient. `mask` [...] tells which positions count. */
  forward(core: Core, prediction: Tensor, target: Tensor, options: { readonly mask?: Mask } = {}): LossResult {
    checkOptions("loss options", options, ["mask"]);
    checkTensor("prediction", prediction, ["..."]);
    const { shape } = prediction;
    const checked = this.check(target, shape, options.mask);
    const region = new Region(core, this);
    try {
      const at = region.fit({ prediction: shape, ...this.shapes(shape) });
      core.write(at.prediction, prediction.data);
      this.give(core, at, checked);
      const loss = this.run(core, at, shape, checked, true);
      return {
        loss: this.reduction === "none" ? null : loss,
        losses: core.tensor(at.losses, this.targetShape(shape)),
        gradient: core.tensor(at.dPrediction, shape),
      };
    } finally {
      region.dispose();
    }
  }

  /** @internal The shape of a target for predictions of this shape. */
  targetShape(prediction: Shape): Shape {
    return this.#kind.classes ? prediction.slice(0, -1) : prediction;
  }

  /** @internal What `run` needs beside the prediction. */
  shapes(prediction: Shape): Record<"target" | "mask" | "weight" | "losses" | "dPrediction", Shape> {
    return {
      target: this.targetShape(prediction),
      mask: [Math.ceil(sizeOf(prediction.slice(0, -1)) / 4)],
      weight: [this.#kind.weight?.length ?? 0],
      losses: this.targetShape(prediction),
      dPrediction: prediction,
    };
  }

  /** @internal Checks a target and which rows of it count. */
  check(target: Tensor, prediction: Shape, mask?: Mask): LossTarget {
    if (prediction.length === 0) throw new ArgumentRangeError("prediction: expected shape [...,N], got []");
    const { classes, weight, ignoreIndex } = this.#kind;
    checkTensor("target", target, this.targetShape(prediction), mask === undefined);
    const shape = prediction.slice(0, -1);
    const width = prediction.at(-1) as number;
    const rows = sizeOf(shape);
    if (weight && weight.length !== width)
      throw new ArgumentRangeError(`weight: expected one for each of ${width} classes, got ${weight.length}`);
    const taken = mask === undefined ? null : checkMask(mask, shape);
    if (!classes) {
      if (taken) checkTaken(target, taken, width);
      return this.#counted({ data: target.data, mask: taken }, prediction);
    }
    // Classes: what is ignored is masked too, so that the kernel has one rule.
    const counted = taken?.slice() ?? new Uint8Array(rows).fill(1);
    target.data.forEach((value, row) => {
      if (!counted[row]) return;
      if (value === ignoreIndex) counted[row] = 0;
      else if (!Number.isInteger(value) || value < 0 || value >= width)
        throw new ArgumentRangeError(
          `target: expected classes from 0 to ${width - 1}, got ${value} at [${row}] of its flat values`,
        );
    });
    return this.#counted({ data: target.data, mask: counted.every((yes) => yes === 1) ? null : counted }, prediction);
  }

  /** @internal What a mean divides by: how many values count, or the sum of their classes' weights. */
  count({ data, mask }: Omit<LossTarget, "count">, prediction: Shape): number {
    const { classes, weight } = this.#kind;
    const width = classes ? 1 : (prediction.at(-1) as number);
    if (!weight) return width * (mask ? mask.reduce((sum, yes) => sum + yes, 0) : data.length / width);
    return data.reduce((sum, value, row) => sum + (!mask || mask[row] ? (weight[value] as number) : 0), 0);
  }

  #counted(target: Omit<LossTarget, "count">, prediction: Shape): LossTarget {
    const count = this.count(target, prediction);
    if (!(count > 0)) throw new ArgumentRangeError("target: expected a position that counts, got none");
    return { ...target, count };
  }

  /** @internal Copies a checked target in. */
  give(core: Core, at: { target: number; mask: number; weight: number }, { data, mask }: LossTarget): void {
    core.write(at.target, data);
    if (mask) core.bytes(at.mask, mask.length).set(mask);
    if (this.#kind.weight) core.write(at.weight, this.#kind.weight);
  }

  /** @internal The reduced loss of a prediction. */
  run(core: Core, at: LossAt, prediction: Shape, checked: LossTarget, wantGradient: boolean): number {
    const width = prediction.at(-1) as number;
    const factor = this.reduction === "mean" ? 1 / checked.count : 1;
    const where = { ...at, mask: checked.mask ? at.mask : 0 };
    return this.#kind.run(core, where, wantGradient, factor, sizeOf(prediction) / width, width);
  }
}

/** Throws unless the target is finite where it counts. */
function checkTaken(target: Tensor, taken: Uint8Array, width: number): void {
  taken.forEach((yes, row) => {
    if (yes) checkValues(`target, row ${row}`, target.data.subarray(row * width, (row + 1) * width), width);
  });
}

/** Numbers in assembly/train/loss.ts' ElementLoss. */
const ELEMENT_LOSSES = { mse: 0, mae: 1, huber: 2, bceWithLogits: 3 } as const;

const elementLoss = (name: keyof typeof ELEMENT_LOSSES, reduction: unknown, parameter = 0): Loss =>
  new Loss(
    {
      name,
      classes: false,
      run: ({ abi }, at, wantGradient, factor, rows, width) =>
        abi.elementLoss(
          at.losses,
          wantGradient ? at.dPrediction : 0,
          at.prediction,
          at.target,
          at.mask,
          ELEMENT_LOSSES[name],
          parameter,
          factor,
          rows,
          width,
        ),
    },
    reduction,
  );

/** Squared error, as torch.nn.MSELoss. */
export function mseLoss(options: LossOptions = {}): Loss {
  return elementLoss("mse", checkOptions("mseLoss options", options, ["reduction"]).reduction);
}

/** Absolute error, as torch.nn.L1Loss. */
export function maeLoss(options: LossOptions = {}): Loss {
  return elementLoss("mae", checkOptions("maeLoss options", options, ["reduction"]).reduction);
}

/** Options of `huberLoss`. */
export interface HuberLossOptions extends LossOptions {
  /** Error up to which the loss is quadratic, above 0. Default 1. */
  readonly delta?: number;
}

/** Half the squared error up to delta, linear beyond, as torch.nn.HuberLoss. */
export function huberLoss(options: HuberLossOptions = {}): Loss {
  const { reduction, delta = 1 } = checkOptions("huberLoss options", options, ["reduction", "delta"]);
  return elementLoss("huber", reduction, checkPositive("delta", delta));
}

/** Options of `bceWithLogitsLoss`. */
export interface BCEWithLogitsLossOptions extends LossOptions {
  /** How often a positive counts, above 0. Default 1. */
  readonly posWeight?: number;
}

/** Binary cross-entropy of sigmoid(prediction) with targets from 0 to 1, as torch.nn.BCEWithLogitsLoss. */
export function bceWithLogitsLoss(options: BCEWithLogitsLossOptions = {}): Loss {
  const { reduction, posWeight = 1 } = checkOptions("bceWithLogitsLoss options", options, ["reduction", "posWeight"]);
  return elementLoss("bceWithLogits", reduction, checkPositive("posWeight", posWeight));
}

/** Options of `crossEntropyLoss`. */
export interface CrossEntropyLossOptions extends LossOptions {
  /** Weight of each class, at least 0; a mean divides by the sum of the targets' weights. Default: all 1. */
  readonly weight?: readonly number[];
  /** Target that does not count. Default −100. */
  readonly ignoreIndex?: number;
  /** Share of the target that goes to all classes evenly, in [0, 1). Default 0. */
  readonly labelSmoothing?: number;
}

/**
 * Cross-entropy of softmax(prediction) over the last axis [...,C] with class indices [...] (whole numbers in the target's
 * Float32Array), as torch.nn.CrossEntropyLoss.
 */
export function crossEntropyLoss(options: CrossEntropyLossOptions = {}): Loss {
  const known = ["reduction", "weight", "ignoreIndex", "labelSmoothing"];
  const {
    reduction,
    weight,
    ignoreIndex = -100,
    labelSmoothing = 0,
  } = checkOptions("crossEntropyLoss options", options, known);
  if (weight !== undefined && !Array.isArray(weight))
    throw new ArgumentTypeError(`weight: expected an array of numbers, got ${show(weight)}`);
  weight?.forEach((value: unknown, k) => {
    checkNonNegative(`weight[${k}]`, value);
  });
  if (!Number.isInteger(ignoreIndex))
    throw new ArgumentRangeError(`ignoreIndex: expected a whole number, got ${show(ignoreIndex)}`);
  checkShare("labelSmoothing", labelSmoothing);
  return new Loss(
    {
      name: "crossEntropy",
      classes: true,
      weight: weight && Float32Array.from(weight),
      ignoreIndex,
      run: ({ abi }, at, wantGradient, factor, rows, C) => {
        // Log-probabilities stand where their gradient will.
        const logP = at.dPrediction;
        abi.logSoftmaxForward(logP, at.prediction, rows, C);
        const dLogits = wantGradient ? logP : 0;
        return abi.crossEntropy(
          at.losses,
          dLogits,
          logP,
          at.target,
          at.mask,
          at.weight,
          labelSmoothing,
          factor,
          rows,
          C,
        );
      },
    },
    reduction,
  );
}

/** log softmax over the last axis: [...,C] to [...,C]. */
export function logSoftmax(core: Core, x: Tensor): Tensor {
  checkTensor("x", x, ["..."]);
  if (x.shape.length === 0) throw new ArgumentRangeError("x: expected shape [...,C], got []");
  const region = new Region(core, {});
  try {
    const { at } = region.fit({ at: x.shape });
    core.write(at, x.data);
    const C = x.shape.at(-1) as number;
    core.abi.logSoftmaxForward(at, at, x.data.length / C, C);
    return core.tensor(at, x.shape);
  } finally {
    region.dispose();
  }
}
