// `npm run bench:gate`: are the targets reached? Names each that is not, and then fails. A tenth is allowed for noise.
import { Command } from "commander";
import { peerParts, suitePart } from "./parts.ts";
import type { PeerResult } from "./peers/measure.ts";
import type { PeerName } from "./peers/peers.ts";
import type { SuiteResult } from "./results.ts";
import { percent, times } from "./table.ts";
import { NOISE, TARGETS, type Target } from "./targets.ts";

export interface Verdict {
  readonly row: string;
  readonly target: Target;
  /** What the rival takes, where it was measured. */
  readonly rivalNs: number | null;
  readonly build: "strict" | "relaxed";
  readonly want: number;
  /** Null where the rival was not measured. */
  readonly got: number | null;
  readonly reached: boolean;
  /** Whether the figures are shares of the peak, not ratios. */
  readonly share: boolean;
}

/** Every target beside what was measured. */
export function judge(suites: readonly SuiteResult[], peers: readonly PeerResult[]): Verdict[] {
  return TARGETS.flatMap((target) =>
    (["strict", "relaxed"] as const).flatMap((build) =>
      measured(target, build, suites.find((suite) => suite.build === build) as SuiteResult, peers).map(
        ({ row, got, rivalNs = null }): Verdict => {
          const want = target[build];
          const reached = got === null || got >= (1 - NOISE) * want;
          return { row, target, rivalNs, build, want, got, reached, share: target.against === "peak" };
        },
      ),
    ),
  );
}

function measured(
  { work, against }: Target,
  build: "strict" | "relaxed",
  { rows }: SuiteResult,
  peers: readonly PeerResult[],
): { row: string; got: number | null; rivalNs?: number | null }[] {
  if (against === "peak")
    return rows.flatMap((row) => (row.kind === "gemm" ? [{ row: `GEMM ${row.shape}`, got: row.ofPeak }] : []));
  const row = `${work} against ${against}`;
  if (against === "js") {
    const found = rows.find((candidate) => candidate.kind === "case" && candidate.name === work);
    const js = found?.kind === "case" ? found.js : null;
    return [{ row, got: js?.ratio ?? null, rivalNs: js?.ns ?? null }];
  }
  const found = peers.find(({ peer }) => peer === against)?.rows.find(({ name }) => name === work);
  return [{ row, got: found?.[build].ratio ?? null, rivalNs: found?.ns ?? null }];
}

if (import.meta.main) {
  const { under, fresh } = new Command("bench:gate")
    .description("Compare what is measured on this machine with the project's targets.")
    .option("--under <command>", "measure under a command, such as 'taskset -c 1'", "")
    .option("--fresh", "measure anew what is kept from an earlier run with these kernels", false)
    .parse()
    .opts();
  const options = { fresh, under: under.split(" ").filter(Boolean) };
  const suites = (["strict", "relaxed"] as const).map((build) => suitePart(build, options));
  const rivals = [...new Set(TARGETS.map(({ against }) => against))].filter((name) => name !== "js" && name !== "peak");
  const { results, skipped } = peerParts(options, rivals as PeerName[]);
  const verdicts = judge(suites, results);
  console.log(`\n${"".padEnd(34)}${"build".padEnd(10)}${"target".padStart(9)}${"measured".padStart(10)}`);
  for (const { row, build, want, got, reached, share } of verdicts) {
    const show = share ? percent : times;
    const cells = `${row.padEnd(34)}${build.padEnd(10)}${show(want).padStart(9)}${(got === null ? "–" : show(got)).padStart(10)}`;
    console.log(`${cells}  ${got === null ? "skipped" : reached ? "reached" : "MISSED"}`);
  }
  for (const why of skipped) console.log(`skipped: ${why}`);
  const missed = verdicts.filter(({ reached }) => !reached);
  console.log(`\n${verdicts.length - missed.length} of ${verdicts.length} reached, or within ${100 * NOISE} % of it`);
  if (missed.length > 0) {
    console.error(`missed: ${missed.map(({ row, build }) => `${row} (${build})`).join("; ")}`);
    process.exitCode = 1;
  }
}
