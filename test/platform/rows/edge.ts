// The VM of Vercel's edge functions.
import { createProject, digestIn, here, importApi, type Row, whereIs } from "../row.ts";
import { openEdge } from "../vercel.ts";

const row = (entry: string): Row => ({
  engine: "Vercel edge VM",
  entry,
  build: entry.endsWith("relaxed") ? "relaxed" : "strict",
  missing: whereIs(here("node_modules/edge-runtime/package.json")),
  async run(tarball) {
    const folder = createProject(tarball, {
      "main.mjs": `${importApi(entry)}import { run } from "./script.mjs";
addEventListener("fetch", (event) => event.respondWith(run(api).then((hash) => new Response(hash), (error) => new Response(String(error)))));
`,
    });
    const runtime = await openEdge(folder, "main.mjs");
    const start = performance.now();
    const response = await runtime.dispatchFetch("http://edge.test/");
    return { hash: digestIn(await response.text()), ms: performance.now() - start };
  },
});

const rows: Row[] = [row("lstm-wasm"), row("lstm-wasm/edge-light"), row("lstm-wasm/relaxed")];

export default rows;
