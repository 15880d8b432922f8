import { checkInteger, checkNumber, checkOptions, show } from "../check.ts";
import { ArgumentRangeError, ArgumentTypeError, TrainingError } from "../errors.ts";
import type { FlowReport } from "../flow/report.ts";
import type { Layer } from "../layers/layer.ts";
import { type Batch, type Batches, checksum } from "./batch.ts";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint, type Progress } from "./checkpoint.ts";
import { Loss } from "./loss.ts";
import type { Optimizer, OptimizerFactory } from "./optimizer.ts";
import { Passes, type Piece } from "./passes.ts";
import type { Schedule } from "./schedule.ts";

export interface TrainerOptions {
  readonly loss: Loss;
  readonly optimizer: OptimizerFactory;
  /** What becomes of the learning rate over time. Default: it stays. */
  readonly schedule?: Schedule;
  /** Scale all gradients together so that their 2-norm is at most this (torch.nn.utils.clip_grad_norm_). Default: no clipping. */
  readonly clipNorm?: number;
  /** Hold each element of the gradients within ± this (clip_grad_value_). Default: no clipping. */
  readonly clipValue?: number;
  /** Hold dL/da of recurrent layers within ± this at every step of back-propagation (Graves 2013). Default: no clipping. */
  readonly clipStep?: number;
  /** Batches whose mean gradient makes one update. Default 1. */
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

/** What a Trainer asks of a GradientFlow. */
export interface FlowWatch {
  readonly model: Layer;
  /** @internal */
  beforeUpdate(): void;
  /** @internal */
  afterUpdate(step: { readonly clipped: boolean }): FlowReport | null;
}

/** One update of the parameters. */
export interface TrainStep {
  /** Loss before the update; of several batches their mean. */
  readonly loss: number;
  /** 2-norm of all gradients before clipping. */
  readonly gradNorm: number;
  /** Whether clipNorm or clipValue changed the gradients. */
  readonly clipped: boolean;
  /** Learning rate of the parameters in no group. */
  readonly lr: number;
  /** Where the gradients of this update went, when the Trainer's `flow` has a report due; else null. */
  readonly flow: FlowReport | null;
}

export interface FitStep extends TrainStep {
  /** From 0. */
  readonly epoch: number;
  /** Update of this epoch, from 0. */
  readonly step: number;
  /** At the last update of an epoch, what it came to. */
  readonly end: EpochEnd | null;
}

export interface EpochEnd {
  /** Mean loss of the epoch's updates. */
  readonly loss: number;
  /** Loss over the validation batches after the epoch; null without any. */
  readonly validation: number | null;
  /** Whether no earlier epoch had a lower validation loss (without one: training loss). */
  readonly best: boolean;
}

export interface FitOptions {
  /** How often to go through the batches. Default 1. */
  readonly epochs?: number;
  /** Ends the training between two steps. */
  readonly signal?: AbortSignal;
  /** Batches to evaluate after every epoch. */
  readonly validation?: Iterable<Batch>;
  /** End when so many epochs were not better than the best one, whose weights are then put back; so they are after all epochs. */
  readonly patience?: number;
}

/** Longest time in ms that `fit` keeps the event loop waiting, give or take one step: a frame at 60 Hz. */
const FRAME_MS = 16;

const START: Progress = { epoch: 0, batch: 0, window: 0, step: 0, total: 0, last: null };

/** Trains a model in linear memory: batches are copied in, everything else stays there. */
export class Trainer {
  readonly model: Layer;
  readonly optimizer: Optimizer;
  readonly #loss: Loss;
  readonly #schedule: Schedule | undefined;
  readonly #clip: { readonly norm: number | undefined; readonly value: number | undefined };
  readonly #accumulate: number;
  readonly #tbptt: { readonly k1: number; readonly k2: number } | undefined;
  readonly #checkpointing: boolean | number;
  readonly #passes: Passes;
  readonly #flow: FlowWatch | undefined;
  /** What the schedule remembers. */
  #memory: readonly number[];
  #progress: Progress = START;
  #best: Checkpoint["best"] = null;
  /** Whether the next `fit` goes on from where a checkpoint was made. */
  #resumes = false;

