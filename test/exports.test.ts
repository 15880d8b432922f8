// The package's `exports`: which file each kind of host takes, in which order, with which types.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type BuildOptions, build } from "esbuild";
import { describe, expect, test } from "vitest";

const root = new URL("../", import.meta.url);
const { exports } = JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as {
  exports: Record<string, string | Record<string, string>>;
};
const entries = Object.entries(exports).filter(
  (entry): entry is [string, Record<string, string>] => typeof entry[1] !== "string",
);

/** The first condition that matches wins, so the narrow ones stand before those that many hosts have. */
const ORDER = ["types", "workerd", "edge-light", "worker", "browser", "node", "import", "require", "default"];

/** What all bundles here have in common. */
const COMMON = {
  bundle: true,
  write: false,
  metafile: true,
  format: "esm",
  outdir: "x",
  tsconfigRaw: {}, // The project's own maps the package's name to its sources.
  plugins: [{ name: "wasm", setup: (api) => api.onResolve({ filter: /\.wasm/ }, () => ({ external: true })) }],
} as const satisfies BuildOptions;

/** The file of the package that a bundler with these conditions takes for an import. */
async function resolve(name: string, conditions: string[], platform: "browser" | "node" | "neutral" = "neutral") {
  const { metafile } = await build({
    stdin: { contents: `export * from "${name}"`, resolveDir: root.pathname },
    ...COMMON,
    conditions,
    platform,
  });
  return metafile.inputs["<stdin>"]?.imports[0]?.path;
}

describe("exports", () => {
  test.each(entries)("%s: conditions in order, and every file is there", (_, conditions) => {
    const names = Object.keys(conditions);
    expect(names).toEqual(ORDER.filter((name) => names.includes(name)));
    expect(names[0]).toBe("types");
    expect(names.at(-1)).toBe("default");
    for (const file of Object.values(conditions)) expect(existsSync(new URL(file, root)), file).toBe(true);
  });

  test.each<[string, string[], "browser" | "node" | "neutral", string]>([
    ["lstm-wasm", [], "neutral", "default"],
    ["lstm-wasm", [], "browser", "default"],
    ["lstm-wasm", [], "node", "default"],
    ["lstm-wasm", ["deno", "node"], "neutral", "default"],
    ["lstm-wasm", ["bun", "node"], "neutral", "default"],
    ["lstm-wasm", ["workerd", "worker", "browser"], "browser", "workerd"],
    ["lstm-wasm", ["edge-light", "worker", "browser"], "browser", "edge-light"],
    ["lstm-wasm", ["worker", "browser"], "browser", "default"],
    ["lstm-wasm/relaxed", [], "browser", "relaxed"],
    ["lstm-wasm/relaxed", ["workerd", "browser"], "browser", "relaxed.workerd"],
    ["lstm-wasm/relaxed", ["edge-light", "browser"], "browser", "relaxed.edge-light"],
    ["lstm-wasm/inline", ["workerd", "browser"], "browser", "default"],
    ["lstm-wasm/workerd", [], "neutral", "workerd"],
    ["lstm-wasm/edge-light", [], "neutral", "edge-light"],
    ["lstm-wasm/io", ["workerd"], "neutral", "io"],
    ["lstm-wasm/train", ["workerd"], "neutral", "train"],
  ])("%s under %j for %s", async (name, conditions, platform, entry) => {
    expect(await resolve(name, conditions, platform)).toBe(`dist/entries/${entry}.js`);
  });

  test("every entry that loads offers the same names", async () => {
    const names = async (file: string) => {
      const { metafile } = await build({
        entryPoints: [new URL(`dist/entries/${file}.js`, root).pathname],
        ...COMMON,
      });
      return Object.values(metafile.outputs)[0]?.exports.sort();
    };
    const wanted = await names("default");
    expect(wanted).toContain("loadSync");
    for (const file of ["relaxed", "workerd", "edge-light", "relaxed.workerd", "relaxed.edge-light"])
      expect(await names(file)).toEqual(wanted);
  });

  test.each(["default", "relaxed", "io", "train"])("importing %s compiles, fetches and calls nothing", (entry) => {
    const script = `
      const trap = (name) => { globalThis[name] = new Proxy(() => {}, { get: () => { throw new Error(name); }, apply: () => { throw new Error(name); } }); };
      ["WebAssembly", "fetch", "Worker", "TextDecoder", "atob", "queueMicrotask", "setTimeout"].forEach(trap);
      await import(${JSON.stringify(new URL(`dist/entries/${entry}.js`, root).href)});`;
    execFileSync(process.execPath, ["--input-type=module", "-e", script], { stdio: "pipe" });
  });

  test("require works", async () => {
    const require = createRequire(import.meta.url);
    const built = new URL("dist/entries/default.js", root).pathname;
    expect(require(built).loadSync().build).toBe("strict");
  });
});

describe("tree-shaking", () => {
  const bundle = async (contents: string) => {
    const { outputFiles, metafile } = await build({
      stdin: { contents, resolveDir: root.pathname },
      ...COMMON,
      minify: true,
    });
    const [output] = Object.values(metafile.outputs);
    const files = Object.entries(output?.inputs ?? {}).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
    return { text: outputFiles[0]?.text as string, files: files.map(([file]) => file.replace("dist/", "")) };
  };

  test("inference takes no training, no files, no other layer", async () => {
    const { files } = await bundle(`export { load, LSTM, Stream } from "lstm-wasm";`);
    expect(files.filter((file) => /^(train|io|flow|cli)\/|entries\/train|relaxed/.test(file))).toEqual([]);
    expect(
      files.filter((file) => /(conv1d|embedding|linear|dropout|sequential|gru|rnn|cell|residual)\.js/.test(file)),
    ).toEqual([]);
    expect(files).toContain("generated/core.js");
  });

  test("a module of one's own leaves the embedded one out of the edge entries", async () => {
    const { files } = await bundle(`import { adam } from "lstm-wasm/train"; export { adam };`);
    expect(files.filter((file) => file.startsWith("generated/core"))).toEqual([]);
  });
});
