// Bun: run, required, and compiled into one executable, which has no files beside it.
import { rmSync } from "node:fs";
import { createProject, digestIn, engine, execute, main, mainCjs, type Row, whereIs } from "../row.ts";

const program = engine(".bin/bun");

const row = (entry: string, file: string, text: string, compile = false): Row => ({
  engine: compile ? "Bun, compiled" : "Bun",
  entry,
  build: entry.endsWith("relaxed") ? "relaxed" : "strict",
  missing: whereIs(program),
  async run(tarball) {
    const folder = createProject(tarball, { [file]: text });
    if (compile) {
      await execute(program, ["build", "--compile", "--outfile=main", file], folder);
      rmSync(`${folder}/node_modules`, { recursive: true });
    }
    const { stdout, ms } = await execute(compile ? `${folder}/main` : program, compile ? [] : [file], folder);
    return { hash: digestIn(stdout), ms };
  },
});

const rows: Row[] = [
  row("lstm-wasm", "main.mjs", main("lstm-wasm")),
  row('require("lstm-wasm")', "main.cjs", mainCjs("lstm-wasm")),
  row("lstm-wasm/core.wasm", "main.mjs", main("lstm-wasm", 'import.meta.resolve("lstm-wasm/core.wasm")')),
  row("lstm-wasm/relaxed", "main.mjs", main("lstm-wasm/relaxed")),
  row("lstm-wasm", "main.mjs", main("lstm-wasm"), true),
];

export default rows;
