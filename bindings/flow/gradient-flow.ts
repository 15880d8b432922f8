// GradientFlow: watches the backward passes of a model, and reports on the last one.
import { checkFlag, checkInteger, checkNumber, checkOptions, show } from "../check.ts";
import { ArgumentRangeError, ArgumentTypeError, StateError } from "../errors.ts";
import { Layer } from "../layers/layer.ts";
import { Recurrent } from "../layers/recurrent.ts";
import { Sequential } from "../layers/sequential.ts";
import type { Batch } from "../train/batch.ts";
import { Loss } from "../train/loss.ts";
import { Passes } from "../train/passes.ts";
import { readTable } from "./data.ts";
import { type Basis, carry, hasManyLosses, readNorms } from "./norms.ts";
import {
  type FlowReport,
  findNonFinite,
  type Place,
  type PlaceRead,
  placeText,
  type SliceFlow,
  sliceFlow,
  worst,
} from "./report.ts";
import type { Thresholds } from "./verdict.ts";

export interface GradientFlowOptions extends Partial<Thresholds> {
  /**
   * In a Trainer: a report with every so many updates. Default 1. Updates without a report cost nothing more; one with a report
   * takes a tenth longer, of small models up to three times as long.
   */
  readonly every?: number;
}

/**
 * Where the gradients of a model go. From its making on the backward passes of the model's recurrent layers measure the flow;
 * `report()` tells of the last one. Given to a Trainer as its option `flow`, it reports with every n-th update.
 *
 * With a loss at more than one step the report goes by the growth at each step, which of an LSTM tells too little; `measure()` has
 * the loss of the last step alone. Steps that no sequence takes are left out; a sequence that ends earlier than others holds its
 * gradient through its padding, which counts as left.
 */
export class GradientFlow {
  /** What is watched. */
  readonly model: Layer;
  /** In a Trainer: a report with every so many updates. */
  readonly every: number;
  /** What counts as vanished and as exploded. */
  readonly thresholds: Thresholds;
  readonly #places: readonly Place[];
  #updates = 0;
  #clipped = 0;
  #stopped = false;
  #watches = false;
  /** Of an update with a report due: what went before it. */
  #pending: { readonly report: FlowReport; readonly weights: Map<string, Float32Array> } | null = null;

