// Builds the package: assembly/ → build/*.wasm → bindings/generated/ → dist/. One step per line at the end. With --if-changed
// only where something that it reads has changed since the last time.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { posix, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);

/** Digest of all that the build reads: sources, settings, and which tools are installed. */
function digestOfSources() {
  const list = (folder, recursive) => readdirSync(folder, { recursive }).map((name) => `${folder}/${name}`);
  const folders = [...list("assembly", true), ...list("bindings", true), ...list("bench"), ...list("bench/assembly")];
  const settings = [...list("."), "node_modules/.package-lock.json"].filter((path) => path.endsWith(".json"));
  const hash = createHash("sha256");
  for (const path of [...folders, ...settings].map((path) => path.replaceAll("\\", "/")).sort())
    if (/\.(ts|mjs|json|csv)$/.test(path) && !path.startsWith("bindings/generated/"))
      hash.update(`${path} `).update(createHash("sha256").update(readFileSync(path)).digest());
  return hash.digest("hex");
}

/** Runs a tool of node_modules/.bin and stops the build when it fails. */
function run(tool, ...args) {
  const { status } = spawnSync(`node_modules/.bin/${tool}`, args, {
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (status !== 0) process.exit(status ?? 1);
}

/**
 * Marks the modules: the custom section "lstm-wasm" holds the package's version with a digest of the strict kernels, and the
 * build's name. The bindings refuse a module of another mark. Answers the first half.
 */
function mark() {
  const { version } = JSON.parse(readFileSync("package.json", "utf8"));
  const digest = createHash("sha256").update(readFileSync("build/core.wasm")).digest("hex");
  const id = `${version}+${digest.slice(0, 8)}`;
  for (const [file, build] of Object.entries({ core: "strict", "core.relaxed": "relaxed", "core.debug": "debug" })) {
    const content = Buffer.from(`\x09lstm-wasm${id} ${build}`);
    if (content.length > 127) throw new Error(`version: expected less than 128 bytes of mark, got ${content.length}`);
    const section = Buffer.from([0, content.length, ...content]);
    writeFileSync(`build/${file}.wasm`, Buffer.concat([readFileSync(`build/${file}.wasm`), section]));
  }
  return id;
}

/** The ABI as a TypeScript interface, from the declarations the compiler writes, and the mark of its modules. */
function writeAbi(id) {
  const declarations = readFileSync("build/core.d.ts", "utf8");
  const body = declarations.slice(declarations.indexOf("{") + 1, declarations.indexOf("\n}"));
  const members = body.replaceAll("export const memory", "readonly memory").replaceAll("export function ", "");
  writeFileSync(
    "bindings/generated/abi.ts",
    `// Written by bindings/build.mjs.\nexport interface Abi {${members}\n}\nexport const MODULE_ID: string = "${id}";\n`,
  );
}

/** The names of the kernels' Sequence, in order, a dot before those of floats: every field is one 4-byte word. */
function writeSequence() {
  const source = readFileSync("assembly/sequence.ts", "utf8");
  const fields = [...source.matchAll(/^ {2}(\w+): (i32|usize|f32);/gm)];
  const text = `// Written by bindings/build.mjs.
export type SequenceField = "${fields.map(([, name]) => name).join('" | "')}";
export const SEQUENCE_FIELDS: readonly string[] = "${fields.map(([, name, type]) => (type === "f32" ? `.${name}` : name)).join(" ")}".split(" ");
`;
  writeFileSync("bindings/generated/sequence.ts", text);
}

/**
 * A module as text. Compressors see bytes, so every byte keeps a boundary of its own (base64 costs brotli 40 %): taken from 82,
 * which puts the frequent ones first, one below 88 is one of the 91 characters from # to ~ without \\, another one two.
 * assembly/unpack.ts is the way back.
 */
function embed(name) {
  const digit = (value) => String.fromCharCode(value < 57 ? value + 35 : value + 36);
  let text = "";
  for (const byte of readFileSync(`build/${name}.wasm`)) {
    const value = (82 - byte) & 255;
    const rest = value - 88;
    text += rest < 0 ? digit(value) : digit(88 + Math.floor(rest / 91)) + digit(rest % 91);
  }
  if (text.length > 2 * 65536) throw new Error(`${name}: expected to fit in the 2 pages of unpack.wasm`);
  writeFileSync(
    `bindings/generated/${name}.ts`,
    `// Written by bindings/build.mjs.\nexport const text: string =\n  "${text}";\n`,
  );
}

/** The decoder of such text, small enough for a text with a character for each byte. */
function writeUnpack() {
  const character = (byte) => `\\x${byte.toString(16).padStart(2, "0")}`;
  const text = [...readFileSync("build/unpack.wasm")].map(character).join("");
  writeFileSync(
    "bindings/generated/unpack.ts",
    `// Written by bindings/build.mjs.\nexport const unpackModule: string =\n  "${text}";\n`,
  );
}

/** The entry that a file of dist/ goes into. */
function entryOf(path) {
  const folder = path.split("/")[1];
  if (folder === "flow") return "dist/flow/index.js";
  if (path === "dist/generated/core.relaxed.js") return "dist/entries/relaxed.js";
  return folder === "train" || folder === "io" ? `dist/entries/${folder}.js` : DEFAULT_ENTRY;
}

const DEFAULT_ENTRY = "dist/entries/default.js";

/**
 * Every entry becomes one file, because every file that Node opens delays the first step. What another one holds it takes from
 * there: there is one of each class.
 */
async function bundleEntries() {
  const { exports } = JSON.parse(readFileSync("package.json", "utf8"));
  const paths = Object.values(exports).flatMap((target) => (typeof target === "string" ? [] : Object.values(target)));
  const entries = new Set(paths.filter((path) => path.endsWith(".js")).map((path) => path.slice(2)));
  const bundles = new Map();
  for (const entry of entries) {
    const elsewhere = {
      name: "elsewhere",
      setup: ({ onResolve }) =>
        onResolve({ filter: /^\./ }, ({ path, importer, kind }) => {
          const file = posix.join(posix.dirname(relative(root, importer).replaceAll("\\", "/")), path);
          if (/\.wasm/.test(file)) return { path, external: true };
          const owner = entryOf(file);
          if (kind === "entry-point" || owner === entry) return undefined;
          const there = posix.relative(posix.dirname(entry), owner);
          return { path: there.startsWith(".") ? there : `./${there}`, external: true };
        }),
    };
    const { outputFiles } = await build({
      entryPoints: [entry],
      bundle: true,
      format: "esm",
      target: "es2022",
      external: ["node:*"],
      write: false,
      plugins: [elsewhere],
    });
    bundles.set(entry, outputFiles[0].text);
  }
  // Every character that Node parses delays the first step, too: no blanks. Names of classes, functions and methods stay, for
  // stack traces: without its exports the bundle is a script, whose outermost names are left alone.
  const bundle = bundles.get(DEFAULT_ENTRY);
  const end = bundle.lastIndexOf("export {");
  const { code } = await transform(bundle.slice(0, end), { minify: true, target: "es2022" });
  bundles.set(DEFAULT_ENTRY, `${code.trimEnd()}${bundle.slice(end)}`);
  for (const path of readdirSync("dist", { recursive: true })) if (path.endsWith(".js")) rmSync(`dist/${path}`);
  for (const [entry, text] of bundles) writeFileSync(entry, text);
}

const [digest, digestFile] = [digestOfSources(), "build/digest"];
if (process.argv.includes("--if-changed")) {
  const built = ["dist/cli/main.js", "bindings/generated/abi.ts", digestFile].every((path) => existsSync(path));
  if (built && readFileSync(digestFile, "utf8") === digest) process.exit();
  console.error("Building (about half a minute) …");
}
for (const folder of ["build", "bindings/generated"]) rmSync(folder, { recursive: true, force: true });
mkdirSync("bindings/generated", { recursive: true });
for (const target of ["debug", "release", "relaxed"]) run("asc", "--target", target);
run("asc", "--config", "assembly/unpack.asconfig.json");
for (const target of ["strict", "relaxed"]) run("asc", "--config", "bench/assembly/asconfig.json", "--target", target);
writeAbi(mark());
writeSequence();
for (const name of ["core", "core.relaxed"]) embed(name);
writeUnpack();
if (!process.argv.includes("--kernels")) {
  rmSync("dist", { recursive: true, force: true });
  for (const config of ["tsconfig.build.json", "tsconfig.node.json"]) run("tsc", "-p", config);
  for (const name of ["core", "core.relaxed"]) copyFileSync(`build/${name}.wasm`, `dist/${name}.wasm`);
  await bundleEntries();
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
  writeFileSync(digestFile, digest);
}
