// Measurements that `bench:gate` and `bench:docs` are put together from. Each is a command of its own that takes a minute
// or two, and is kept until the kernels change: what was stopped goes on from there.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ENGINES, missing, OWN } from "./engines.ts";
import type { Build } from "./kernels.ts";
import type { PeerResult } from "./peers/measure.ts";
import { missingPeer, PEERS, type PeerName } from "./peers/peers.ts";
import type { Profile } from "./profile.ts";
import { keep, kept, type SuiteResult, unrest } from "./results.ts";

export interface PartOptions {
  /** A command to measure under, such as `taskset -c 1`. */
  readonly under: readonly string[];
  /** Measure anew what is kept. */
  readonly fresh: boolean;
}

/** Cases that other engines run. */
const ENGINE_CASES = "S1_H64,S1_H128,S2,S3,T1,T3";

/** Runs a script of this folder for the JSON that it writes. */
function run(script: string, args: readonly string[], { under }: PartOptions): unknown {
  const folder = mkdtempSync(join(tmpdir(), "lstm-wasm-part-"));
  const json = join(folder, "result.json");
  const path = fileURLToPath(new URL(script, import.meta.url));
  const [file = "", ...rest] = [...under, process.execPath, path, ...args, "--json", json];
  try {
    execFileSync(file, rest, { stdio: "inherit" });
    return JSON.parse(readFileSync(json, "utf8"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function part<Result extends SuiteResult | PeerResult | Profile>(
  name: string,
  options: PartOptions,
  measure: () => Result,
): Result {
  const known = options.fresh ? null : kept<Result>(name);
  if (known) return known;
  console.log(`\n# ${name}`);
  const result = measure();
  // What a busy machine spoiled is measured again the next time.
  if (!unrest(result)) keep(name, result);
  return result;
}

export const suitePart = (build: Build, options: PartOptions): SuiteResult =>
  part(build, options, () => run("run.ts", build === "relaxed" ? ["--relaxed"] : [], options) as SuiteResult);

export const curvesPart = (options: PartOptions): SuiteResult =>
  part("curves", options, () => run("run.ts", ["--curves"], options) as SuiteResult);

export const profilePart = (options: PartOptions): Profile =>
  part("profile", options, () => run("profile.ts", [], options) as Profile);

/** Both builds in every engine that is here; why the others are left out. */
export function engineParts(options: PartOptions): { results: SuiteResult[]; skipped: string[] } {
  const skipped: string[] = [];
  const results = Object.keys(ENGINES).flatMap((engine) => {
    return (["strict", "relaxed"] as const).flatMap((build) => {
      const why = missing(engine, build);
      if (why && !skipped.includes(why)) skipped.push(why);
      if (why) return [];
      const args = [
        "--engine",
        engine,
        "--cases",
        ENGINE_CASES,
        "--parts",
        "cases",
        ...(engine === OWN ? [] : ["--no-rival"]),
      ];
      try {
        return part(
          `engine-${engine}-${build}`,
          options,
          () => run("run.ts", build === "relaxed" ? [...args, "--relaxed"] : args, options) as SuiteResult,
        );
      } catch {
        process.exitCode = 1;
        skipped.push(`${engine}: expected it to run the ${build} build, got the error above`);
        return [];
      }
    });
  });
  return { results, skipped };
}

/** Every peer that is here; why the others are left out. */
export function peerParts(
  options: PartOptions,
  names = Object.keys(PEERS) as PeerName[],
): { results: PeerResult[]; skipped: string[] } {
  const skipped: string[] = [];
  const results = names.flatMap((name) => {
    const why = missingPeer(name);
    if (why) skipped.push(why);
    if (why) return [];
    try {
      return part(`peers-${name}`, options, () => (run("peers/run.ts", ["--peers", name], options) as [PeerResult])[0]);
    } catch {
      process.exitCode = 1;
      skipped.push(`${PEERS[name].title}: expected it to be measured, got the error above`);
      return [];
    }
  });
  return { results, skipped };
}
