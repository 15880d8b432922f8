// The report: curves, gates, weights and a verdict for every direction of every recurrent layer of a model.

import type { StateName } from "../layers/cell-kind.ts";
import type { Layer } from "../layers/layer.ts";
import type { Recurrent } from "../layers/recurrent.ts";
import type { Slice } from "../layers/slice.ts";
import type { Parameter } from "../parameters.ts";
import { type FlowTable, readRows } from "./data.ts";
import { deadUnits, forgetHorizon, type Saturation, saturationOf } from "./gates.ts";
import { type Basis, carry, type Decay, decayOf, type Norms } from "./norms.ts";
import { product, spectralNorm, spectralRadius } from "./spectrum.ts";
import { judge, type Outcome, type Thresholds } from "./verdict.ts";

/** A direction of a recurrent layer in a model. */
export interface Place {
  /** Its name: where the layer is in a Sequential, then layer and direction, as "0.l1_reverse". */
  readonly name: string;
  readonly layer: Recurrent;
  readonly slice: Slice;
}

/** What its last backward pass left. */
export interface PlaceRead {
  readonly place: Place;
  readonly table: FlowTable;
  readonly norms: Norms;
}

/** Largest singular value and largest eigenvalue. */
export interface Spectrum {
  readonly norm: number;
  /** With a projection of the gate's rows behind it, W_hh·W_hr. */
  readonly radius: number;
}

/** What became of the gradient in one direction of one layer. */
export interface SliceFlow extends Outcome {
  /** Where in the model: as "0.l1_reverse", the first layer's second level, backwards. */
  readonly name: string;
  /** The layer's class, as "LSTM". */
  readonly cell: string;
  readonly layer: number;
  readonly direction: "forward" | "reverse";
  readonly steps: number;
  readonly batch: number;
  /** ‖dL/dh_t‖ over the batch, index t in the order of time. */
  readonly dh: readonly number[];
  /** ‖dL/dc_t‖; null without a cell state. */
  readonly dc: readonly number[] | null;
  /** Norms of what later steps sent to the state of step t through the cell's memory alone, and through W_hh at least once. */
  readonly direct: readonly number[];
  readonly recurrent: readonly number[];
  /** How `carried` and the verdict are reckoned: "growth" where more than one step has a loss of its own. */
  readonly basis: Basis;
  /**
   * What is left of the gradient after so many steps back (index: steps), as a share of what there was, from `carried.from` steps
   * before the end on: in all, and by either path.
   */
  readonly carried: {
    readonly from: number;
    readonly total: readonly number[];
    readonly direct: readonly number[];
    readonly recurrent: readonly number[];
  };
  /**
   * How much the gradient grows at each step back (Pascanu et al. 2013, arXiv 1211.5063, equation 9): from k to k + 1 steps back of
   * those that `carried` counts, at index k.
   */
  readonly ratios: readonly number[];
  /** That paper's regulariser, Σ (ratio − 1)². */
  readonly omega: number;
  /** Straight lines through log(carried): null where there is nothing. */
  readonly decay: Readonly<Record<"total" | "direct" | "recurrent", Decay | null>>;
  /**
   * Steps over which each unit keeps what it holds, −1 / mean(log f); f is of a GRU z, of a MinGRU 1 − z, of a MinLSTM f / (f + i),
   * of an sLSTM the stabilised f. Null for an RNN.
   */
  readonly forgetHorizon: readonly number[] | null;
  /** By gate: what share of its values is near its ends. An sLSTM's i and f are the stabilised ones, of which one is 1. */
  readonly saturation: Readonly<Record<string, Saturation>>;
  /** Units with |h| < 0.001 throughout; of more than 64 steps of several sequences in about a seventh of them. */
  readonly deadUnits: readonly number[];
  /** Of W_hh as a whole its norm, of each gate's block both; the radius of the whole is the largest of those. */
  readonly spectrum: Spectrum & { readonly gates: Readonly<Record<string, Spectrum>> };
}

