// An empty project with the packed tarball installed, and the files that a page of it needs.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const npm = (cwd: string, ...args: string[]) => execFileSync("npm", args, { cwd, encoding: "utf8", stdio: "pipe" });

let tarball: string | undefined;

/** Packs dist/ as it stands. */
function pack(): string {
  const folder = mkdtempSync(join(tmpdir(), "lstm-wasm-pack-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const name = npm(root, "pack", "--silent", "--ignore-scripts", "--pack-destination", folder).trim();
  return join(folder, name);
}

export interface Project extends Disposable {
  readonly folder: string;
  write(path: string, text: string): void;
}

/** Files of this folder that pages import. */
const SHARED = ["../script.mjs", "report.mjs"].map((path) => fileURLToPath(new URL(path, import.meta.url)));

export function createProject(files: Readonly<Record<string, string>> = {}): Project {
  tarball ??= pack();
  const folder = mkdtempSync(join(tmpdir(), "lstm-wasm-page-"));
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  write("package.json", `${JSON.stringify({ name: "page", private: true, type: "module" })}\n`);
  npm(folder, "install", "--silent", "--no-audit", "--no-fund", "--prefer-offline", tarball);
  for (const file of SHARED) copyFileSync(file, join(folder, basename(file)));
  for (const [path, text] of Object.entries(files)) write(path, text);
  return { folder, write, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A page that runs one module script. */
export const html = (script: string, head = ""): string =>
  `<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>lstm-wasm</title>\n<link rel="icon" href="data:,">\n${head}<script type="module" src="${script}"></script>\n</html>\n`;

/** A main script that runs the shared one on the package under `specifier`. */
export const main = (
  specifier = "lstm-wasm",
  prelude = "",
  source = "",
): string => `import * as api from "${specifier}";
import { report } from "./report.mjs";
import { run } from "./script.mjs";
${prelude}
report(() => run(api${source && `, ${source}`}));
`;