  /** `model` is a recurrent layer, or a model with one inside; otherwise a RangeError. */
  constructor(model: Layer, options: GradientFlowOptions = {}) {
    if (!(model instanceof Layer)) throw new ArgumentTypeError(`model: expected a layer, got ${show(model)}`);
    checkOptions("GradientFlow options", options, ["every", "vanishBelow", "explodeAbove"]);
    const { every = 1, vanishBelow = 1e-3, explodeAbove = 1e3 } = options;
    this.every = checkInteger("every", every);
    this.thresholds = {
      vanishBelow: checkNumber("vanishBelow", vanishBelow, "a number in (0, 1)", (x) => x > 0 && x < 1),
      explodeAbove: checkNumber("explodeAbove", explodeAbove, "a number above 1", (x) => x > 1),
    };
    this.model = model;
    this.#places = placesOf(model, "");
    if (this.#places.length === 0)
      throw new ArgumentRangeError(
        `model: expected a recurrent layer in it, got ${show(model)} without one; a gradient flows through time only there`,
      );
    this.#watch(true);
  }

  /** What became of the gradient in the last backward pass; to be called before the next forward pass. */
  report(): FlowReport {
    const read = this.#read();
    return this.#report(read, this.#basis(read));
  }

  /** What is left of the gradient after so many steps back, by slice: the report's `carried` alone, for those who ask often. */
  curves(): SliceFlow["carried"][] {
    const read = this.#read();
    const basis = this.#basis(read);
    return read.map(({ place, table, norms }) => {
      const { from, total, direct, recurrent } = carry(norms, this.#basisOf(place, basis), table);
      return { from, total, direct, recurrent };
    });
  }

  /**
   * Runs a batch forwards and backwards through the model, whose gradients and random numbers stay as they were, and reports. Of
   * a model that answers at every step only the loss of each sequence's last one counts, so that what reaches back can be told
   * from what each step adds; `losses: "all"` takes the gradient as it is in training.
   */
  measure(
    batch: Batch,
    loss: Loss,
    options: { readonly losses?: "last" | "all"; readonly training?: boolean } = {},
  ): FlowReport {
    if (!(loss instanceof Loss))
      throw new ArgumentTypeError(`loss: expected a loss such as mseLoss(), got ${show(loss)}`);
    checkOptions("measure options", options, ["losses", "training"]);
    const training = checkFlag("training", options.training ?? false);
    const { losses = "last" } = options;
    if (losses !== "last" && losses !== "all")
      throw new ArgumentRangeError(`losses: expected "last" or "all", got ${show(losses)}`);
    const { core, parameters } = this.model;
    const passes = new Passes(this.model, loss, 0);
    const kept = parameters.map(({ grad, size }) => core.read(grad, size));
    const { draws } = passes;
    const watched = this.#watches;
    try {
      const piece = passes.prepare(losses === "last" ? passes.lastAlone(batch) : batch);
      this.#watch(true);
      this.model.zeroGrad();
      passes.run(piece, { training, backward: true });
      const read = this.#read();
      return this.#report(read, losses === "last" ? "norm" : this.#basis(read));
    } finally {
      this.#watch(watched);
      passes.draws = draws;
      passes.dispose();
      parameters.forEach(({ grad }, k) => {
        core.write(grad, kept[k] as Float32Array);
      });
    }
  }

  /** Ends the measuring, and a Trainer's reports; further backward passes cost nothing more. */
  stop(): void {
    this.#stopped = true;
    this.#watch(false);
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  /** @internal Before an update of a Trainer. */
  beforeUpdate(): void {
    this.#pending = null;
    if (!this.#isDue()) return;
    const { core, parameters } = this.model;
    const weights = new Map(parameters.map(({ name, value, size }) => [name, core.read(value, size)]));
    this.#pending = { report: this.report(), weights };
  }

  /** @internal After an update of a Trainer: the report, when one is due. */
  afterUpdate({ clipped }: { readonly clipped: boolean }): FlowReport | null {
    const pending = this.#pending;
    this.#pending = null;
    this.#updates++;
    if (clipped) this.#clipped++;
    this.#watch(this.#isDue());
    if (!pending) return null;
    const { report, weights } = pending;
    return { ...report, updateRatios: this.#updateRatios(weights), clipRate: this.#clipRate };
  }

  /** @internal Where a number was first not finite in the last pass, or on its way forwards, as "h of 0.l0 at step 3"; or null. */
  firstNonFinite(way: "forward" | "both"): string | null {
    if (!this.#places.every(({ slice }) => slice.measured)) return null;
    const found = findNonFinite(this.model, this.#read(), way);
    return found && placeText(found);
  }

  #report(read: readonly PlaceRead[], basis: Basis): FlowReport {
    const slices = read.map((one) => sliceFlow(one, this.#basisOf(one.place, basis), this.thresholds));
    const nonFinite = findNonFinite(this.model, read);
    return {
      ...worst(slices),
      ...(nonFinite && {
        ...{ status: "nonFinite" as const, after: null, path: null, left: Number.NaN },
        verdict: `not finite: ${nonFinite.kind} is first seen in ${placeText(nonFinite)}`,
      }),
      ...{ slices, nonFinite, updateRatios: null, clipRate: this.#clipRate },
    };
  }

  get #clipRate(): number | null {
    return this.#updates ? this.#clipped / this.#updates : null;
  }

  /** What each slice's last backward pass left. */
  #read(): PlaceRead[] {
    this.model.checkUsable();
    return this.#places.map((place) => {
      const table = readTable(place.slice);
      if (table) return { place, table, norms: readNorms(table, place.slice) };
      throw new StateError(
        "ERR_NO_FORWARD",
        `GradientFlow: expected a backward pass with flow behind the last forward pass, got none${this.#stopped ? ", as it was stopped" : ""}`,
      );
    });
  }

  /** The last layer tells whether the loss is one of the last step: those below get something at every step. */
  #basis(read: readonly PlaceRead[]): Basis {
    const last = this.#places.at(-1)?.layer as Recurrent;
    return read.slice(last.bidirectional ? -2 : -1).some(({ norms }) => hasManyLosses(norms)) ? "growth" : "norm";
  }

  /**
   * A direction above that runs the other way puts a gradient in at this one's far end, which would count as left from the start.
   * What goBackwards layers hand on is turned round.
   */
  #basisOf(place: Place, basis: Basis): Basis {
    const own = this.#places.indexOf(place);
    const isAbove = ({ layer, slice }: Place, k: number) =>
      layer === place.layer ? slice.index - slice.direction > place.slice.index : k > own;
    const isCrossed = ({ slice }: Place, k: number) => {
      const turns = this.#places.slice(own, k).filter(({ layer }) => layer.goBackwards).length;
      return (slice.reverse !== place.slice.reverse) !== (turns % 2 === 1);
    };
    return this.#places.some((other, k) => isAbove(other, k) && isCrossed(other, k)) ? "growth" : basis;
  }

  #isDue(): boolean {
    return !this.#stopped && this.#updates % this.every === 0;
  }

  #updateRatios(weights: ReadonlyMap<string, Float32Array>): Record<string, number> {
    const { core, parameters } = this.model;
    return Object.fromEntries(
      parameters.map(({ name, value, size }) => {
        const before = weights.get(name) as Float32Array;
        const after = core.view(value, size);
        let [update, weight] = [0, 0];
        for (let k = 0; k < size; k++) {
          update += ((after[k] as number) - (before[k] as number)) ** 2;
          weight += (before[k] as number) ** 2;
        }
        return [name, weight === 0 ? Number.POSITIVE_INFINITY : Math.sqrt(update / weight)];
      }),
    );
  }

  #watch(on: boolean): void {
    if (on === this.#watches) return;
    this.#watches = on;
    for (const { layer } of this.#places) layer.measuresFlow += on ? 1 : -1;
  }
}

/** Every direction of every recurrent layer in a layer, under its name. */
function placesOf(layer: Layer, prefix: string): Place[] {
  if (layer instanceof Recurrent)
    return layer.slices.map((slice) => ({ name: `${prefix}${slice.suffix.slice(1)}`, layer, slice }));
  const isList = layer instanceof Sequential;
  return layer.children.flatMap((child, k) => placesOf(child, isList ? `${prefix}${k}.` : prefix));
}
