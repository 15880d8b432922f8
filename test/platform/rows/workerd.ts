// workerd, the runtime of Cloudflare Workers itself: its own test command, and a request over HTTP. Bundled as wrangler does it:
// by esbuild with the conditions of Workers, every .wasm file a module of its own.
import { createProject, digestIn, execute, importApi, type Row, whereIs } from "../row.ts";
import { bundleWorker, serveWorker, workerd } from "../workerd.ts";

const worker = (entry: string, source = ""): string => `${importApi(entry)}import { run } from "./script.mjs";
${source && `import source from "${source}";`}
const answer = () => run(api${source && ", source"});
export default {
  async fetch() {
    return new Response(await answer().catch(({ message }) => message));
  },
  async test() {
    console.log(await answer());
  },
};
`;

const row = (entry: string, text: string, request = false, date?: string): Row => ({
  engine: date ? `workerd as of ${date.slice(0, 4)}` : request ? "workerd, request" : "workerd, test",
  entry,
  build: entry.endsWith("relaxed") ? "relaxed" : "strict",
  missing: whereIs(workerd),
  async run(tarball) {
    const folder = createProject(tarball, { "main.mjs": text });
    const config = await bundleWorker(folder, "main.mjs", date ? { date } : {});
    if (!request) {
      const { stdout, stderr, ms } = await execute(workerd, ["test", config], folder);
      return { hash: digestIn(stdout + stderr), ms };
    }
    await using server = await serveWorker(config);
    const start = performance.now();
    const text_ = await (await fetch(server.origin)).text();
    return { hash: digestIn(text_), ms: performance.now() - start };
  },
});

const rows: Row[] = [
  row("lstm-wasm", worker("lstm-wasm")),
  row("lstm-wasm", worker("lstm-wasm"), true),
  row("lstm-wasm", worker("lstm-wasm"), true, "2024-01-01"),
  row("lstm-wasm/workerd", worker("lstm-wasm/workerd"), true),
  row("lstm-wasm/core.wasm", worker("lstm-wasm", "lstm-wasm/core.wasm"), true),
  row("lstm-wasm/relaxed", worker("lstm-wasm/relaxed"), true),
];

export default rows;
