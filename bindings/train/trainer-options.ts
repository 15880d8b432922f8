// What a Trainer is told, and the checks of it.
import { checkInteger, checkOptions, checkPositive, show } from "../check.ts";
import { ArgumentRangeError, ArgumentTypeError } from "../errors.ts";
import { Layer } from "../layers/layer.ts";
import { Loss } from "./loss.ts";
import type { OptimizerFactory } from "./optimizer.ts";
import type { Schedule } from "./schedule.ts";
import type { FlowWatch } from "./update.ts";

export interface TrainerOptions {
  /** What is made small, such as `mseLoss()`. */
  readonly loss: Loss;
  /** How the parameters follow their gradients, such as `adam()`. */
  readonly optimizer: OptimizerFactory;
  /** What becomes of the learning rate over time. Default: it stays. */
  readonly schedule?: Schedule;
  /** Scale all gradients together so that their 2-norm is at most this (torch.nn.utils.clip_grad_norm_). Default: no clipping. */
  readonly clipNorm?: number;
  /** Hold each element of the gradients within ± this (clip_grad_value_). Default: no clipping. */
  readonly clipValue?: number;
  /** Hold dL/da of recurrent layers within ± this at every step of back-propagation (Graves 2013). Default: no clipping. */
  readonly clipStep?: number;
  /** Batches that make one update, the same as one big batch of all their sequences. Default 1. */
  readonly accumulate?: number;
  /**
   * Truncated back-propagation through time: an update every k1 steps, back-propagated through the last k2 ≥ k1; states are
   * carried on from the start of a batch to its end (Williams & Peng 1990).
   */
  readonly tbptt?: { readonly k1: number; readonly k2: number };
  /**
   * Keep only the states between parts of this many steps, and compute the rest again backwards: less memory for a second
   * forward pass. `true`: √T steps, the least memory. Default false.
   */
  readonly checkpointing?: boolean | number;
  /** Reports where the gradients go: a `GradientFlow` of this model (lstm-wasm/flow). Not together with checkpointing. */
  readonly flow?: FlowWatch;
}

/** @internal Options with some of their defaults, checked. */
export type CheckedTrainerOptions = TrainerOptions & Required<Pick<TrainerOptions, "accumulate" | "checkpointing">>;

/** @internal Checks what a Trainer of this model is told. */
export function checkTrainerOptions(model: Layer, options: TrainerOptions): CheckedTrainerOptions {
  const known = "loss optimizer schedule clipNorm clipValue clipStep accumulate tbptt checkpointing flow".split(" ");
  checkOptions("Trainer options", options, known);
  const { loss, optimizer, schedule, clipNorm, clipValue, clipStep, tbptt, flow } = options;
  const { accumulate = 1, checkpointing = false } = options;
  if (!(model instanceof Layer)) throw new ArgumentTypeError(`model: expected a layer, got ${show(model)}`);
  if (!(loss instanceof Loss))
    throw new ArgumentTypeError(`loss: expected a loss such as mseLoss(), got ${show(loss)}`);
  if (loss.reduction === "none") throw new ArgumentRangeError('reduction: expected mean or sum to train, got "none"');
  if (typeof optimizer !== "function")
    throw new ArgumentTypeError(`optimizer: expected an optimiser such as adam(), got ${show(optimizer)}`);
  if (schedule !== undefined && typeof schedule?.rate !== "function")
    throw new ArgumentTypeError(`schedule: expected one such as stepLR(…), got ${show(schedule)}`);
  for (const [name, bound] of Object.entries({ clipNorm, clipValue, clipStep }))
    if (bound !== undefined) checkPositive(name, bound);
  if (clipNorm !== undefined && clipValue !== undefined)
    throw new ArgumentRangeError(`clipValue: expected none beside clipNorm ${clipNorm}, got ${clipValue}`);
  checkInteger("accumulate", accumulate);
  if (tbptt !== undefined) checkTbptt(tbptt);
  if (typeof checkpointing !== "boolean") checkInteger("checkpointing", checkpointing);
  if (tbptt && (checkpointing !== false || accumulate > 1))
    throw new ArgumentRangeError("tbptt: expected neither checkpointing nor accumulate beside it, got both");
  if (flow !== undefined) checkFlow(flow, model, checkpointing);
  return { ...options, accumulate, checkpointing };
}

function checkFlow(flow: FlowWatch, model: Layer, checkpointing: boolean | number): void {
  if (typeof flow?.afterUpdate !== "function")
    throw new ArgumentTypeError(`flow: expected a GradientFlow, got ${show(flow)}`);
  if (flow.model !== model) throw new ArgumentRangeError("flow: expected a GradientFlow of this model, got another's");
  if (checkpointing !== false)
    throw new ArgumentRangeError("flow: expected none beside checkpointing, which goes back in parts, got both");
}

function checkTbptt(tbptt: { readonly k1: number; readonly k2: number }): void {
  const { k1, k2 } = checkOptions("tbptt", tbptt, ["k1", "k2"]);
  checkInteger("tbptt.k1", k1);
  checkInteger("tbptt.k2", k2);
  if (k2 < k1) throw new ArgumentRangeError(`tbptt.k2: expected at least k1 ${k1}, got ${k2}`);
}
