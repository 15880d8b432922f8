// Everything that is measured in one process, in any engine: no files, no command line.
import type { Core } from "lstm-wasm";
import { type BoundRow, measureBound } from "./bound.ts";
import { type BenchCase, CASES, flops } from "./cases.ts";
import { AXES, type Axis, type CurveRow, measureCurve } from "./curves.ts";
import { type Peak, type ProductRow, Products, runPeak } from "./gemm.ts";
import { createJs } from "./js.ts";
import { checkAgreement, createProblem, resultOf } from "./problem.ts";
import { alternate, median, pairedRatio } from "./timing.ts";
import { createLstm, createWasm } from "./wasm.ts";
import { listen } from "./watched.ts";

export interface PeakRow {
  readonly kind: "peak";
  readonly gflops: number;
}

export interface CaseRow extends BenchCase {
  readonly kind: "case";
  /** The median over the rounds. */
  readonly ns: number;
  readonly gflops: number;
  /** Of plain JavaScript likewise, and the median of the paired ratios; null where the rival was left out. */
  readonly js: { readonly ns: number; readonly ratio: number } | null;
}

/** What the bindings add to one streaming step. */
export interface BindingsRow {
  readonly kind: "bindings";
  readonly H: number;
  readonly stepNs: number;
  readonly kernelNs: number;
  /** Median of the paired differences. */
  readonly overheadNs: number;
}

export type Row = PeakRow | CaseRow | BoundRow | ProductRow | BindingsRow | CurveRow;

export const PARTS = ["cases", "bounds", "gemm", "bindings", "curves"] as const;
export type Part = (typeof PARTS)[number];

export interface SuiteOptions {
  readonly parts: readonly Part[];
  /** Names of cases; default: all. */
  readonly cases?: readonly string[] | undefined;
  /** Whether plain JavaScript is measured too. */
  readonly rival: boolean;
  /** ms that each round of each contender has. Default 100. */
  readonly budget?: number;
}

async function measurePeak(loop: Peak): Promise<PeakRow> {
  const { run, flops: work } = runPeak(loop);
  const [times = []] = await alternate([run], { budget: 40 });
  return { kind: "peak", gflops: work / Math.min(...times) };
}

async function measureCase(core: Core, bench: BenchCase, { rival, budget = 100 }: SuiteOptions): Promise<CaseRow> {
  const problem = createProblem(bench);
  using wasm = createWasm(core, bench, problem);
  const js = rival ? createJs(bench, problem) : null;
  if (js) checkAgreement(bench.name, await resultOf(bench, wasm), await resultOf(bench, js));
  // Long enough for three rounds where a run of plain JavaScript takes seconds.
  const [ours = [], theirs] = await alternate(js ? [wasm.run, js.run] : [wasm.run], { budget, limit: 12_000 });
  const ns = median(ours);
  return {
    ...{ kind: "case", ...bench, ns, gflops: flops(bench) / ns },
    js: theirs ? { ns: median(theirs), ratio: pairedRatio(ours, theirs) } : null,
  };
}

async function measureBindings(core: Core, H: number): Promise<BindingsRow> {
  const problem = createProblem({ what: "step", T: 1, B: 1, I: H, H });
  const frame = (problem.x as { data: Float32Array }).data;
  let step = () => frame;
  const sequence = listen(core, (listening) => {
    const stream = createLstm(listening, { I: H, H }, problem).stream();
    step = () => stream.step(frame);
    step();
  });
  const kernel = () => core.abi.recurrentStep(sequence);
  const [a, b] = (await alternate([step, kernel], { rounds: 9, budget: 40 })) as [number[], number[]];
  const overheadNs = median(a.map((ns, k) => ns - (b[k] as number)));
  return { kind: "bindings", H, stepNs: median(a), kernelNs: median(b), overheadNs };
}

/** Measures, and tells each row as soon as it is there. */
export async function runSuite(core: Core, loop: Peak, options: SuiteOptions, tell: (row: Row) => void): Promise<void> {
  const { parts, cases } = options;
  const peak = await measurePeak(loop);
  tell(peak);
  const chosen = CASES.filter(({ name }) => !cases || cases.includes(name));
  const products = parts.includes("gemm") ? new Products(core, loop) : null;
  if (parts.includes("cases"))
    for (const bench of chosen) {
      tell(await measureCase(core, bench, options));
      await products?.round();
    }
  if (parts.includes("bounds"))
    for (const bench of chosen.filter(({ B }) => B === 1)) tell(await measureBound(core, loop, peak.gflops, bench));
  for (const row of (await products?.finish()) ?? []) tell(row);
  if (parts.includes("bindings")) for (const H of [16, 64, 128]) tell(await measureBindings(core, H));
  if (parts.includes("curves"))
    for (const axis of Object.keys(AXES) as Axis[]) for (const row of await measureCurve(core, axis)) tell(row);
}