  constructor(model: Layer, options: TrainerOptions) {
    checkOptions("Trainer options", options, [
      ...[
        "loss",
        "optimizer",
        "schedule",
        "clipNorm",
        "clipValue",
        "clipStep",
        "accumulate",
        "tbptt",
        "checkpointing",
        "flow",
      ],
    ]);
    const { loss, optimizer, schedule, clipNorm, clipValue, clipStep, accumulate = 1, checkpointing = false } = options;
    if (!(loss instanceof Loss))
      throw new ArgumentTypeError(`loss: expected a loss such as mseLoss(), got ${show(loss)}`);
    if (loss.reduction === "none") throw new ArgumentRangeError('reduction: expected mean or sum to train, got "none"');
    if (typeof optimizer !== "function")
      throw new ArgumentTypeError(`optimizer: expected an optimiser such as adam(), got ${show(optimizer)}`);
    if (schedule !== undefined && typeof schedule?.rate !== "function")
      throw new ArgumentTypeError(`schedule: expected one such as stepLR(…), got ${show(schedule)}`);
    for (const [name, bound] of Object.entries({ clipNorm, clipValue, clipStep }))
      if (bound !== undefined) checkNumber(name, bound, "a number above 0", (x) => x > 0);
    if (clipNorm !== undefined && clipValue !== undefined)
      throw new ArgumentRangeError(`clipValue: expected none beside clipNorm ${clipNorm}, got ${clipValue}`);
    checkInteger("accumulate", accumulate);
    this.#tbptt = options.tbptt && checkTbptt(options.tbptt);
    if (typeof checkpointing !== "boolean") checkInteger("checkpointing", checkpointing);
    if (this.#tbptt && (checkpointing !== false || accumulate > 1))
      throw new ArgumentRangeError("tbptt: expected neither checkpointing nor accumulate beside it, got both");
    this.#flow = options.flow && checkFlow(options.flow, model, checkpointing);
    model.checkUsable();
    this.#passes = new Passes(model, loss, clipStep ?? 0);
    if (this.#tbptt || checkpointing !== false) this.#passes.checkParts();
    this.model = model;
    this.#loss = loss;
    this.#schedule = schedule;
    this.#memory = schedule?.initial ?? [];
    this.#clip = { norm: clipNorm, value: clipValue };
    this.#accumulate = accumulate;
    this.#checkpointing = checkpointing;
    this.optimizer = optimizer(model.core, model.parameters);
  }

  /** Trains on one batch: one update, or with `tbptt` several; answers the last one, with their mean loss. */
  step(batch: Batch): TrainStep {
    if (!this.#tbptt) {
      this.model.zeroGrad();
      return this.#update([this.#gradients(batch)]);
    }
    const steps = [...this.#windows(batch, 0)].map(({ step }) => step);
    return { ...(steps.at(-1) as TrainStep), loss: mean(steps.map(({ loss }) => loss)) };
  }

  /** The loss over all batches, each weighted by how much of it counts; changes no parameter. */
  evaluate(batches: Iterable<Batch>): number {
    const sum = { loss: 0, count: 0 };
    for (const batch of batches) this.#evaluate(batch, sum);
    return this.#evaluated(sum);
  }

  /**
   * Trains for some epochs and yields after every update; gives the event loop its turn at least once a frame. A loss or a
   * gradient that is not finite ends it with a TrainingError before it reaches the parameters, as does a validation loss.
   */
  async *fit(batches: Batches, options: FitOptions = {}): AsyncGenerator<FitStep, void, void> {
    checkOptions("fit options", options, ["epochs", "signal", "validation", "patience"]);
    const { epochs = 1, signal, validation, patience } = options;
    checkInteger("epochs", epochs);
    if (patience !== undefined) checkInteger("patience", patience);
    const sourceOf = (epoch: number) => (typeof batches === "function" ? batches(epoch) : batches);
    if (this.#resumes) await this.#checkData(sourceOf);
    else this.#start();
    this.#resumes = false;
    const breathe = createBreath();
    const isDone = () =>
      patience !== undefined && this.#best !== null && this.#progress.epoch - 1 - this.#best.epoch >= patience;
    while (this.#progress.epoch < epochs && !isDone()) {
      const { epoch } = this.#progress;
      for await (const { step, last } of this.#epoch(sourceOf(epoch), signal)) {
        const number = this.#progress.step - 1;
        const end = last ? await this.#endEpoch(validation, patience !== undefined, breathe) : null;
        yield { ...step, epoch, step: number, end };
        await breathe();
      }
    }
    if (this.#best?.weights) this.model.loadStateDict(this.#best.weights);
  }

  /**
   * Everything that training goes on from, as the bytes of one safetensors file: parameters, moments, schedule, random
   * numbers, carried states, the best weights so far, and the place in the data. To be called between two steps of `fit`.
   * Throws a TrainingError if a parameter is no longer finite.
   */
  save(metadata: Readonly<Record<string, string>> = {}): Uint8Array {
    if (this.#firstNonFinite("value") !== undefined)
      throw this.#nonFinite("finite parameters", "others", `after update ${this.optimizer.steps}`);
    return encodeCheckpoint(
      {
        model: this.model.stateDict(),
        optimizer: this.optimizer.stateDict(),
        best: this.#best,
        states: this.#passes.states,
        draws: this.#passes.draws,
        steps: this.optimizer.steps,
        rates: this.optimizer.groups.map(({ lr }) => lr),
        memory: this.#memory,
        progress: this.#progress,
      },
      metadata,
    );
  }

  /**
   * Takes over what `save` wrote; the next `fit` goes on from there, with the same bits as if it had never stopped. Throws a
   * FormatError, and changes nothing, if the bytes are damaged or of another model, optimiser or schedule.
   */
  load(bytes: Uint8Array): void {
    const checkpoint = decodeCheckpoint(bytes, {
      parameters: this.model.parameters,
      optimizer: this.optimizer.stateDict(),
      groups: this.optimizer.groups.length,
      memory: this.#memory.length,
      states: this.#passes.states.length,
      draws: this.#passes.draws.length,
    });
    this.#take(checkpoint);
  }

  /** Gives back what training needed; the model stays. */
  dispose(): void {
    this.#passes.dispose();
    this.optimizer.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #take({ model, optimizer, best, states, draws, steps, rates, memory, progress }: Checkpoint): void {
    this.model.loadStateDict(model);
    this.optimizer.loadStateDict(optimizer, steps);
    this.optimizer.groups.forEach((group, k) => {
      group.lr = rates[k] as number;
    });
    this.#passes.reset();
    this.#passes.states = states;
    this.#passes.draws = draws;
    this.#memory = memory;
    this.#best = best;
    this.#progress = progress;
    this.#resumes = true;
  }

  #start(): void {
    this.#progress = START;
    this.#best = null;
    this.#passes.reset();
  }

  /** Throws unless the last batch before the checkpoint is what it was. */
  async #checkData(sourceOf: (epoch: number) => Iterable<Batch> | AsyncIterable<Batch>): Promise<void> {
    const { last } = this.#progress;
    if (!last) return;
    let index = 0;
    for await (const batch of sourceOf(last.epoch))
      if (index++ === last.batch && checksum(batch) === last.checksum) return;
    throw new TrainingError(
      "ERR_DATA",
      `batches: expected the data that the checkpoint was made with, got another batch ${last.batch} in epoch ${last.epoch}`,
    );
  }

  /** The updates of what is left of the epoch, and whether it is the last one. */
  async *#epoch(
    source: Iterable<Batch> | AsyncIterable<Batch>,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<{ step: TrainStep; last: boolean }> {
    const { epoch } = this.#progress;
    let index = 0;
    let losses: number[] = [];
    let summed: { readonly batch: Batch; readonly checksum: number } | null = null;
    const advance = (step: TrainStep, batch: Batch, window: number) => {
      const { step: steps, total } = this.#progress;
      // Once a batch: it may be long, and has many windows.
      if (summed?.batch !== batch) summed = { batch, checksum: checksum(batch) };
      this.#progress = {
        ...{ epoch, window, step: steps + 1, total: total + step.loss, batch: window ? index : index + 1 },
        last: { epoch, batch: index, checksum: summed.checksum },
      };
    };
    for await (const { value: batch, last } of withLast(source)) {
      if (index >= this.#progress.batch) {
        signal?.throwIfAborted();
        if (this.#tbptt) {
          for (const { step, next } of this.#windows(batch, this.#progress.window)) {
            advance(step, batch, next ?? 0);
            yield { step, last: last && next === null };
            signal?.throwIfAborted();
          }
        } else {
          if (losses.length === 0) this.model.zeroGrad();
          losses.push(this.#gradients(batch));
          if (last || losses.length === this.#accumulate) {
            const step = this.#update(losses);
            losses = [];
            advance(step, batch, 0);
            yield { step, last };
          }
        }
      }
      index++;
    }
    if (index === 0) throw new ArgumentRangeError("batches: expected at least one batch in every epoch, got none");
  }

  /** The updates of a batch by truncated back-propagation, from a window on, and which one is next. */
  *#windows(batch: Batch, first: number): Generator<{ step: TrainStep; next: number | null }> {
    const { k1, k2 } = this.#tbptt as { k1: number; k2: number };
    const piece = this.#passes.prepare(batch);
    const T = this.#passes.stepsOf(piece);
    const count = Math.ceil(T / k1);
    const partOf = (window: number) => {
      const to = Math.min(T, (window + 1) * k1);
      return { from: Math.max(0, to - k2), to, fresh: window * k1 };
    };
    const counts = (window: number) => this.#passes.counts(piece, partOf(window));
    // Behind the last window that counts there is nothing to learn.
    let last = count - 1;
    while (!counts(last)) last--;
    if (first === 0) this.#passes.reset();
    for (let window = first; window <= last; window++) {
      this.model.zeroGrad();
      const loss = this.#passes.runWindow(piece, partOf(window), window < last ? partOf(window + 1).from : T);
      if (loss !== null) yield { step: this.#update([loss]), next: window < last ? window + 1 : null };
    }
  }

  /** Adds up the gradients of a batch, and answers its loss. */
  #gradients(batch: Batch): number {
    const piece = this.#passes.prepare(batch);
    if (this.#checkpointing === false) return this.#passes.run(piece, { training: true, backward: true });
    return this.#passes.runCheckpointed(piece, this.#partLength(piece));
  }

  /** One update from the gradients of some batches, whose losses these are. */
  #update(losses: readonly number[]): TrainStep {
    const { core, parameters } = this.model;
    const { abi } = core;
    const loss = mean(losses);
    let total = 0;
    for (const { grad, size } of parameters) {
      if (losses.length > 1) abi.scale(grad, 1 / losses.length, size);
      total += abi.sumSquares(grad, size);
    }
    const gradNorm = Math.sqrt(total);
    const update = `in update ${this.optimizer.steps + 1}`;
    if (!Number.isFinite(loss)) throw this.#nonFinite("a finite loss", loss, update);
    if (!Number.isFinite(gradNorm)) {
      const where = `the gradient of ${this.#firstNonFinite("grad")}`;
      throw this.#nonFinite("a finite gradient", `norm ${gradNorm}`, update, where);
    }
    const { norm, value } = this.#clip;
    let clipped = false;
    if (norm !== undefined) {
      const factor = abi.clipFactor(gradNorm, norm);
      clipped = factor < 1;
      for (const { grad, size } of parameters) abi.scale(grad, factor, size);
    }
    if (value !== undefined)
      for (const { grad, size } of parameters) clipped = abi.clipValue(grad, value, size) > 0 || clipped;
    const step = this.optimizer.steps;
    const rate = (lr: number) => this.#schedule?.rate(lr, step, this.#memory) ?? lr;
    const { lr } = this.optimizer.groups[0];
    this.#flow?.beforeUpdate();
    this.optimizer.step(rate);
    return { loss, gradNorm, clipped, lr: rate(lr), flow: this.#flow?.afterUpdate({ clipped }) ?? null };
  }

  /** `where`: the first place it may be seen in, if all parameters are finite. */
  #nonFinite(expected: string, got: number | string, when: string, where = "the model's output"): TrainingError {
    const value = this.#firstNonFinite("value");
    if (value) where = `parameter ${value}`;
    return new TrainingError(
      "ERR_NON_FINITE",
      `training: expected ${expected}, got ${got} ${when}, first seen in ${where}; try a lower learning rate${this.#clip.norm ? "" : " or clipNorm: 1"}`,
    );
  }

  /** Name of the first parameter that is not finite, or whose gradient is not. */
  #firstNonFinite(which: "value" | "grad"): string | undefined {
    const { core, parameters } = this.model;
    return parameters.find((parameter) => core.abi.firstNonFinite(parameter[which], parameter.size) >= 0)?.name;
  }

  #partLength(piece: Piece): number {
    const T = this.#passes.stepsOf(piece);
    if (this.#tbptt) return Math.min(T, this.#tbptt.k2);
    return typeof this.#checkpointing === "number" ? this.#checkpointing : Math.ceil(Math.sqrt(T));
  }

  #evaluate(batch: Batch, sum: { loss: number; count: number }): void {
    const piece = this.#passes.prepare(batch);
    const count = piece.target?.count ?? 0;
    const inParts = this.#tbptt !== undefined || this.#checkpointing !== false;
    const loss = inParts
      ? this.#passes.runInParts(piece, this.#partLength(piece))
      : this.#passes.run(piece, { training: false, backward: false });
    sum.loss += this.#loss.reduction === "mean" ? loss * count : loss;
    sum.count += count;
  }

  #evaluated({ loss, count }: { loss: number; count: number }): number {
    if (count === 0) throw new ArgumentRangeError("batches: expected at least one batch, got none");
    return this.#loss.reduction === "mean" ? loss / count : loss;
  }

