import { checkInteger, checkOptions, show } from "../check.ts";
import { ArgumentRangeError, ArgumentTypeError, TrainingError } from "../errors.ts";
import type { Layer } from "../layers/layer.ts";
import { type Batch, type Batches, checksum, type Source, sourceOf } from "./batch.ts";
import { type Breath, createBreath } from "./breath.ts";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint, type Progress } from "./checkpoint.ts";
import type { LossTarget } from "./loss.ts";
import type { Optimizer } from "./optimizer.ts";
import { Passes, type Piece } from "./passes.ts";
import { type CheckedTrainerOptions, checkTrainerOptions, type TrainerOptions } from "./trainer-options.ts";
import { type TrainStep, Update } from "./update.ts";

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
  /** Ends the training between two steps, or two batches of the validation. */
  readonly signal?: AbortSignal;
  /** Batches to evaluate after every epoch. */
  readonly validation?: Batches;
  /** End when so many epochs were not better than the best one, whose weights are then put back; so they are after all epochs. */
  readonly patience?: number;
}

/** A loss, and how much of it counts. */
interface Counted {
  readonly loss: number;
  readonly count: number;
}

const START: Progress = { epoch: 0, batch: 0, window: 0, step: 0, total: 0, over: false, last: null };

/** Trains a model in linear memory: batches are copied in, everything else stays there. */
export class Trainer {
  /** What is trained. */
  readonly model: Layer;
  /** What changes its parameters: moments, and groups whose `lr` may be set between steps. */
  readonly optimizer: Optimizer;
  readonly #options: CheckedTrainerOptions;
  readonly #update: Update;
  readonly #passes: Passes;
  /** What the schedule remembers. */
  #memory: readonly number[];
  #progress: Progress = START;
  #best: Checkpoint["best"] = null;
  /** Whether the next `fit` goes on from where a checkpoint was made. */
  #resumes = false;

  constructor(model: Layer, options: TrainerOptions) {
    const checked = checkTrainerOptions(model, options);
    const { loss, optimizer, schedule, clipNorm, clipValue, clipStep = 0, tbptt, checkpointing, flow } = checked;
    model.checkUsable();
    this.#passes = new Passes(model, loss, clipStep);
    if (tbptt || checkpointing !== false) this.#passes.checkParts();
    this.model = model;
    this.#options = checked;
    this.#memory = schedule?.initial ?? [];
    this.optimizer = optimizer(model.core, model.parameters);
    this.#update = new Update(model, this.optimizer, { norm: clipNorm, value: clipValue }, flow);
  }

