// Engines that run the bundled suite. None but the own Node comes with `npm ci`: `npm run bench:engines` fetches the others.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

interface Kind {
  /** The npm package it comes in, with a version. */
  readonly package: string;
  /** The executable within node_modules, or how to find it elsewhere. */
  readonly file: string;
  /** Whether it lacks relaxed SIMD. */
  readonly strictOnly?: boolean;
  /** Arguments before the script's. */
  readonly args?: readonly string[];
}

const exe = process.platform === "win32" ? ".exe" : "";
const node = (major: number): Kind => ({ package: `node@${major}`, file: `node/bin/node${exe}` });

export const ENGINES: Readonly<Record<string, Kind>> = {
  node20: { ...node(20), strictOnly: true },
  node22: node(22),
  node24: node(24),
  node26: node(26),
  bun: { package: "bun@1.4.5", file: "bun/bin/bun.exe" },
  deno: { package: "deno@2.9.6", file: `deno/deno${exe}`, args: ["run", "--quiet", "--allow-read"] },
  chromium: { package: "playwright-core@1.65.1", file: "playwright-core/index.mjs" },
};
/** The engine that the project is pinned to. */
export const OWN = "node24";
export type EngineName = keyof typeof ENGINES & string;

export const folderOf = (name: string) => fileURLToPath(new URL(`engines/${name}/`, import.meta.url));

/** Where a browser is looked for; CHROMIUM names another one. */
const browser = () =>
  [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/google-chrome"].find((file) => file && existsSync(file));

function kindOf(name: string): Kind {
  const kind = ENGINES[name];
  if (!kind) throw new Error(`--engine: expected one of ${Object.keys(ENGINES).join(", ")}, got ${name}`);
  return kind;
}

/** Why an engine cannot run a build, in a sentence, or null. */
export function missing(name: string, build?: string): string | null {
  const { file, strictOnly } = kindOf(name);
  if (strictOnly && build === "relaxed") return `${name}: expected an engine with relaxed SIMD, got one without it`;
  if (name === OWN) return null;
  if (!existsSync(`${folderOf(name)}node_modules/${file}`))
    return `${name}: expected it in bench/engines, got nothing there; npm run bench:engines -- ${name} fetches it`;
  if (name === "chromium" && !browser())
    return "chromium: expected a Chromium on this machine, got none; CHROMIUM=FILE names one";
  return null;
}

/** Fetches an engine from the npm registry into a folder of its own. */
export function fetchEngine(name: string): void {
  const kind = kindOf(name);
  if (name === OWN) return;
  const folder = folderOf(name);
  mkdirSync(folder, { recursive: true });
  const allowed = kind.package.slice(0, kind.package.lastIndexOf("@"));
  writeFileSync(`${folder}package.json`, JSON.stringify({ private: true, allowScripts: { [allowed]: true } }));
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  execFileSync(npm, ["install", "--prefix", folder, "--no-audit", "--no-fund", kind.package], { stdio: "inherit" });
}

/** Engine and version in words. */
export function versionOf(name: string): string {
  if (name === "chromium") {
    const [version] = /[\d.]{5,}/.exec(execFileSync(browser() as string, ["--version"], { encoding: "utf8" })) ?? [""];
    return `Chromium ${version}`;
  }
  const file = executable(name);
  const text = execFileSync(file, ["--version"], { encoding: "utf8" });
  if (name === "bun") return `Bun ${text.trim()}`;
  if (name === "deno") return text.replace(/^deno ([\d.]+)[\s\S]*v8 ([\d.]+)[\s\S]*/, "Deno $1 (V8 $2)");
  const v8 = execFileSync(file, ["-p", "process.versions.v8"], { encoding: "utf8" });
  return `Node ${text.trim().slice(1)} (V8 ${v8.trim()})`;
}

const executable = (name: string) =>
  name === OWN ? process.execPath : `${folderOf(name)}node_modules/${kindOf(name).file}`;

/** Runs a script in an engine, and hands over its lines. */
export async function runScript(
  name: string,
  script: string,
  argument: string,
  onLine: (line: string) => void,
): Promise<void> {
  const why = missing(name);
  if (why) throw new Error(why);
  const command =
    name === "chromium"
      ? [
          process.execPath,
          fileURLToPath(new URL("chromium.ts", import.meta.url)),
          browser() as string,
          script,
          argument,
        ]
      : [executable(name), ...(kindOf(name).args ?? []), script, argument];
  await runLines(command, onLine);
}

/** Runs a command and hands over the lines of its output; throws what it complained of when it fails. */
export async function runLines([file = "", ...args]: readonly string[], onLine: (line: string) => void): Promise<void> {
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "close");
  let complaints = "";
  child.stderr.on("data", (chunk) => {
    complaints += chunk;
  });
  for await (const line of createInterface({ input: child.stdout })) onLine(line);
  const [code] = await ended;
  if (code !== 0) throw new Error(`${file}: expected it to end well, got exit status ${code}\n${complaints.trim()}`);
}
