// Where the time of batched work goes: V8's profiler samples the kernels, whose functions are sorted by what they are for.
import { readFileSync, writeFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { loadSync } from "lstm-wasm";
import { loadSync as loadRelaxed } from "lstm-wasm/relaxed";
import { type BenchCase, CASES } from "./cases.ts";
import type { Build } from "./kernels.ts";
import { createProblem } from "./problem.ts";
import { type Measured, setting } from "./results.ts";
import { watchProcessor } from "./timing.ts";
import { createWasm } from "./wasm.ts";

/** What functions are for, by their names in the text of the module; the first that fits. */
const PURPOSES = {
  products: /math\/gemm\/(?!pack|columnSums)/,
  packing: /math\/gemm\/pack|recurrentPack/,
  activations: /math\/activation/,
  "cell and loop": /cells\/|layers\/recurrent/,
  "sums, optimiser, head": /math\/|train\/|layers\//,
} as const;
/** Behind those: whatever is not of the kernels. */
const OUTSIDE = "JavaScript, engine";
export const COLUMNS: readonly string[] = [...Object.keys(PURPOSES), OUTSIDE];

export interface ProfileRow {
  readonly name: string;
  readonly build: Build;
  /** Shares of the time, in the order of COLUMNS. */
  readonly shares: readonly number[];
}

export interface Profile extends Measured {
  readonly rows: readonly ProfileRow[];
}

const MICROSECONDS = 200;
const SECONDS = 4;

/** Names of the functions of a module, in order: it imports none. */
function functionNames(build: Build): string[] {
  const file = build === "strict" ? "core.wat" : "core.relaxed.wat";
  const text = readFileSync(fileURLToPath(new URL(`../build/${file}`, import.meta.url)), "utf8");
  return [...text.matchAll(/^ \(func \$(\S+)/gm)].map(([, name]) => name as string);
}

async function profile(bench: BenchCase, build: Build): Promise<ProfileRow> {
  const core = build === "strict" ? loadSync() : loadRelaxed();
  using wasm = createWasm(core, bench, createProblem(bench));
  // Calls, so that the optimised code is there.
  for (const end = performance.now() + 1000; performance.now() < end; ) await wasm.run();
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: MICROSECONDS });
  await session.post("Profiler.start");
  for (const end = performance.now() + 1000 * SECONDS; performance.now() < end; ) await wasm.run();
  const { nodes, samples = [], timeDeltas = [] } = (await session.post("Profiler.stop")).profile;
  session.disconnect();
  const names = functionNames(build);
  const columns = new Map(
    nodes.map(({ id, callFrame }) => {
      const [, index] = /^wasm-function\[(\d+)\]/.exec(callFrame.functionName) ?? [];
      const name = index === undefined ? "" : (names[Number(index)] as string);
      const purpose = Object.values(PURPOSES).findIndex((pattern) => pattern.test(name));
      return [id, purpose < 0 ? COLUMNS.length - 1 : purpose];
    }),
  );
  const times = COLUMNS.map(() => 0);
  samples.forEach((id, k) => {
    const column = columns.get(id) as number;
    times[column] = (times[column] as number) + (timeDeltas[k] as number);
  });
  const all = times.reduce((sum, time) => sum + time, 0);
  return { name: bench.name, build, shares: times.map((time) => time / all) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { json } = new Command("profile").option("--json <file>", "write everything as JSON").parse().opts();
  const share = watchProcessor();
  const rows: ProfileRow[] = [];
  for (const bench of CASES.filter(({ B }) => B > 8))
    for (const build of ["strict", "relaxed"] as const) {
      const row = await profile(bench, build);
      rows.push(row);
      const cells = row.shares.map((value, k) => `${COLUMNS[k]} ${(100 * value).toFixed(1)} %`);
      console.log(`${row.name} ${build}: ${cells.join(", ")}`);
    }
  const result: Profile = { ...setting(), share: share(), rows };
  if (json) writeFileSync(json, `${JSON.stringify(result, null, 1)}\n`);
}
