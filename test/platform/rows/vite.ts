// Vite: its build, and its development server with the package pre-bundled (as it does unasked) and excluded.
import { reportOf } from "../chromium.ts";
import { createPage, html, openFolder, pageMain, pageRow } from "../page.ts";
import type { Row } from "../row.ts";
import { tool } from "../tools.ts";

/** What is used of Vite. */
interface Vite {
  build(config: object): Promise<unknown>;
  createServer(config: object): Promise<{
    listen(): Promise<unknown>;
    readonly resolvedUrls: { readonly local: readonly string[] } | null;
    close(): Promise<void>;
  }>;
}

const COMMON = { logLevel: "error", configFile: false };

/** The module as an asset of the page. */
const MAINS: Readonly<Record<string, string>> = {
  "lstm-wasm": pageMain("lstm-wasm"),
  "lstm-wasm/core.wasm": pageMain("lstm-wasm", "url", 'import url from "lstm-wasm/core.wasm?url";'),
};

const project = (tarball: string, entry: string): string =>
  createPage(tarball, { "index.html": html("/main.js"), "main.js": MAINS[entry] as string });

const build = (entry: string): Row =>
  pageRow("Vite build", entry, ["vite"], async (tarball) => {
    const root = project(tarball, entry);
    await (await tool<Vite>("vite")).build({ ...COMMON, root });
    return await openFolder(`${root}/dist`);
  });

const dev = (way: string, entry: string, optimizeDeps: object): Row =>
  pageRow(way, entry, ["vite"], async (tarball) => {
    const root = project(tarball, entry);
    const server = { host: "127.0.0.1", port: 0 };
    const vite = await (await tool<Vite>("vite")).createServer({ ...COMMON, root, server, optimizeDeps });
    try {
      await vite.listen();
      return await reportOf<string>(vite.resolvedUrls?.local[0] as string);
    } finally {
      await vite.close();
    }
  });

const excluded = { exclude: ["lstm-wasm"] };

const rows: Row[] = Object.keys(MAINS).flatMap((entry) => [
  build(entry),
  dev("Vite dev", entry, {}),
  dev("Vite dev, not pre-bundled", entry, excluded),
]);

export default rows;
