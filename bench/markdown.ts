// BENCHMARKS.md, from results.
import { CASES, describe, flops } from "./cases.ts";
import { BASE, type CurveRow } from "./curves.ts";
import { judge, type Verdict } from "./gate.ts";
import type { PeerResult, PeerRow } from "./peers/measure.ts";
import { PEERS, type PeerEntry, type PeerName, ROUNDS, SLOW } from "./peers/peers.ts";
import { COLUMNS, type Profile } from "./profile.ts";
import { type SuiteResult, unrest } from "./results.ts";
import type { Row } from "./suite.ts";
import { byteSize, duration, growth, isBehind, percent, times } from "./table.ts";
import { NOISE, THEN } from "./targets.ts";

export interface Everything {
  readonly suites: readonly [strict: SuiteResult, relaxed: SuiteResult];
  readonly profile: Profile;
  readonly curves: SuiteResult;
  readonly engines: { readonly results: readonly SuiteResult[]; readonly skipped: readonly string[] };
  readonly peers: { readonly results: readonly PeerResult[]; readonly skipped: readonly string[] };
}

/** A Markdown table: its first column to the left, the others to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map((_, k) => (k ? "--:" : "---"))), ...rows.map(line)].join("\n");
}

const ofKind = <Kind extends Row["kind"]>({ rows }: SuiteResult, kind: Kind) =>
  rows.filter((row): row is Extract<Row, { kind: Kind }> => row.kind === kind);

const peakOf = (result: SuiteResult): number => ofKind(result, "peak")[0]?.gflops ?? Number.NaN;

function javascript([strict, relaxed]: Everything["suites"]): string {
  const rows = ofKind(strict, "case").map((row) => {
    const other = ofKind(relaxed, "case").find(({ name }) => name === row.name) as typeof row;
    const cells = [strict, relaxed].flatMap((result, k) => {
      const { ns, js, gflops } = k ? other : row;
      return [duration(ns), percent(gflops / peakOf(result)), js ? times(js.ratio) : "–"];
    });
    return [`${row.name}: ${describe(row)}`, row.js ? duration(row.js.ns) : "–", ...cells];
  });
  return table(["work", "plain JS", "strict", "of peak", "ratio", "relaxed", "of peak", "ratio"], rows);
}

function products([strict, relaxed]: Everything["suites"]): string {
  const rows = ofKind(strict, "gemm").map((row) => {
    const other = ofKind(relaxed, "gemm").find(({ name }) => name === row.name) as typeof row;
    return [`${row.name}: ${row.shape}`, ...[row, other].flatMap((r) => [r.gflops.toFixed(1), percent(r.ofPeak)])];
  });
  return table(["product, M x N x K", "strict, GFLOP/s", "of peak", "relaxed, GFLOP/s", "of peak"], rows);
}

/** Shares of the time of batched work. */
function profileTable({ rows }: Profile): string {
  const cells = rows.map(({ name, build, shares }) => [
    ...[`${name}, ${build}`, ...shares.map((share) => `${(100 * share).toFixed(1)} %`)],
  ]);
  return table(["work and build", ...COLUMNS], cells);
}

function bounds([strict, relaxed]: Everything["suites"]): string {
  const rows = ofKind(strict, "bound").map((row) => {
    const other = ofKind(relaxed, "bound").find(({ name }) => name === row.name) as typeof row;
    const takes = [row, other].flatMap(({ ns, share }) => [duration(ns), percent(share)]);
    return [row.name, byteSize(row.bytes), duration(row.readNs), duration(row.activationsNs), ...takes];
  });
  return table(["work", "weights", "reading", "activations", "strict", "at least", "relaxed", "at least"], rows);
}

function bindings(suite: SuiteResult): string {
  const rows = ofKind(suite, "bindings").map((row) => [
    ...[`${row.H}`, duration(row.stepNs), duration(row.kernelNs), duration(row.overheadNs)],
  ]);
  return table(["H = I", "stream.step", "the kernel alone", "bindings"], rows);
}

const peerTitle = (peer: string): string => (PEERS[peer as PeerName] as PeerEntry).title;

/** One row for each case and peer: its time, those of the two builds beside it, and how many times as fast they are. */
function peerTable(results: readonly PeerResult[], suite: SuiteResult): string {
  const rows = ofKind(suite, "case").flatMap(({ name }) =>
    results.flatMap(({ peer, rows }) =>
      rows
        .filter((row) => row.name === name)
        .map(({ ns, strict, relaxed }) => [
          ...[`${name}, ${peerTitle(peer)}`, duration(ns)],
          ...[strict, relaxed].flatMap((ours) => [duration(ours.ns), times(ours.ratio)]),
        ]),
    ),
  );
  return table(["work, library", "its time", "strict", "ratio", "relaxed", "ratio"], rows);
}

