// `npm run size`: bytes of what a user downloads: the kernels, and bundles of the two usual imports.
import { readFileSync } from "node:fs";
import { brotliCompressSync } from "node:zlib";
import { build } from "esbuild";

/** What each bundle takes from the package. */
const BUNDLES = {
  "inference: load, LSTM": `export { load, LSTM } from "./dist/entries/default.js";`,
  everything: `export * from "./dist/entries/default.js";`,
};

const row = (name: string, raw: number, compressed: number) =>
  console.log(
    `${name.padEnd(26)}${raw.toLocaleString("en").padStart(10)}${compressed.toLocaleString("en").padStart(10)}`,
  );

console.log(`${"bytes".padEnd(26)}${"raw".padStart(10)}${"brotli".padStart(10)}`);
for (const file of ["core.wasm", "core.relaxed.wasm"]) {
  const bytes = readFileSync(`dist/${file}`);
  row(file, bytes.length, brotliCompressSync(bytes).length);
}
for (const [name, contents] of Object.entries(BUNDLES)) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: "." },
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
  });
  const bytes = outputFiles[0]?.contents as Uint8Array;
  row(name, bytes.length, brotliCompressSync(bytes).length);
}
