// esbuild, webpack and Rollup, each with little more than its defaults.
import { build } from "esbuild";
import { createPage, html, openFolder, pageMain, pageRow } from "../page.ts";
import type { Row } from "../row.ts";
import { tool } from "../tools.ts";

/** What is used of webpack and of Rollup. */
interface Webpack {
  default(options: object): {
    run(done: (error: Error | null, stats?: { hasErrors(): boolean; toString(): string }) => void): void;
    close(done: () => void): void;
  };
}
interface Rollup {
  rollup(options: object): Promise<{ write(options: object): Promise<unknown>; close(): Promise<void> }>;
}
interface NodeResolve {
  nodeResolve(options: object): object;
}

const BUNDLERS: Readonly<Record<string, (folder: string) => Promise<void>>> = {
  async esbuild(folder) {
    await build({
      ...{ absWorkingDir: folder, entryPoints: ["main.js"], outdir: "out", bundle: true, minify: true, format: "esm" },
      ...{ loader: { ".wasm": "file" }, publicPath: "/out/", tsconfigRaw: {} },
    });
  },
  async webpack(folder) {
    const { default: webpack } = await tool<Webpack>("webpack");
    const output = { path: `${folder}/out`, publicPath: "/out/", filename: "main.js" };
    const compiler = webpack({ context: folder, mode: "production", entry: "./main.js", output });
    const error = await new Promise<Error | null>((resolve) =>
      compiler.run((error, stats) => resolve(error ?? (stats?.hasErrors() ? new Error(stats.toString()) : null))),
    );
    await new Promise<void>((resolve) => compiler.close(resolve));
    if (error) throw error;
  },
  async rollup(folder) {
    const { rollup } = await tool<Rollup>("rollup");
    const { nodeResolve } = await tool<NodeResolve>("@rollup/plugin-node-resolve");
    const bundle = await rollup({ input: `${folder}/main.js`, plugins: [nodeResolve({ browser: true })] });
    await bundle.write({ dir: `${folder}/out`, format: "es" });
    await bundle.close();
  },
};

const TOOLS: Readonly<Record<string, readonly string[]>> = {
  rollup: ["rollup", "@rollup/plugin-node-resolve"],
  webpack: ["webpack"],
};

const row = (bundler: string, entry: string, main: string): Row =>
  pageRow(bundler, entry, TOOLS[bundler] ?? [], async (tarball) => {
    const folder = createPage(tarball, { "index.html": html("/out/main.js"), "main.js": main });
    await BUNDLERS[bundler]?.(folder);
    return await openFolder(folder);
  });

const rows: Row[] = [
  ...Object.keys(BUNDLERS).map((bundler) => row(bundler, "lstm-wasm", pageMain("lstm-wasm"))),
  row("esbuild", "lstm-wasm/core.wasm", pageMain("lstm-wasm", "url", 'import url from "lstm-wasm/core.wasm";')),
  row("webpack", "lstm-wasm/core.wasm", pageMain("lstm-wasm", 'new URL("lstm-wasm/core.wasm", import.meta.url)')),
];

export default rows;
