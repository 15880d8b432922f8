// `npm run conformance -- DIR...`: every case of any folder of goldens, through the public API, in the strict and the
// relaxed build. A folder holds a cases.json (recurrent layers, training runs, or cross-entropy), an ONNX node test, or more
// such folders.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { type Core, loadSync } from "lstm-wasm";
import {
  compareAnswers,
  readJson,
  readTensors,
  type TorchCase,
  type TrainingCase,
  type XentCase,
} from "./support/cases.ts";
import type { Difference } from "./support/compare.ts";
import { runOnnx } from "./support/onnx.ts";
import { runKernels } from "./support/torch.ts";
import { runTraining } from "./support/training.ts";
import { runXent } from "./support/xent.ts";

const BUILDS = { strict: "core", relaxed: "core.relaxed" } as const;
type Build = keyof typeof BUILDS;

interface Case {
  readonly id: string;
  run(core: Core): Difference[];
}

interface Outcome {
  readonly folder: string;
  readonly id: string;
  readonly build: Build;
  readonly differences: readonly Difference[];
  /** What kept it from running. */
  readonly error?: string;
}

const runTorch = (core: Core, c: TorchCase, folder: URL): Difference[] =>
  compareAnswers(runKernels(core, c, folder), c.expected, readTensors(new URL(c.file, folder)), c.tolerance);

/** The cases of a folder. */
function findCases(name: string): Case[] {
  const folder = pathToFileURL(`${resolve(name)}/`);
  const list = new URL("cases.json", folder);
  if (existsSync(list)) {
    const { cases } = readJson(list);
    if (!Array.isArray(cases)) throw new Error(`${name}/cases.json: expected a list of cases, got ${typeof cases}`);
    return (cases as (TorchCase | TrainingCase | XentCase)[]).map((c) => ({
      id: c.id,
      run: (core) => {
        if ("op" in c) return runTorch(core, c, folder);
        if ("optimizer" in c) return runTraining(core, c, folder);
        if ("classes" in c) return runXent(core, c, folder);
        throw new Error("expected a case of a layer, a training run or cross-entropy, got one of another kind");
      },
    }));
  }
  if (existsSync(new URL("model.onnx", folder)))
    return [{ id: basename(resolve(name)), run: (core) => runOnnx(core, folder) }];
  const inner = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : [];
  return inner.flatMap((entry) => (entry.isDirectory() ? findCases(join(name, entry.name)) : []));
}

function runCase(folder: string, { id, run }: Case, build: Build, core: Core): Outcome {
  try {
    const differences = run(core);
    if (differences.length === 0) throw new Error("expected something to compare, got nothing");
    return { folder, id, build, differences };
  } catch (error) {
    return { folder, id, build, differences: [], error: (error as Error).message };
  }
}

const worstOf = ({ differences }: Outcome): Difference | undefined =>
  differences.reduce<Difference | undefined>(
    (a, b) => (a && !(b.ratio > a.ratio) && !Number.isNaN(b.ratio) ? a : b),
    undefined,
  );

const passes = (outcome: Outcome): boolean =>
  outcome.differences.length > 0 && outcome.differences.every(({ ratio }) => ratio <= 1);

const { values: options, positionals: folders } = parseArgs({
  allowPositionals: true,
  options: { verbose: { type: "boolean", default: false }, json: { type: "boolean", default: false } },
});
if (folders.length === 0) {
  console.error("usage: npm run conformance -- [--verbose] [--json] DIR...");
  process.exit(2);
}

const outcomes: Outcome[] = [];
const print = (line: string) => {
  if (!options.json) console.log(line);
};
for (const folder of folders) {
  let cases: Case[];
  try {
    cases = findCases(folder);
    if (cases.length === 0)
      throw new Error(`${folder}: expected cases.json, model.onnx, or folders with one of them, got none`);
  } catch (error) {
    console.error(`conformance: ${(error as Error).message}`);
    process.exit(2);
  }
  for (const build of Object.keys(BUILDS) as Build[]) {
    const core = loadSync(new Uint8Array(readFileSync(new URL(`../build/${BUILDS[build]}.wasm`, import.meta.url))), {
      poison: true,
    });
    for (const one of cases) {
      const outcome = runCase(folder, one, build, core);
      outcomes.push(outcome);
      const worst = worstOf(outcome);
      const detail = worst
        ? `${worst.ratio.toFixed(3).padStart(9)} of atol  ${worst.name}`
        : `          ${outcome.error}`;
      print(`${passes(outcome) ? "pass" : "FAIL"}  ${build.padEnd(8)}${one.id.padEnd(30)}${detail}`);
      if (options.verbose)
        for (const { ratio, text } of outcome.differences) print(`      ${ratio <= 1 ? " " : "✗"} ${text}`);
    }
  }
}

const failed = outcomes.filter((outcome) => !passes(outcome));
print(
  `\n${"folder".padEnd(40)}${"build".padEnd(10)}${"passed".padStart(8)}${"failed".padStart(8)}${"worst".padStart(10)}`,
);
for (const folder of folders) {
  for (const build of Object.keys(BUILDS) as Build[]) {
    const some = outcomes.filter((outcome) => outcome.folder === folder && outcome.build === build);
    const worst = Math.max(0, ...some.flatMap(({ differences }) => differences.map(({ ratio }) => ratio)));
    const passed = some.filter(passes).length;
    print(
      `${folder.slice(-39).padEnd(40)}${build.padEnd(10)}${String(passed).padStart(8)}${String(some.length - passed).padStart(8)}${worst.toFixed(3).padStart(10)}`,
    );
  }
}
if (options.json)
  console.log(
    JSON.stringify(
      outcomes.map((outcome) => ({ ...outcome, passed: passes(outcome) })),
      null,
      1,
    ),
  );
print(`\n${outcomes.length - failed.length} passed, ${failed.length} failed`);
process.exitCode = failed.length > 0 ? 1 : 0;
