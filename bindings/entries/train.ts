/**
 * Training: losses, optimisers, schedules, the Trainer and its batches.
 *
 * @module lstm-wasm/train
 */
export {
  type Batch,
  type Batches,
  type DataLoaderOptions,
  dataLoader,
  type Sample,
} from "../train/batch.ts";
export {
  type BCEWithLogitsLossOptions,
  bceWithLogitsLoss,
  type CrossEntropyLossOptions,
  crossEntropyLoss,
  type HuberLossOptions,
  huberLoss,
  Loss,
  type LossOptions,
  type LossResult,
  logSoftmax,
  maeLoss,
  mseLoss,
} from "../train/loss.ts";
export {
  type AdamOptions,
  adam,
  adamW,
  type Optimizer,
  type OptimizerFactory,
  type OptimizerGroup,
  type ParameterGroup,
  type RMSpropOptions,
  rmsprop,
  type SGDOptions,
  sgd,
} from "../train/optimizer.ts";
/** @internal For lstm-wasm/flow. */
export { Passes } from "../train/passes.ts";
export {
  cosineAnnealingLR,
  type ReduceLROnPlateauOptions,
  reduceLROnPlateau,
  type Schedule,
  stepLR,
  warmup,
} from "../train/schedule.ts";
export {
  type EpochEnd,
  type FitOptions,
  type FitStep,
  Trainer,
} from "../train/trainer.ts";
export type { TrainerOptions } from "../train/trainer-options.ts";
export type { TrainStep } from "../train/update.ts";