  /** Evaluates, tells the schedule, remembers the best weights, and moves on to the next epoch. */
  async #endEpoch(
    validation: Iterable<Batch> | undefined,
    keep: boolean,
    breathe: () => Promise<void>,
  ): Promise<EpochEnd> {
    const { epoch, total, step, last } = this.#progress;
    const loss = total / step;
    let validated: number | null = null;
    if (validation) {
      const carried = this.#passes.states;
      const sum = { loss: 0, count: 0 };
      for (const batch of validation) {
        this.#evaluate(batch, sum);
        await breathe();
      }
      validated = this.#evaluated(sum);
      this.#passes.states = carried;
    }
    const decisive = validated ?? loss;
    if (!Number.isFinite(decisive))
      throw this.#nonFinite("a finite validation loss", decisive, `after update ${this.optimizer.steps}`);
    if (this.#schedule) this.#memory = this.#schedule.observe(decisive, this.#memory);
    const best = !this.#best || decisive < this.#best.loss;
    if (best) this.#best = { loss: decisive, epoch, weights: keep ? this.model.stateDict() : null };
    this.#progress = { ...START, epoch: epoch + 1, last };
    return { loss, validation: validated, best };
  }
}

function checkFlow(flow: FlowWatch, model: Layer, checkpointing: boolean | number): FlowWatch {
  if (typeof flow?.afterUpdate !== "function")
    throw new ArgumentTypeError(`flow: expected a GradientFlow, got ${show(flow)}`);
  if (flow.model !== model) throw new ArgumentRangeError("flow: expected a GradientFlow of this model, got another's");
  if (checkpointing !== false)
    throw new ArgumentRangeError("flow: expected none beside checkpointing, which goes back in parts, got both");
  return flow;
}

function checkTbptt(tbptt: { readonly k1: number; readonly k2: number }): { readonly k1: number; readonly k2: number } {
  const { k1, k2 } = checkOptions("tbptt", tbptt, ["k1", "k2"]);
  checkInteger("tbptt.k1", k1);
  checkInteger("tbptt.k2", k2);
  if (k2 < k1) throw new ArgumentRangeError(`tbptt.k2: expected at least k1 ${k1}, got ${k2}`);
  return { k1, k2 };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Each value, and whether it is the last one. */
async function* withLast<T>(values: Iterable<T> | AsyncIterable<T>): AsyncGenerator<{ value: T; last: boolean }> {
  let held: { value: T } | null = null;
  for await (const value of values) {
    if (held) yield { ...held, last: false };
    held = { value };
  }
  if (held) yield { ...held, last: true };
}

/** Lets the event loop have its turn if the last one is longer ago than a frame. */
function createBreath(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last <= FRAME_MS) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    last = performance.now();
  };
}
