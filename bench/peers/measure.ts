// One peer against both builds of the library: processes by turns, ratios between neighbours.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadSync } from "lstm-wasm";
import { runLines } from "../engines.ts";
import { createProblem, resultOf } from "../problem.ts";
import { type Measured, setting } from "../results.ts";
import { median, pairedRatio } from "../timing.ts";
import { createWasm } from "../wasm.ts";
import type { Line, Order } from "./child.ts";
import { caseOf, writeProblem } from "./folder.ts";
import { findPython, type PeerEntry, SLOW } from "./peers.ts";

export interface PeerRow {
  readonly name: string;
  /** Nanoseconds of the peer, and of the library's builds beside it: medians over the rounds. */
  readonly ns: number;
  readonly strict: { readonly ns: number; readonly ratio: number };
  readonly relaxed: { readonly ns: number; readonly ratio: number };
  readonly rounds: number;
}

export interface PeerResult extends Measured {
  readonly peer: string;
  readonly version: string;
  readonly rows: readonly PeerRow[];
}

/** ms: what is mostly JavaScript takes half a second until its engine has compiled all of it. */
const PEER_BUDGETS = { warmUp: 500, budget: 150 };
const OUR_BUDGETS = { warmUp: 60, budget: 120 };

const OURS = { strict: "./strict.ts", relaxed: "./relaxed.ts" } as const;
type Who = "peer" | keyof typeof OURS;

/** Writes every case with its expected results. */
async function writeProblems(folder: string, names: readonly string[]): Promise<void> {
  const core = loadSync();
  for (const name of names) {
    const bench = caseOf(name);
    const result = async (oneBias: boolean) => {
      using wasm = createWasm(core, bench, createProblem(bench), oneBias);
      return await resultOf(bench, wasm);
    };
    writeProblem(folder, bench, { twoBiases: await result(false), oneBias: await result(true) });
  }
}

/** Runs a process that measures cases, and answers the nanoseconds of each. */
async function measureIn(
  file: string,
  order: Order,
): Promise<{ version: string; share: number; times: Map<string, number> }> {
  const times = new Map<string, number>();
  let version = "";
  let share = 1;
  const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
  const command = file.endsWith(".py")
    ? [findPython() as string, here(file), JSON.stringify({ ...order, cases: order.cases.map(caseOf) })]
    : [process.execPath, here("child.ts"), file, JSON.stringify(order)];
  await runLines(command, (text) => {
    // Some peers have something to say on the same channel.
    if (!text.startsWith("{")) return;
    const line = JSON.parse(text) as Line;
    if ("version" in line) version = line.version;
    else if ("share" in line) share = line.share;
    else times.set(line.name, line.ns);
  });
  return { version, share, times };
}

export async function measurePeer(
  peer: string,
  { file, cases }: PeerEntry,
  { rounds, only }: { rounds: number; only?: readonly string[] | undefined },
): Promise<PeerResult> {
  const chosen = cases.filter((name) => !only || only.includes(name));
  const folder = mkdtempSync(join(tmpdir(), "lstm-wasm-peers-"));
  const times = new Map(chosen.map((name) => [name, { peer: [], strict: [], relaxed: [] } as Record<Who, number[]>]));
  let version = "";
  let share = 1;
  try {
    await writeProblems(folder, chosen);
    for (let round = 0; round < rounds; round++) {
      const isQuick = (name: string) => round === 0 || (times.get(name)?.peer[0] as number) < SLOW;
      const names = chosen.filter(isQuick);
      if (names.length === 0) break;
      for (const [who, ran] of [...Object.entries(OURS), ["peer", file]] as [Who, string][]) {
        const budgets = who === "peer" ? PEER_BUDGETS : OUR_BUDGETS;
        const measured = await measureIn(ran, { folder, cases: names, ...budgets });
        share = Math.min(share, measured.share);
        if (who === "peer") version = measured.version;
        for (const [name, ns] of measured.times) times.get(name)?.[who].push(ns);
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  const rows = [...times].map(([name, { peer: theirs, strict, relaxed }]): PeerRow => {
    const build = (ours: number[]) => ({ ns: median(ours), ratio: pairedRatio(ours, theirs) });
    return { name, ns: median(theirs), strict: build(strict), relaxed: build(relaxed), rounds: theirs.length };
  });
  return { ...setting(), share, peer, version, rows };
}