/** The first value that is not a finite number. */
export interface NonFinite {
  readonly kind: "NaN" | "Infinity";
  /** As "h of 0.l0", "dL/dc of 0.l0", "0.weight_hh_l0" or "the gradient of 2.bias". */
  readonly tensor: string;
  /** Index t of its step; null for parameters and the initial state. */
  readonly step: number | null;
}

export interface FlowReport extends Outcome {
  /** The slice that the verdict is about; null where nothing can be said of one. */
  readonly slice: string | null;
  readonly slices: readonly SliceFlow[];
  readonly nonFinite: NonFinite | null;
  /** ‖update‖ / ‖weights‖ of each parameter in the last update; null outside of a Trainer. */
  readonly updateRatios: Readonly<Record<string, number>> | null;
  /** Share of the updates so far whose gradients were clipped; null outside of a Trainer. */
  readonly clipRate: number | null;
}

/** Answers what `make` makes, once. */
function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/**
 * Everything about the last pass of one slice. What takes long is made when it is first read, from copies: a report with every
 * update must not cost more than the updates.
 */
export function sliceFlow({ place, table, norms }: PlaceRead, basis: Basis, thresholds: Thresholds): SliceFlow {
  const { name, layer, slice } = place;
  const { T, B } = table;
  const carried = carry(norms, basis, table);
  const { total, direct, recurrent, from, ratios } = carried;
  // From lags to time; the last lag is the initial state.
  const inTime = (curve: readonly number[]) => {
    const written = curve.slice(0, T);
    return slice.reverse ? written : written.reverse();
  };
  const rows = readRows(slice);
  const horizon = lazily(() => forgetHorizon(rows, slice));
  const saturation = lazily(() => saturationOf(rows, slice));
  const dead = lazily(() => deadUnits(rows, slice));
  const spectrum = lazily(spectrumOf(layer, slice));
  const decay = lazily(() => ({ total: decayOf(total), direct: decayOf(direct), recurrent: decayOf(recurrent) }));
  const bare: Outcome = { status: "none", after: null, path: null, left: 0, verdict: "no gradient came" };
  return {
    ...(norms.state.some((norm) => norm !== 0)
      ? judge(carried, { basis, hasDirect: slice.kind.gates.length > 1 || !table.plain, ...thresholds })
      : bare),
    ...{ name, cell: slice.kind.name },
    layer: Math.floor(slice.index / (layer.bidirectional ? 2 : 1)),
    direction: slice.reverse ? "reverse" : "forward",
    ...{ steps: T, batch: B },
    ...{ dh: inTime(norms.dh), dc: norms.dc && inTime(norms.dc) },
    ...{ direct: inTime(norms.direct), recurrent: inTime(norms.recurrent) },
    basis,
    carried: { from, total, direct, recurrent },
    ratios,
    omega: ratios.reduce((sum, ratio) => sum + (ratio - 1) ** 2, 0),
    get decay() {
      return decay();
    },
    get forgetHorizon() {
      return horizon();
    },
    get saturation() {
      return saturation();
    },
    get deadUnits() {
      return dead();
    },
    get spectrum() {
      return spectrum();
    },
  };
}

/** Copies W_hh, and answers what reckons its spectrum. */
function spectrumOf(layer: Recurrent, { suffix, kind, H, R }: Slice): () => SliceFlow["spectrum"] {
  if (!kind.recurrent) return () => ({ norm: 0, radius: 0, gates: {} });
  const values = (name: string) => {
    const parameter = layer.parameters.find((p) => p.name === `${name}${suffix}`) as Parameter;
    return layer.core.view(parameter.value, parameter.size);
  };
  const weights = values("weight_hh").slice();
  const projection = R === H ? null : values("weight_hr").slice();
  return () => {
    const gates = Object.fromEntries(
      kind.gates.map((name, k) => {
        const block = weights.subarray(k * H * R, (k + 1) * H * R);
        // From h to h, of R values: what a step does to it by way of this gate.
        const whole = projection ? product(projection, block, R, H, R) : block;
        return [name, { norm: spectralNorm(block, H, R), radius: spectralRadius(layer.core, whole, R) }];
      }),
    );
    const radius = Math.max(...Object.values(gates).map((gate) => gate.radius));
    return { norm: spectralNorm(weights, kind.gates.length * H, R), radius, gates };
  };
}

