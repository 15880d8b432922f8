// Builds the package: assembly/ → build/*.wasm → bindings/generated/ → dist/. One step per line at the end.

import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);

/** Runs a tool of node_modules/.bin and stops the build when it fails. */
function run(tool, ...args) {
  const { status } = spawnSync(`node_modules/.bin/${tool}`, args, {
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (status !== 0) process.exit(status ?? 1);
}

/** The ABI as a TypeScript interface, from the declarations the compiler writes. */
function writeAbi() {
  const declarations = readFileSync("build/core.d.ts", "utf8");
  const body = declarations.slice(declarations.indexOf("{") + 1, declarations.indexOf("\n}"));
  const members = body.replaceAll("export const memory", "readonly memory").replaceAll("export function ", "");
  writeFileSync(
    "bindings/generated/abi.ts",
    `// Written by bindings/build.mjs.\nexport interface Abi {${members}\n}\n`,
  );
}

/** The names of the kernels' Sequence, in order: every field is one 4-byte word, some of them floats. */
function writeSequence() {
  const source = readFileSync("assembly/sequence.ts", "utf8");
  const fields = [...source.matchAll(/^ {2}(\w+): (i32|usize|f32);/gm)];
  const names = (list) => list.map(([, name]) => `"${name}"`).join(", ");
  const text = `// Written by bindings/build.mjs.
export const SEQUENCE_FIELDS = [${names(fields)}] as const;
export type SequenceField = (typeof SEQUENCE_FIELDS)[number];
export const SEQUENCE_FLOATS: readonly SequenceField[] = [${names(fields.filter(([, , type]) => type === "f32"))}];
`;
  writeFileSync("bindings/generated/sequence.ts", text);
}

/** The strict module as text, so that the default entry needs no file system and no fetch. */
function embed() {
  const base64 = readFileSync("build/core.wasm").toString("base64");
  writeFileSync(
    "bindings/generated/module.ts",
    `// Written by bindings/build.mjs.\nexport const base64 = "${base64}";\n`,
  );
}

rmSync("build", { recursive: true, force: true });
mkdirSync("bindings/generated", { recursive: true });
for (const target of ["debug", "release", "relaxed"]) run("asc", "--target", target);
for (const target of ["strict", "relaxed"]) run("asc", "--config", "bench/assembly/asconfig.json", "--target", target);
writeAbi();
writeSequence();
embed();
if (!process.argv.includes("--kernels")) {
  rmSync("dist", { recursive: true, force: true });
  for (const config of ["tsconfig.build.json", "tsconfig.node.json"]) run("tsc", "-p", config);
  for (const name of ["core", "core.relaxed"]) copyFileSync(`build/${name}.wasm`, `dist/${name}.wasm`);
  run(
    "esbuild",
    "bindings/cli/main.ts",
    "--bundle",
    "--splitting",
    "--format=esm",
    "--platform=node",
    "--target=node20",
    "--external:lstm-wasm",
    "--banner:js=import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    "--outdir=dist/cli",
    "--loader:.csv=text",
    "--loader:.wasm=binary",
    "--log-level=warning",
  );
}
