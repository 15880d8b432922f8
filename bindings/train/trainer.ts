import { checkInteger, checkNumber, checkOptions, checkTensor } from "../check.ts";
import { Region } from "../core.ts";
import { ArgumentRangeError } from "../errors.ts";
import type { Layer } from "../layers/layer.ts";
import { sizeOf, type Tensor } from "../tensor.ts";
import type { Loss } from "./loss.ts";
import type { Optimizer, OptimizerFactory } from "./optimizer.ts";

/** Inputs, and what the model should answer to them. */
export interface Batch {
  readonly x: Tensor;
  readonly target: Tensor;
}

/** Batches of one epoch: anything that can be gone through again, or a function of the epoch (from 0). */
export type Batches = Iterable<Batch> | ((epoch: number) => Iterable<Batch>);

export interface TrainerOptions {
  readonly loss: Loss;
  readonly optimizer: OptimizerFactory;
  /** Scale all gradients together so that their 2-norm is at most this (torch.nn.utils.clip_grad_norm_). Default: no clipping. */
  readonly clipNorm?: number;
}

export interface TrainStep {
  /** Loss before the update. */
  readonly loss: number;
  /** 2-norm of all gradients before clipping. */
  readonly gradNorm: number;
}

export interface FitStep extends TrainStep {
  /** From 0. */
  readonly epoch: number;
  /** Of this epoch, from 0. */
  readonly step: number;
}

export interface FitOptions {
  /** How often to go through the batches. Default 1. */
  readonly epochs?: number;
  /** Ends the training between two steps. */
  readonly signal?: AbortSignal;
}

/** Longest time in ms that `fit` keeps the event loop waiting, give or take one step: a frame at 60 Hz. */
const FRAME_MS = 16;

/** Trains a model in linear memory: batches are copied in, everything else stays there. */
export class Trainer {
  readonly model: Layer;
  readonly optimizer: Optimizer;
  readonly #loss: Loss;
  readonly #clipNorm: number;
  readonly #region: Region;

  constructor(model: Layer, options: TrainerOptions) {
    checkOptions("Trainer options", options, ["loss", "optimizer", "clipNorm"]);
    const { loss, optimizer, clipNorm = Number.POSITIVE_INFINITY } = options;
    if (options.clipNorm !== undefined) checkNumber("clipNorm", clipNorm, "a number above 0", (x) => x > 0);
    model.checkUsable();
    this.model = model;
    this.#loss = loss;
    this.#clipNorm = clipNorm;
    this.#region = new Region(model.core, this);
    this.optimizer = optimizer(model.core, model.parameters);
  }

  /** One step of the optimiser on one batch. */
  step(batch: Batch): TrainStep {
    const { core, parameters } = this.model;
    this.model.zeroGrad();
    const loss = this.#forward(batch, (dPrediction) => this.model.runBackward(dPrediction, false));
    let total = 0;
    for (const { grad, size } of parameters) total += core.abi.sumSquares(grad, size);
    const gradNorm = Math.sqrt(total);
    if (this.#clipNorm < Number.POSITIVE_INFINITY) {
      const factor = core.abi.clipFactor(gradNorm, this.#clipNorm);
      for (const { grad, size } of parameters) core.abi.scale(grad, factor, size);
    }
    this.optimizer.step();
    return { loss, gradNorm };
  }

  /** The loss over all batches, each weighted by its number of values; changes no parameter. */
  evaluate(batches: Iterable<Batch>): number {
    let total = 0;
    let values = 0;
    for (const batch of batches) {
      const n = sizeOf(batch.target.shape);
      total += n * this.#forward(batch);
      values += n;
    }
    if (values === 0) throw new ArgumentRangeError("batches: expected at least one batch, got none");
    return total / values;
  }

  /** Trains for some epochs and yields after every step; gives the event loop its turn at least once a frame. */
  async *fit(batches: Batches, options: FitOptions = {}): AsyncGenerator<FitStep, void, void> {
    checkOptions("fit options", options, ["epochs", "signal"]);
    const { epochs = 1, signal } = options;
    checkInteger("epochs", epochs);
    let breath = performance.now();
    for (let epoch = 0; epoch < epochs; epoch++) {
      let step = 0;
      for (const batch of typeof batches === "function" ? batches(epoch) : batches) {
        signal?.throwIfAborted();
        yield { epoch, step: step++, ...this.step(batch) };
        if (performance.now() - breath > FRAME_MS) {
          await new Promise((resolve) => setTimeout(resolve, 0));
          breath = performance.now();
        }
      }
      if (step === 0) throw new ArgumentRangeError("batches: expected at least one batch in every epoch, got none");
    }
  }

  /** Gives back what training needed; the model stays. */
  dispose(): void {
    this.#region.dispose();
    this.optimizer.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** The loss of a batch; with `back`, also its gradient, which is handed on. */
  #forward({ x, target }: Batch, back?: (dPrediction: number) => void): number {
    const { core } = this.model;
    this.model.checkUsable();
    checkTensor("x", x, ["..."]);
    const shape = this.model.outputShape(x.shape);
    checkTensor("target", target, shape);
    const at = this.#region.fit({ x: x.shape, target: shape, dPrediction: shape });
    core.write(at.x, x.data);
    core.write(at.target, target.data);
    const prediction = this.model.run(at.x, x.shape, { training: back !== undefined });
    const loss = this.#loss.run(core, back ? at.dPrediction : 0, prediction, at.target, sizeOf(shape));
    back?.(at.dPrediction);
    return loss;
  }
}
