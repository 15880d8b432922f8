// `npm run size`: bytes of what a user downloads, against what they may be: the kernels, and bundles of the usual imports.
import { readFileSync } from "node:fs";
import { brotliCompressSync } from "node:zlib";
import { build } from "esbuild";

/** What a bundler makes of an import of the built package. */
async function bundle(contents: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: "." },
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
    tsconfigRaw: {},
    external: ["*.wasm"],
  });
  return outputFiles[0]?.contents as Uint8Array;
}

const KB = 1024;
const kernels = readFileSync("dist/core.wasm");
const training = 'export * from "lstm-wasm/io"; export * from "lstm-wasm/train";';
const inference = `{ load, LSTM, Stream } from "lstm-wasm`;

/** Each with the bytes it may have, raw or after brotli. */
const SUBJECTS: readonly { name: string; bytes: Uint8Array; raw?: number; brotli?: number }[] = [
  { name: "core.wasm", bytes: kernels, raw: 40 * KB },
  { name: "core.relaxed.wasm", bytes: readFileSync("dist/core.relaxed.wasm") },
  { name: "inference: load, LSTM, Stream", bytes: await bundle(`export ${inference}"`), brotli: 24 * KB },
  { name: "… its JavaScript alone", bytes: await bundle(`export ${inference}/workerd"`) },
  { name: "everything", bytes: await bundle(`${training} export * from "lstm-wasm"`), brotli: 40 * KB },
  { name: "… its JavaScript alone", bytes: await bundle(`${training} export * from "lstm-wasm/workerd"`) },
];

const row = (name: string, ...columns: string[]) =>
  console.log(name.padEnd(31) + columns.map((text) => text.padStart(12)).join(""));
const number = (n?: number) => n?.toLocaleString("en") ?? "";

let over = false;
row("bytes", "raw", "may be", "brotli", "may be");
for (const { name, bytes, raw, brotli } of SUBJECTS) {
  const compressed = brotliCompressSync(bytes).length;
  row(name, number(bytes.length), number(raw), number(compressed), number(brotli));
  const excess = Math.max(bytes.length - (raw ?? bytes.length), compressed - (brotli ?? compressed));
  if (excess > 0) {
    over = true;
    console.log(`  ${number(excess)} bytes too many`);
  }
}
process.exitCode = over ? 1 : 0;
