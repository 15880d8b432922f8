// One plain sentence for what became of the gradient, and the same for a program.
import type { Basis, Carried } from "./norms.ts";

/** What is left of the gradient, as shares of what there was at the start: at which it counts as vanished, and as exploded. */
export interface Thresholds {
  /** Default 0.001. */
  readonly vanishBelow: number;
  /** Default 1000. */
  readonly explodeAbove: number;
}

/** What a gradient came by: directly, through the cell's memory alone, or through W_hh at least once. */
export type Path = "direct" | "recurrent";

export interface Outcome {
  readonly status: "carries" | "vanishes" | "explodes" | "nonFinite" | "none";
  /** Steps back after which it vanished, exploded or, of a slice, was no finite number; else null. */
  readonly after: number | null;
  /** By which most of what was left came; null where nothing came. */
  readonly path: Path | null;
  /** Share that is left there, or at the last step. */
  readonly left: number;
  /** The sentence. */
  readonly verdict: string;
}

/** The first lag at which a curve is out of bounds. */
export function firstBeyond(
  curve: readonly number[],
  { vanishBelow, explodeAbove }: Thresholds,
): { readonly status: "vanishes" | "explodes"; readonly after: number } | null {
  const after = curve.findIndex((left, lag) => lag > 0 && !(left >= vanishBelow && left <= explodeAbove));
  if (after < 0) return null;
  return { status: (curve[after] as number) < vanishBelow ? "vanishes" : "explodes", after };
}

const steps = (n: number): string => `${n.toLocaleString("en")} step${n === 1 ? "" : "s"}`;

/** What is left, as a percentage or as a multiple. */
function leftText(left: number): string {
  if (left >= 2)
    return `it is ${left < 1e6 ? Math.round(left).toLocaleString("en") : left.toExponential(0)} times as large`;
  const percent = 100 * left;
  return `${percent >= 0.01 || percent === 0 ? Number(percent.toPrecision(2)) : percent.toExponential(0)} % of it is left`;
}

function pathAt({ direct, recurrent }: Carried, lag: number): Path | null {
  const [a, b] = [direct[lag] ?? 0, recurrent[lag] ?? 0];
  return a === 0 && b === 0 ? null : a > b ? "direct" : "recurrent";
}

/** What became of a gradient that went back through `carried.ratios.length` steps. */
export function judge(
  carried: Carried,
  { basis, hasDirect, ...thresholds }: Thresholds & { readonly basis: Basis; readonly hasDirect: boolean },
): Outcome {
  const by = basis === "growth" ? ", by the growth at each step" : "";
  const { total, recurrent, direct } = carried;
  const lags = total.length - 1;
  const beyond = firstBeyond(total, thresholds);
  if (beyond) {
    const { status, after } = beyond;
    // Where nothing at all is left, the path is that of what was left before.
    const path = pathAt(carried, after) ?? pathAt(carried, after - 1);
    const left = total[after] as number;
    if (!Number.isFinite(left))
      return { status: "nonFinite", after, path: null, left, verdict: `not finite after ${steps(after)}` };
    const through = path ? ` through the ${path} path` : "";
    const verdict = `${status} after ${steps(after)}${through}: ${leftText(left)}${by}`;
    return { status, after, path, left, verdict };
  }
  const path = pathAt(carried, lags);
  const left = total[lags] as number;
  const alone = (name: Path, curve: readonly number[]) => {
    // Both start from nothing: each is judged from the first lag on, by what it is then.
    const first = curve[1] as number;
    const event = first > 0 && firstBeyond([1, ...curve.slice(1)], thresholds);
    return event ? `; the ${name} path alone ${event.status} after ${steps(event.after)}` : "";
  };
  const other = path === "direct" ? alone("recurrent", recurrent) : hasDirect ? alone("direct", direct) : "";
  const verdict = `reaches back ${lags === 1 ? "its one step" : `all ${steps(lags)}`}, most of it through the ${path ?? "recurrent"} path: ${leftText(left)}${by}${other}`;
  return { status: "carries", after: null, path, left, verdict };
}
