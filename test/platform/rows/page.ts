// Chromium without a bundler: a plain module script, a module worker.
import { createPage, html, INSTALLED, openFolder, pageMain, pageRow } from "../page.ts";
import { importApi, type Row } from "../row.ts";

const row = (way: string, entry: string, head: string, files: Readonly<Record<string, string>>): Row =>
  pageRow(way, entry, [], (tarball) =>
    openFolder(createPage(tarball, { "index.html": html("/main.js", head), ...files })),
  );

const of = (entry: string) => INSTALLED.replace("default", entry);
const imports = { "lstm-wasm": INSTALLED, "lstm-wasm/io": of("io"), "lstm-wasm/train": of("train") };
const importMap = `<script type="importmap">${JSON.stringify({ imports })}</script>\n`;
const inWorker = `import { report } from "./report.mjs";
report(() => new Promise((resolve, reject) => {
  const worker = new Worker("/worker.js", { type: "module" });
  worker.onmessage = ({ data }) => ("value" in data ? resolve(data.value) : reject(data.error));
  worker.onerror = ({ message }) => reject(new Error(message));
}));
`;
/** Import maps do not reach workers: there, only a path will do. */
const worker = `${importApi(INSTALLED)}import { run } from "./script.mjs";
run(api).then((value) => postMessage({ value }), (error) => postMessage({ error }));
`;
const source = '"/node_modules/lstm-wasm/dist/core.wasm"';

const rows: Row[] = [
  row("import map", "lstm-wasm", importMap, { "main.js": pageMain("lstm-wasm") }),
  row("module by path", "lstm-wasm", "", { "main.js": pageMain(INSTALLED) }),
  row("module by path", "lstm-wasm/core.wasm", "", { "main.js": pageMain(INSTALLED, source) }),
  row("module worker", "lstm-wasm", "", { "main.js": inWorker, "worker.js": worker }),
];

export default rows;