  /**
   * Trains on one batch: one update, or with `tbptt` several; answers the last one, with their mean loss.
   *
   * @throws {ArgumentTypeError} when the batch or a part of it is of the wrong kind.
   * @throws {ArgumentRangeError} when a shape or a value does not fit the model or the loss.
   * @throws {TrainingError} when the loss or the gradient is not finite, before it reaches the parameters (`ERR_NON_FINITE`).
   * @throws {StateError} when the model is disposed.
   */
  step(batch: Batch): TrainStep {
    if (!this.#options.tbptt) return this.#step([this.#gradients(batch)]);
    const steps = [...this.#windows(batch, 0)].map(({ step }) => step);
    return { ...(steps.at(-1) as TrainStep), loss: steps.reduce((sum, { loss }) => sum + loss, 0) / steps.length };
  }

  /**
   * The loss over all batches, each weighted by how much of it counts; changes no parameter. A function of the epoch, such as
   * `dataLoader` answers, is asked for epoch 0.
   */
  evaluate(batches: Iterable<Batch> | ((epoch: number) => Iterable<Batch>)): number {
    const given = typeof batches === "function" ? batches(0) : batches;
    if (typeof given?.[Symbol.iterator] !== "function")
      throw new ArgumentTypeError(`batches: expected an array of batches, or the like, got ${show(given)}`);
    const { states } = this.#passes;
    const sum = { loss: 0, count: 0 };
    try {
      for (const batch of given) this.#evaluate(batch, sum);
    } finally {
      this.#passes.states = states;
    }
    return this.#evaluated(sum);
  }

  /**
   * Trains for some epochs and yields after every update; gives the event loop its turn at least once a frame. A loss or a
   * gradient that is not finite ends it with a TrainingError before it reaches the parameters.
   */
  async *fit(batches: Batches, options: FitOptions = {}): AsyncGenerator<FitStep, void, void> {
    checkOptions("fit options", options, ["epochs", "signal", "validation", "patience"]);
    const { epochs = 1, signal, validation, patience } = options;
    checkInteger("epochs", epochs);
    if (patience !== undefined) checkInteger("patience", patience);
    const source = sourceOf("batches", batches);
    const validate = validation === undefined ? null : sourceOf("validation", validation);
    const breathe = createBreath();
    if (this.#resumes) await this.#checkData(source, breathe);
    else this.#start();
    this.#resumes = false;
    const isDone = () =>
      patience !== undefined && this.#best !== null && this.#progress.epoch - 1 - this.#best.epoch >= patience;
    const endEpoch = () => this.#endEpoch(validate, patience !== undefined, signal, breathe);
    while (this.#progress.epoch < epochs && !isDone()) {
      const { epoch } = this.#progress;
      // Stopped behind the last update: what is left of the epoch is its end.
      if (this.#progress.over) await endEpoch();
      else
        for await (const { step, last } of this.#epoch(source(epoch), signal, breathe)) {
          const number = this.#progress.step - 1;
          yield { ...step, epoch, step: number, end: last ? await endEpoch() : null };
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
    this.#update.checkParameters();
    return encodeCheckpoint(
      {
        model: this.model.stateDict(),
        optimizer: this.optimizer.stateDict(),
        best: this.#best,
        states: this.#passes.states,
        draws: this.#passes.draws,
        names: this.#names,
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
      names: this.#names,
      memory: this.#memory.length,
      states: this.#passes.stateShapes,
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

  get #names(): Checkpoint["names"] {
    return { optimizer: this.optimizer.name, schedule: this.#options.schedule?.name ?? "none" };
  }

  #start(): void {
    this.#progress = START;
    this.#best = null;
    this.#passes.reset();
  }

  /** Throws unless the last batch before the checkpoint is what it was. */
  async #checkData(source: Source, breathe: Breath): Promise<void> {
    const { last } = this.#progress;
    if (!last) return;
    let index = 0;
    for await (const batch of source(last.epoch)) {
      if (index++ === last.batch && checksum(batch) === last.checksum) return;
      await breathe();
    }
    throw new TrainingError(
      "ERR_DATA",
      `batches: expected the data that the checkpoint was made with, got another batch ${last.batch} in epoch ${last.epoch}`,
    );
  }

  /**
   * The updates of what is left of the epoch. Each is made as soon as its batch is there, and told as soon as it is known
   * whether it is the last one.
   */
  async *#epoch(
    source: Iterable<Batch> | AsyncIterable<Batch>,
    signal: AbortSignal | undefined,
    breathe: Breath,
  ): AsyncGenerator<{ step: TrainStep; last: boolean }> {
    const { epoch, batch: first } = this.#progress;
    let index = -1;
    let sum = 0;
    let made: TrainStep | null = null;
    let group: Counted[] = [];
    const advance = (step: TrainStep, place: { readonly batch: number; readonly window: number }) => {
      const { step: steps, total } = this.#progress;
      const last = { epoch, batch: index, checksum: sum };
      this.#progress = { ...place, epoch, step: steps + 1, total: total + step.loss, over: false, last };
      return step;
    };
    const stepOfGroup = () => {
      const step = this.#step(group);
      group = [];
      return advance(step, { batch: index + 1, window: 0 });
    };
    for await (const batch of source) {
      if (made) yield { step: made, last: false };
      made = null;
      if (++index >= first) {
        signal?.throwIfAborted();
        if (this.#options.tbptt) {
          const windows = this.#windows(batch, this.#progress.window);
          sum = checksum(batch);
          for (const { step, next } of windows) {
            made = advance(step, next === null ? { batch: index + 1, window: 0 } : { batch: index, window: next });
            if (next === null) break;
            await breathe();
            yield { step, last: false };
            signal?.throwIfAborted();
          }
        } else {
          group.push(this.#gradients(batch, group.at(-1)));
          sum = checksum(batch);
          if (group.length === this.#options.accumulate) made = stepOfGroup();
        }
      }
      await breathe();
    }
    if (group.length > 0) made = stepOfGroup();
    if (index < 0) throw new ArgumentRangeError("batches: expected at least one batch in every epoch, got none");
    if (!made)
      throw new TrainingError(
        "ERR_DATA",
        `batches: expected the data that the checkpoint was made with, got only ${index + 1} batches in epoch ${epoch}`,
      );
    this.#progress = { ...this.#progress, over: true };
    yield { step: made, last: true };
  }

  /** The updates of a batch by truncated back-propagation, from a window on, and which one is next. */
  *#windows(batch: Batch, first: number): Generator<{ step: TrainStep; next: number | null }> {
    const { k1, k2 } = this.#options.tbptt as { k1: number; k2: number };
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
      if (loss !== null) yield { step: this.#step([{ loss, count: 1 }]), next: window < last ? window + 1 : null };
    }
  }

  /**
   * The gradients of a batch, added to those of the batch `before` if there is one: the sum of means that counts for so much as
   * this one does.
   */
  #gradients(batch: Batch, before?: Counted): Counted {
    const piece = this.#passes.prepare(batch);
    const { count } = piece.target as LossTarget;
    if (!before) this.model.zeroGrad();
    else if (this.#isMean) this.#update.scale(before.count / count);
    const loss =
      this.#options.checkpointing === false
        ? this.#passes.run(piece, { training: true, backward: true })
        : this.#passes.runCheckpointed(piece, this.#partLength(piece));
    return { loss, count };
  }

  /** One update from the gradients of some batches. */
  #step(group: readonly Counted[]): TrainStep {
    const total = group.reduce((sum, { count }) => sum + count, 0);
    const share = (count: number) => (this.#isMean ? count / total : 1);
    this.#update.scale(share((group.at(-1) as Counted).count));
    const loss = group.reduce((sum, { loss, count }) => sum + loss * share(count), 0);
    const { steps } = this.optimizer;
    return this.#update.run(
      loss,
      () => this.#passes.isOutputFinite,
      (lr) => this.#options.schedule?.rate(lr, steps, this.#memory) ?? lr,
    );
  }

  get #isMean(): boolean {
    return this.#options.loss.reduction === "mean";
  }

  #partLength(piece: Piece): number {
    const T = this.#passes.stepsOf(piece);
    if (this.#options.tbptt) return Math.min(T, this.#options.tbptt.k2);
    return typeof this.#options.checkpointing === "number" ? this.#options.checkpointing : Math.ceil(Math.sqrt(T));
  }

  #evaluate(batch: Batch, sum: { loss: number; count: number }): void {
    const piece = this.#passes.prepare(batch);
    const count = piece.target?.count ?? 0;
    const inParts = this.#options.tbptt !== undefined || this.#options.checkpointing !== false;
    const loss = inParts
      ? this.#passes.runInParts(piece, this.#partLength(piece))
      : this.#passes.run(piece, { training: false, backward: false });
    sum.loss += this.#isMean ? loss * count : loss;
    sum.count += count;
  }

  #evaluated({ loss, count }: Counted, name = "batches"): number {
    if (count === 0) throw new ArgumentRangeError(`${name}: expected at least one batch, got none`);
    return this.#isMean ? loss / count : loss;
  }

  /** Evaluates, tells the schedule, remembers the best weights, and moves on to the next epoch. */
  async #endEpoch(
    validate: Source | null,
    keep: boolean,
    signal: AbortSignal | undefined,
    breathe: Breath,
  ): Promise<EpochEnd> {
    const { epoch, total, step, last } = this.#progress;
    const loss = total / step;
    let validated: number | null = null;
    if (validate) {
      const { states } = this.#passes;
      const sum = { loss: 0, count: 0 };
      try {
        for await (const batch of validate(epoch)) {
          signal?.throwIfAborted();
          this.#evaluate(batch, sum);
          await breathe();
        }
      } finally {
        this.#passes.states = states;
      }
      validated = this.#evaluated(sum, "validation");
      this.#update.checkValidation(validated, () => this.#passes.isOutputFinite);
    }
    const decisive = validated ?? loss;
    if (this.#options.schedule) this.#memory = this.#options.schedule.observe(decisive, this.#memory);
    const best = !this.#best || decisive < this.#best.loss;
    if (best) this.#best = { loss: decisive, epoch, weights: keep ? this.model.stateDict() : null };
    this.#progress = { ...START, epoch: epoch + 1, last };
    return { loss, validation: validated, best };
  }
}
