// One update of the parameters from their gradients: clipping, the learning rate, and what to say where numbers are not finite.
import { TrainingError } from "../errors.ts";
import type { FlowReport } from "../flow/report.ts";
import type { Layer } from "../layers/layer.ts";
import type { Parameter } from "../parameters.ts";
import type { Optimizer } from "./optimizer.ts";

/** One update of the parameters. */
export interface TrainStep {
  /** Loss before the update; of several batches that of all of them as one. */
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

/** What a Trainer asks of a GradientFlow. */
export interface FlowWatch {
  readonly model: Layer;
  /** @internal */
  beforeUpdate(): void;
  /** @internal */
  afterUpdate(step: { readonly clipped: boolean }): FlowReport | null;
  /** @internal */
  firstNonFinite(way: "forward" | "both"): string | null;
}

/** Bounds on gradients. */
export interface Clip {
  readonly norm: number | undefined;
  readonly value: number | undefined;
}

export class Update {
  readonly optimizer: Optimizer;
  readonly #model: Layer;
  readonly #parameters: readonly Parameter[];
  readonly #clip: Clip;
  readonly #flow: FlowWatch | undefined;

  constructor(model: Layer, optimizer: Optimizer, clip: Clip, flow?: FlowWatch) {
    this.optimizer = optimizer;
    this.#model = model;
    this.#parameters = model.parameters;
    this.#clip = clip;
    this.#flow = flow;
  }

  /** Multiplies all gradients. */
  scale(factor: number): void {
    if (factor !== 1) for (const { grad, size } of this.#parameters) this.#model.core.abi.scale(grad, factor, size);
  }

  /** Changes the parameters, at what `rate` makes of the groups' learning rates; nothing where a number is not finite. */
  run(loss: number, isOutputFinite: () => boolean, rate: (lr: number) => number): TrainStep {
    const { abi } = this.#model.core;
    let total = 0;
    for (const { grad, size } of this.#parameters) total += abi.sumSquares(grad, size);
    const gradNorm = Math.sqrt(total);
    const update = `in update ${this.optimizer.steps + 1}`;
    if (!Number.isFinite(loss))
      throw this.#ofLoss(`a finite loss, got ${loss}`, update, isOutputFinite, () =>
        this.#flow?.firstNonFinite("forward"),
      );
    if (!Number.isFinite(gradNorm))
      throw this.#nonFinite(
        `a finite gradient, got norm ${gradNorm}`,
        update,
        this.#flow?.firstNonFinite("both") ?? `the gradient of ${this.#firstNonFinite("grad")}`,
      );
    const { norm, value } = this.#clip;
    let clipped = false;
    if (norm !== undefined) {
      const factor = abi.clipFactor(gradNorm, norm);
      clipped = factor < 1;
      this.scale(factor);
    }
    if (value !== undefined)
      for (const { grad, size } of this.#parameters) clipped = abi.clipValue(grad, value, size) > 0 || clipped;
    const { lr } = this.optimizer.groups[0];
    this.#flow?.beforeUpdate();
    this.optimizer.step(rate);
    return { loss, gradNorm, clipped, lr: rate(lr), flow: this.#flow?.afterUpdate({ clipped }) ?? null };
  }

  /** Throws if a parameter is no longer finite. */
  checkParameters(): void {
    if (this.#firstNonFinite("value")) throw this.#nonFinite("finite parameters, got others", this.#after, "");
  }

  /** Throws if a loss over the validation batches is not finite. */
  checkValidation(loss: number, isOutputFinite: () => boolean): void {
    if (!Number.isFinite(loss))
      throw this.#ofLoss(`a finite validation loss, got ${loss}`, this.#after, isOutputFinite);
  }

  get #after(): string {
    return `after update ${this.optimizer.steps}`;
  }

  #ofLoss(
    what: string,
    when: string,
    isOutputFinite: () => boolean,
    seen?: () => string | null | undefined,
  ): TrainingError {
    return isOutputFinite()
      ? this.#nonFinite(what, when, "the loss of a finite output", ", or smaller targets")
      : this.#nonFinite(what, when, seen?.() ?? "the model's output");
  }

  /** Says what came and when, and where it may first be seen: in a parameter, or if all are finite in `otherwise`. */
  #nonFinite(what: string, when: string, otherwise: string, more = ""): TrainingError {
    const parameter = this.#firstNonFinite("value");
    const where = parameter ? `parameter ${parameter}` : otherwise;
    const lower = `a lower learning rate${this.#clip.norm ? "" : " or clipNorm: 1"}${parameter ? "" : more}`;
    return new TrainingError(
      "ERR_NON_FINITE",
      `training: expected ${what} ${when}, first seen in ${where}; try ${lower}`,
    );
  }

  #firstNonFinite(which: "value" | "grad"): string | undefined {
    const { abi } = this.#model.core;
    return this.#parameters.find((parameter) => abi.firstNonFinite(parameter[which], parameter.size) >= 0)?.name;
  }
}
