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

  test("there is one of each class", () => {
    const url = (file: string) => JSON.stringify(new URL(`dist/${file}.js`, root).href);
    const script = `
      const main = await import(${url("entries/default")});
      const [relaxed, train, io] = [await import(${url("entries/relaxed")}), await import(${url("entries/train")}), await import(${url("entries/io")})];
      for (const name in relaxed) if (!name.startsWith("load") && relaxed[name] !== main[name]) throw new Error(name);
      for (const name of [...Object.keys(train), ...Object.keys(io)]) if (name in main) throw new Error(name);
      for (const refused of [() => train.adam({ lr: -1 }), () => new train.Trainer(0), () => io.encodeSafetensors(0)])
        try {
          refused();
          throw new Error("expected a refusal");
        } catch (error) {
          if (!(error instanceof main.ArgumentRangeError || error instanceof main.ArgumentTypeError)) throw error;
        }
      const { writeFileAtomic } = await import(${url("node")});
      const error = await writeFileAtomic("/nowhere/x", "").catch((reason) => reason);
      if (!(error instanceof main.FileError)) throw error;`;
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
    const { outputFiles } = await build({
      ...COMMON,
      stdin: { contents, resolveDir: root.pathname },
      minify: true,
    });
    return outputFiles[0]?.text as string;
  };
  const embedded = readFileSync(new URL("bindings/generated/core.ts", root), "utf8").slice(-1000, -900);
  /** A text in an error of each part of the library. */
  const PARTS = {
    trainer: "Trainer options",
    optimisers: "betas",
    schedules: "cosineAnnealingLR",
    losses: "reduction",
    checkpoints: "checkpoint",
    safetensors: "safetensors",
    conv1d: "kernelSize",
    embedding: "numEmbeddings",
    linear: "inFeatures",
  };

  test("the texts do tell the parts", async () => {
    const everything = await bundle(
      ["lstm-wasm", "lstm-wasm/io", "lstm-wasm/train"].map((name) => `export * from "${name}";`).join(""),
    );
    for (const text of [embedded, ...Object.values(PARTS)]) expect(everything).toContain(text);
  });

  test("unused imports leave nothing", async () => {
    expect(
      (
        await bundle(`import * as api from "lstm-wasm"; import * as relaxed from "lstm-wasm/relaxed";
          import * as io from "lstm-wasm/io"; import * as train from "lstm-wasm/train";`)
      ).trim(),
    ).toBe("");
  });

  test("inference takes no training, no files, no other layer", async () => {
    const text = await bundle(`export { load, LSTM, Stream } from "lstm-wasm";`);
    expect(text).toContain(embedded);
    expect(Object.entries(PARTS).filter(([, part]) => text.includes(part))).toEqual([]);
  });

  test.each(["workerd", "edge-light"])("%s takes the module of the platform, not the embedded one", async (entry) => {
    const text = await bundle(`export { load, LSTM } from "lstm-wasm/${entry}";`);
    expect(text).toContain("core.wasm");
    expect(text).not.toContain(embedded);
  });

  test("training alone takes no module", async () => {
    const text = await bundle(`export { adam } from "lstm-wasm/train";`);
    expect(text).toContain(PARTS.optimisers);
    expect(text).not.toContain(embedded);
  });
});