const kindOf = (value: number): NonFinite["kind"] => (Number.isNaN(value) ? "NaN" : "Infinity");

/** Where a number was first not finite, in the order in which a pass works: parameters, states, gradients. */
export function findNonFinite(
  model: Layer,
  read: readonly PlaceRead[],
  way: "forward" | "both" = "both",
): NonFinite | null {
  const { core } = model;
  const inParameters = (which: "value" | "grad"): NonFinite | null => {
    for (const parameter of model.parameters) {
      const index = core.abi.firstNonFinite(parameter[which], parameter.size);
      if (index < 0) continue;
      const tensor = which === "value" ? parameter.name : `the gradient of ${parameter.name}`;
      return { kind: kindOf(core.view(parameter[which] + 4 * index, 1)[0] as number), tensor, step: null };
    }
    return null;
  };
  const bad = inParameters("value");
  if (bad) return bad;
  for (const { place, table } of read) {
    const { name, slice } = place;
    const { T } = table;
    const finite = (state: StateName) => {
      const { byteOffset, length } = slice.stateAt(state, slice.reverse ? 0 : 1);
      return core.abi.firstNonFinite(byteOffset, T * length) < 0;
    };
    if (slice.states.every(finite)) continue;
    for (let n = 0; n < T; n++) {
      const step = slice.reverse ? T - 1 - n : n;
      for (const state of [...slice.states].reverse()) {
        const value = slice.stateAt(state, slice.reverse ? step : step + 1).find((x) => !Number.isFinite(x));
        if (value !== undefined) return { kind: kindOf(value), tensor: `${state} of ${name}`, step };
      }
    }
  }
  if (way === "forward") return null;
  for (const { place, table, norms } of [...read].reverse()) {
    const { name, slice } = place;
    const { dh, dc } = norms;
    const { T } = table;
    for (let lag = 0; lag <= T; lag++)
      for (const [tensor, curve] of [["dL/dh", dh] as const, ["dL/dc", dc] as const]) {
        const value = curve?.[lag] ?? 0;
        if (Number.isFinite(value)) continue;
        if (lag === T) return { kind: kindOf(value), tensor: `${tensor} of the initial state of ${name}`, step: null };
        return { kind: kindOf(value), tensor: `${tensor} of ${name}`, step: slice.reverse ? lag : T - 1 - lag };
      }
  }
  return inParameters("grad");
}

/** As a sentence has it: "h of 0.l0 at step 3". */
export const placeText = ({ tensor, step }: NonFinite): string => `${tensor}${step === null ? "" : ` at step ${step}`}`;

const ORDER: readonly Outcome["status"][] = ["nonFinite", "explodes", "vanishes", "carries", "none"];

/** The outcome of the slice that is worst off, under its name where there is more than one. */
export function worst(slices: readonly SliceFlow[]): Outcome & { readonly slice: string | null } {
  const [first] = [...slices].sort(
    (a, b) => ORDER.indexOf(a.status) - ORDER.indexOf(b.status) || (a.after ?? 0) - (b.after ?? 0) || a.left - b.left,
  );
  if (!first) return { status: "none", after: null, path: null, left: 0, verdict: "no gradient came", slice: null };
  const { status, after, path, left, name } = first;
  const verdict = `${slices.length > 1 ? `${name}: ` : ""}${first.verdict}`;
  return { status, after, path, left, verdict, slice: name };
}
