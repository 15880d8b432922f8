// Deno. The embedded module needs no permission at all; the file needs leave to be read.
import { createProject, digestIn, engine, execute, main, type Row, whereIs } from "../row.ts";

const program = engine(".bin/deno");

const row = (entry: string, text: string, ...permissions: string[]): Row => ({
  engine: "Deno",
  entry,
  build: entry.endsWith("relaxed") ? "relaxed" : "strict",
  missing: whereIs(program),
  async run(tarball) {
    const folder = createProject(tarball, { "main.mjs": text });
    const args = ["run", "--no-prompt", "--cached-only", "--node-modules-dir=manual", ...permissions, "main.mjs"];
    const variables = { DENO_DIR: `${folder}/.deno`, DENO_NO_UPDATE_CHECK: "1" };
    const { stdout, ms } = await execute(program, args, folder, variables);
    return { hash: digestIn(stdout), ms };
  },
});

const rows: Row[] = [
  row("lstm-wasm", main("lstm-wasm")),
  row(
    "lstm-wasm/core.wasm",
    main("lstm-wasm", 'import.meta.resolve("lstm-wasm/core.wasm")'),
    "--allow-read=node_modules/lstm-wasm/dist/core.wasm",
  ),
  row("lstm-wasm/relaxed", main("lstm-wasm/relaxed")),
];

export default rows;