/**
 * The least time that a case can take on this core: reading its weights and its activations, or its products at the peak and its
 * activations, at the speed that the longest of the rows about one sequence gives.
 */
function leastNs(suite: SuiteResult, work: string): number | null {
  const bounds = ofKind(suite, "bound");
  const bound = bounds.find(({ name }) => name === work);
  if (bound) return bound.share * bound.ns;
  const bench = ofKind(suite, "case").find(({ name }) => name === work);
  const unitNs = Math.min(
    ...bounds.flatMap((row) =>
      CASES.filter(({ name }) => name === row.name).map(({ T, H }) => row.activationsNs / (T * H)),
    ),
  );
  return bench ? flops(bench) / peakOf(suite) + unitNs * bench.T * bench.B * bench.H : null;
}

/** What counts say of a target that is missed. */
function why({ target, build, rivalNs }: Verdict, suites: Everything["suites"]): string {
  const then = THEN[target.against]?.[target.work];
  const least = leastNs(suites[build === "strict" ? 0 : 1], target.work);
  if (rivalNs === null || then === undefined || least === null) return "";
  return `; the rival took ${duration(1e3 * then)} when it was set and takes ${duration(rivalNs)} here, and at this core's limits it would be ${times(rivalNs / least)}`;
}

/** A line for each case of a library that is faster than a build, by the ratio as the table shows it. */
export const fasterPeers = (results: readonly PeerResult[]): string[] =>
  results.flatMap(({ peer, rows }) =>
    rows
      .filter(({ strict, relaxed }) => isBehind(strict.ratio) || isBehind(relaxed.ratio))
      .map(({ name, ns, strict, relaxed }) => {
        const ours = (build: PeerRow["strict"]) => `${duration(build.ns)} (${times(build.ratio)} as fast)`;
        return `- ${name}: ${peerTitle(peer)} takes ${duration(ns)}, beside it the strict build ${ours(strict)}, the relaxed one ${ours(relaxed)}.`;
      }),
  );

/** Where a rival is faster, and which targets are not reached. */
function losses({ suites, peers }: Everything): string {
  const slower = fasterPeers(peers.results);
  const verdicts = judge(suites, peers.results);
  const missed = verdicts
    .filter(({ reached }) => !reached)
    .map((verdict) => {
      const { row, build, want, got, share } = verdict;
      const show = share ? percent : times;
      return `- ${row}, ${build} build: ${show(got as number)}, where the target is ${show(want)}${why(verdict, suites)}.`;
    });
  const lines = [
    slower.length > 0 ? "These are faster than the library, in one build at least:\n" : "No rival is faster.",
    ...slower,
    "",
    missed.length > 0
      ? `Of ${verdicts.length} targets (\`bench/targets.ts\`) these are missed by more than ${percent(NOISE)}. This core's limits are the reading of the weights and the activations (see "What bounds one sequence"), or all products at the peak and the activations:\n`
      : `All ${verdicts.length} targets (\`bench/targets.ts\`) are reached, within ${percent(NOISE)} for noise.`,
    ...missed,
  ];
  return lines.join("\n");
}

function engineTable(results: readonly SuiteResult[]): string {
  const names = ofKind(results[0] as SuiteResult, "case").map(({ name }) => name);
  const rows = results.map((result) => [
    `${result.engine}, ${result.build}`,
    peakOf(result).toFixed(0),
    ...names.map((name) => duration(ofKind(result, "case").find((row) => row.name === name)?.ns ?? Number.NaN)),
  ]);
  return table(["engine and build", "peak, GFLOP/s", ...names], rows);
}

function curveText(curves: SuiteResult): string {
  const rows = ofKind(curves, "curve");
  const cells = (row: CurveRow) => [
    ...[
      `${row.axis} = ${row.value}`,
      duration(row.ns),
      row.gflops.toFixed(1),
      byteSize(row.bytes),
      byteSize(row.modelBytes),
    ],
  ];
  const exponents = growth(rows).map(
    ({ axis, from, to, time, memory }) =>
      `from ${axis} ${from} to ${to} time grows as ${axis}^${time.toFixed(2)} and memory as ${axis}^${memory.toFixed(2)}`,
  );
  return `${table(["", "time", "GFLOP/s", "memory in use", "parameters"], rows.map(cells))}\n\nAt the upper end ${exponents.join("; ")}.`;
}

