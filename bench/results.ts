// What a measurement leaves behind: rows, and what they were measured on.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem, type } from "node:os";
import type { Build } from "./kernels.ts";
import type { Row } from "./suite.ts";
import { CALM } from "./timing.ts";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly os: string;
}

/** What the figures of a result are; those of another format do not count. 2: times are medians over the rounds. */
export const FORMAT = 2;

export interface Setting {
  readonly format: number;
  readonly date: string;
  /** Short hash of the commit, "+" behind it if files differ from it. */
  readonly commit: string;
  /** SHA-256 of both modules: results of other kernels do not count. */
  readonly modules: string;
  readonly machine: Machine;
}

/** What was measured, where, and how calm the machine was. */
export interface Measured extends Setting {
  /** Share of the time in which the measuring process ran. */
  readonly share: number;
}

/** A warning, where a machine was not calm. */
export const unrest = ({ share }: Measured): string | null =>
  share < CALM
    ? `This machine was busy: what is measured ran ${(100 * share).toFixed(0)} % of the time. Measure again when it is calm.`
    : null;

export interface SuiteResult extends Measured {
  readonly engine: string;
  readonly build: Build;
  readonly rows: readonly Row[];
}

const git = (...args: string[]): string => {
  try {
    return execFileSync("git", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return "";
  }
};

export const modulesHash = (): string => {
  const hash = createHash("sha256");
  for (const name of ["core", "core.relaxed"])
    hash.update(readFileSync(new URL(`../build/${name}.wasm`, import.meta.url)));
  return hash.digest("hex").slice(0, 16);
};

/** The processor's name; Linux' own file tells more than Node where a virtual machine hides the model. */
function processor(): string {
  const name = (cpus()[0]?.model ?? "unknown").replace(/\s+/g, " ").trim();
  if (!existsSync("/proc/cpuinfo")) return name;
  const [family, model] = ["cpu family", "model"].map(
    (field) => new RegExp(`^${field}\\s*: (\\d+)`, "m").exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1],
  );
  return family ? `${name} (family ${family}, model ${model})` : name;
}

function system(): string {
  const file = "/etc/os-release";
  const [, pretty] = (existsSync(file) && /^PRETTY_NAME="(.*)"/m.exec(readFileSync(file, "utf8"))) || [];
  return pretty ?? type();
}

export function setting(): Setting {
  return {
    format: FORMAT,
    date: new Date().toISOString().slice(0, 10),
    commit: `${git("rev-parse", "--short", "HEAD") || "unknown"}${git("status", "--porcelain", "--", "assembly", "bindings", "bench/*.ts") ? "+" : ""}`,
    modules: modulesHash(),
    machine: {
      ...{ cpu: processor(), cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30) },
      os: `${system()}, ${process.arch}`,
    },
  };
}

/** Where `npm run bench:gate` and `bench:docs` keep what they measured; not under version control. */
const folder = new URL("results/", import.meta.url);

/** The kept result of a part, if it is of these kernels, and its figures are what they are now. */
export function kept<Result extends Measured>(part: string): Result | null {
  const file = new URL(`${part}.json`, folder);
  if (!existsSync(file)) return null;
  const result = JSON.parse(readFileSync(file, "utf8")) as Result;
  return result.format === FORMAT && result.modules === modulesHash() ? result : null;
}

export function keep(part: string, result: Measured): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL(`${part}.json`, folder), `${JSON.stringify(result, null, 1)}\n`);
}
