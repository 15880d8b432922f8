// What a row of the table is, and what rows need: the packed package in a fresh project, and processes.
import { type ExecFileException, execFile, execFileSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** One engine with one entry of the package. Files in rows/ export a list of them by default. */
export interface Row {
  readonly engine: string;
  readonly entry: string;
  /**
   * Whose digest: that of the script on the strict kernels, which must be the recorded one (the default); on the relaxed ones, which
   * may have bits of their own; or one of the row's own, which checks itself.
   */
  readonly build?: "strict" | "relaxed" | "own";
  /** What is not there, if the row cannot run for want of it. Such a row has not passed. */
  missing?(): string | undefined;
  /** Installs the tarball, runs the script, and answers its digest, and the ms that it took from outside. Rejects if it failed. */
  run(tarball: string): Promise<{ readonly hash: string; readonly ms: number }>;
}

export const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
export const root: string = here("../..");

/** The environment without what `npm run` adds, which would tell a second npm to work in this project. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));

export function npm(folder: string, ...args: string[]): string {
  return execFileSync("npm", [...args, "--no-audit", "--no-fund"], { cwd: folder, encoding: "utf8", env });
}

const folders: string[] = [];
process.once("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const temporary = (name: string): string => {
  const folder = mkdtempSync(join(tmpdir(), `lstm-wasm-${name}-`));
  folders.push(folder);
  return folder;
};

/** Packs dist/ as it stands; answers the tarball. */
export function pack(): string {
  const folder = temporary("pack");
  return join(folder, npm(root, "pack", "--silent", "--ignore-scripts", "--pack-destination", folder).trim());
}

const installed = new Map<string, string>();

/** A fresh project with nothing but the tarball installed, the script, and these files. */
export function createProject(tarball: string, files: Readonly<Record<string, string>>): string {
  let first = installed.get(tarball);
  if (first === undefined) {
    first = temporary("installed");
    writeFileSync(join(first, "package.json"), `${JSON.stringify({ private: true, type: "module" })}\n`);
    npm(first, "install", "--silent", "--offline", "--ignore-scripts", tarball);
    installed.set(tarball, first);
  }
  const folder = temporary("project");
  cpSync(first, folder, { recursive: true });
  copyFileSync(here("script.mjs"), join(folder, "script.mjs"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

/** Runs a program to its end; answers what it printed, and the ms it took. Rejects with what it said when it fails. */
export function execute(
  file: string,
  args: readonly string[],
  folder: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<{ stdout: string; stderr: string; ms: number }> {
  const start = performance.now();
  const options = { cwd: folder, env: { ...env, NO_COLOR: "1", ...variables }, timeout: 240_000 };
  return new Promise((resolve, reject) => {
    execFile(file, args, options, (error: ExecFileException | null, stdout, stderr) => {
      if (error) reject(new Error(stderr.trim() || stdout.trim() || error.message));
      else resolve({ stdout, stderr, ms: performance.now() - start });
    });
  });
}

/** The one digest in what a program printed. */
export function digestIn(text: string): string {
  const digests = text.match(/\b[0-9a-f]{64}\b/g);
  if (digests?.length !== 1) throw new Error(`expected one digest, got ${JSON.stringify(text)}`);
  return digests[0] as string;
}

/** A program of an engine that test/platform/package.json brings. */
export const engine = (path: string): string => here(`node_modules/${path}`);

/** For `missing`: whether an engine's program is there. */
export const whereIs = (path: string) => (): string | undefined =>
  existsSync(path) ? undefined : `no ${path.slice(here("node_modules/").length)}`;

/** Imports of everything as `api`, with `load` from one entry: a name, or the path of the default one's file. */
export const importApi = (entry: string): string => {
  const from = (part: string) => (entry.endsWith(".js") ? entry.replace("default", part) : `lstm-wasm/${part}`);
  return `import * as core from "${entry}";
import * as io from "${from("io")}";
import * as train from "${from("train")}";
const api = { ...core, ...io, ...train };
`;
};

/** A main file that runs the script on an entry. */
export const main = (entry: string, source = ""): string =>
  `${importApi(entry)}import { run } from "./script.mjs";\nconsole.log(await run(api${source && `, ${source}`}));\n`;

/** The same by `require`. */
export const mainCjs = (entry: string): string =>
  `const api = { ...require("${entry}"), ...require("lstm-wasm/io"), ...require("lstm-wasm/train") };
import("./script.mjs").then(({ run }) => run(api)).then(console.log);
`;
