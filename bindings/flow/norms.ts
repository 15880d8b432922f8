// From the norms that assembly/flow.ts leaves to curves over steps and over lags.

import type { Slice } from "../layers/slice.ts";
import { COLUMNS, type FlowTable } from "./data.ts";

/** Norms over the batch, in the order of back-propagation: index `lag`, steps from the first state to the last. */
export interface Norms {
  /** ‖dL/dh‖ and, with a cell state, ‖dL/dc‖: along every path. */
  readonly dh: readonly number[];
  readonly dc: readonly number[] | null;
  /** What of it did not come from later steps: the output's own, at lag 0 also that of the last states. */
  readonly own: readonly number[];
  /** The state's gradient, ‖(dL/dh, dL/dc)‖ where h and c are arguments of all that follows: what a step starts from. */
  readonly state: readonly number[];
  /** What of it later steps sent: directly, recurrently, and both together. Nothing at lag 0. */
  readonly arrived: readonly number[];
  readonly direct: readonly number[];
  readonly recurrent: readonly number[];
}

/** Reads the table [T+1,12]; see `norms` and `measure` in assembly/flow.ts. */
export function readNorms({ T, norms, plain }: FlowTable, { reverse, states, H, R }: Slice): Norms {
  const hasC = states.includes("c");
  const lags = Array.from({ length: T + 1 }, (_, lag) => lag);
  const table = lags.map((lag) => {
    const slot = reverse ? lag : T - lag;
    const at = (column: number) => norms[slot * COLUMNS + column] as number;
    const dh = hasC && R === H ? at(4) : at(6);
    // In a plain cell p_h is what the step gives of its own.
    const ownH = at(plain ? 7 : 9);
    const own = !(ownH === 0);
    // Without a gradient of the step's own all of dh has arrived; in a plain cell none of that directly.
    const arrivedH = own ? at(plain ? 8 : 10) : dh;
    const directH = plain ? 0 : own ? at(11) : at(7);
    const recurrentH = plain ? arrivedH : at(8);
    return {
      dh,
      dc: lag === T ? at(0) : (norms[(reverse ? slot + 1 : slot - 1) * COLUMNS + 3] as number),
      own: lag === 0 ? Math.hypot(dh, at(0)) : ownH,
      state: Math.hypot(dh, at(0)),
      arrived: lag === 0 ? 0 : Math.hypot(arrivedH, at(0)),
      direct: lag === 0 ? 0 : Math.hypot(directH, at(1)),
      recurrent: lag === 0 ? 0 : Math.hypot(recurrentH, at(2)),
    };
  });
  const column = (name: keyof Norms) => table.map((row) => row[name]);
  return {
    dh: column("dh"),
    dc: hasC ? column("dc") : null,
    own: column("own"),
    state: column("state"),
    arrived: column("arrived"),
    direct: column("direct"),
    recurrent: column("recurrent"),
  };
}

/**
 * How `carried` is reckoned. "norm": what arrives, over all that was put in at later steps; so where the loss is one of the last
 * step. "growth": the product of the growth at each step, where every step has a loss of its own, which would hide what came
 * from afar; of an LSTM it tells too little, since what a loss puts into h mostly is lost in its first step.
 */
export type Basis = "norm" | "growth";

/** What of a gradient is left after each lag, as a share of what there was. */
export interface Carried {
  /** The lag at which the loss's gradient first meets a step: 0 here. */
  readonly from: number;
  readonly total: readonly number[];
  readonly direct: readonly number[];
  readonly recurrent: readonly number[];
  /** Growth over one step back, ‖∂L/∂x₋‖ / ‖∂L/∂x‖ with what the step before adds of its own left out (Pascanu et al. 2013). */
  readonly ratios: readonly number[];
}

/** Whether a gradient of its own comes to more than one step. */
export const hasManyLosses = ({ own }: Norms): boolean => own.filter((norm) => norm !== 0).length > 1;

export function carry(
  { own, state, arrived, direct, recurrent }: Norms,
  basis: Basis,
  bounds: Pick<FlowTable, "from" | "to">,
): Carried {
  const from = Math.max(
    bounds.from,
    state.findIndex((norm) => norm !== 0),
  );
  const total = [1];
  const paths = { direct: [0], recurrent: [0] };
  const ratios: number[] = [];
  let given = state[from] as number;
  for (let lag = from + 1; lag <= bounds.to; lag++) {
    const [now, before] = [arrived[lag] as number, state[lag - 1] as number];
    const ratio = before === 0 ? 0 : now / before;
    const left = basis === "growth" ? (total.at(-1) as number) * ratio : now / given;
    const share = (part: number | undefined) => (now === 0 ? 0 : (left * (part as number)) / now);
    ratios.push(ratio);
    total.push(left);
    paths.direct.push(share(direct[lag]));
    paths.recurrent.push(share(recurrent[lag]));
    given = Math.hypot(given, own[lag] as number);
  }
  return { from, total, ...paths, ratios };
}

/** A straight line through the logarithms of a curve. */
export interface Decay {
  /** Of the natural logarithm, a step back: below 0 the gradient shrinks. */
  readonly slope: number;
  /** Steps over which it halves; Infinity where it does not shrink. */
  readonly halfLife: number;
}

/** Least squares over the lags from 1 on at which there is something; null for fewer than two. */
export function decayOf(curve: readonly number[]): Decay | null {
  const points = curve
    .map((value, lag) => [lag, Math.log(value)] as const)
    .filter(([lag, log]) => lag > 0 && Number.isFinite(log));
  if (points.length < 2) return null;
  const mean = (k: 0 | 1) => points.reduce((sum, point) => sum + point[k], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const slope =
    points.reduce((sum, [lag, log]) => sum + (lag - x) * (log - y), 0) /
    points.reduce((sum, [lag]) => sum + (lag - x) ** 2, 0);
  return { slope, halfLife: slope < 0 ? Math.LN2 / -slope : Number.POSITIVE_INFINITY };
}