const list = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join("\n");

export function renderMarkdown(all: Everything): string {
  const { suites, profile, curves, engines, peers } = all;
  const [strict, relaxed] = suites;
  const { machine, date, commit, engine, modules } = strict;
  const { T, B, I, H, L } = BASE;
  const spoiled = [
    ...[...suites, ...engines.results].filter(unrest).map(({ engine, build }) => `${engine} ${build}`),
    ...peers.results.filter(unrest).map(({ version }) => version),
  ];
  const notes = peers.results.map(({ peer, version }) => {
    const { note }: PeerEntry = PEERS[peer as PeerName];
    return note ? `${version}: ${note}.` : `${version}.`;
  });
  return `# Benchmarks

Written by \`npm run bench:docs\` on ${date}, commit ${commit}, kernels ${modules}.
${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.os}; ${engine} unless said otherwise; one thread everywhere.

T steps, B batch, I input width, H hidden width. S1 is one streaming step, S2 and S3 are forward passes, T1 to T3 training steps:
forward, backward and Adam, with a linear head to 1 on the last output and the mean squared error, through \`Trainer.step\`. Results are compared
before anything is timed, and what differs by more than 1e-4 is not timed. Contenders take turns, round by round: times are medians over
the rounds, ratios medians of the ratios within a round, so that a ratio is the quotient of the two times but for rounding and for this
pairing. The peak, the products, what bounds a sequence and how the cost grows are of the quickest round: whatever else a machine does only
adds.
"Strict" is the default build, "relaxed" the one with relaxed SIMD.
${spoiled.length > 0 ? `\nThe machine was not calm while these were measured, so doubt them: ${spoiled.join(", ")}.\n` : ""}

GFLOP/s count the products alone: 2·T·B·4H·(I + H) operations forward, three times that in training. The peak is what this core does in a loop of
independent multiply-adds of 4 lanes in registers, measured beside: ${peakOf(strict).toFixed(1)} GFLOP/s strict, ${peakOf(relaxed).toFixed(1)} relaxed.

## Where we lose

${losses(all)}

## Against plain JavaScript

![Times as fast as plain JavaScript](bench/charts/javascript.svg)

${javascript(suites)}

The rival is \`bench/js-lstm.ts\`: typed arrays, contiguous reads, the four gates of a unit in one loop, nothing allocated.

## Against other libraries

![Times as fast as other libraries](bench/charts/peers.svg)

Each row: the time of the other, those of both builds in processes of their own that take turns with it, and how many times as fast they
are; below 1 the other is faster. Of ${ROUNDS} rounds, or of one where a run takes more than ${SLOW / 1e9} s.

${peerTable(peers.results, strict)}

${list(notes)}
${list(peers.skipped.map((why) => `Not measured: ${why}.`))}

## Products

The rate of \`gemm\` (A·B) and, for dW, \`gemmTN\` (Aᵀ·B), as a share of the peak measured beside it; both of the quickest round.

${products(suites)}

## What bounds one sequence

A step of one sequence uses every weight once, for two operations: it cannot be faster than loads of so many bytes, measured here
without anything else, and the activations of its units (three sigmoids, two tanh). "At least" is that share of the time; of S2
with the product of the inputs at this core's peak. Weights of 1 MiB and more come from the third-level cache. All of it is of the
quickest round, so that these times are below the medians above.

${bounds(suites)}

## Where the time of batches goes

Shares of the samples of V8's profiler. "Products" above has the rates at which the products run.

${profileTable(profile)}

## Bindings

What \`stream.step\` adds to the kernel it calls, strict build.

${bindings(strict)}

## Engines

${engineTable(engines.results)}

${list(engines.skipped.map((why) => `Not measured: ${why}.`))}

## How the cost grows

![Time and memory of a training step over each size](bench/charts/curves.svg)

A training step, one size changed at a time from T ${T}, B ${B}, I ${I}, H ${H}, L ${L} layers; of five rounds the quickest.

${curveText(curves)}

## Again

\`\`\`sh
npm run bench                 # against plain JavaScript; --relaxed, --engine, --curves, --json, --svg
npm run bench:engines -- bun  # fetches an engine
npm run bench:peers           # against other libraries; --install fetches them
npm run bench:gate            # are the targets reached?
npm run bench:docs            # this page; what is measured already with these kernels is kept
npx lstm-wasm bench           # for users of the package
\`\`\`
`.replace(/\n{3,}/g, "\n\n");
}
