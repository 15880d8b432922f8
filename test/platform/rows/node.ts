// Node, each line that is supported and the next one.
import { createProject, digestIn, engine, execute, main, mainCjs, type Row, whereIs } from "../row.ts";

const MAINS: Readonly<Record<string, readonly [file: string, text: string]>> = {
  "lstm-wasm": ["main.mjs", main("lstm-wasm")],
  'require("lstm-wasm")': ["main.cjs", mainCjs("lstm-wasm")],
  "lstm-wasm/core.wasm": ["main.mjs", main("lstm-wasm", 'import.meta.resolve("lstm-wasm/core.wasm")')],
  "lstm-wasm/relaxed": ["main.mjs", main("lstm-wasm/relaxed")],
};

const rows: Row[] = [20, 22, 24, 26].flatMap((version) => {
  const program = engine(`node${version}/bin/node`);
  return Object.entries(MAINS).map(
    ([entry, [file, text]]): Row => ({
      engine: `Node ${version}`,
      entry,
      build: entry.endsWith("relaxed") ? "relaxed" : "strict",
      missing: whereIs(program),
      async run(tarball) {
        const folder = createProject(tarball, { [file]: text });
        const { stdout, ms } = await execute(program, [file], folder);
        return { hash: digestIn(stdout), ms };
      },
    }),
  );
});

export default rows;
