// Bundles the suite once, and runs it in any engine.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build as bundle } from "esbuild";
import { runScript, versionOf } from "./engines.ts";
import type { EntryOptions } from "./entry.ts";
import { type SuiteResult, setting } from "./results.ts";
import type { Row } from "./suite.ts";

export interface Launch extends EntryOptions {
  readonly engine: string;
}

/** Runs the suite in an engine; `onRow` gets each row when it is there. */
export async function launch({ engine, ...options }: Launch, onRow: (row: Row) => void): Promise<SuiteResult> {
  const folder = mkdtempSync(join(tmpdir(), "lstm-wasm-bench-"));
  const script = join(folder, "bench.mjs");
  const rows: Row[] = [];
  let share = 1;
  let error: string | null = "expected its last line, got none";
  try {
    await bundle({
      entryPoints: [fileURLToPath(new URL("entry.ts", import.meta.url))],
      tsconfigRaw: {}, // The project's own maps the package's name to its sources.
      ...{ bundle: true, format: "esm", target: "es2022", outfile: script, loader: { ".wasm": "binary" } },
    });
    const onLine = (line: string) => {
      const told = JSON.parse(line) as Row | { kind: "end"; share: number } | { kind: "error"; message: string };
      if (told.kind === "error") error = told.message;
      else if (told.kind === "end") {
        error = null;
        share = told.share;
      } else {
        rows.push(told);
        onRow(told);
      }
    };
    await runScript(engine, script, JSON.stringify(options), onLine);
  } finally {
    rmSync(folder, { recursive: true });
  }
  if (error) throw new Error(`${engine}: ${error}`);
  return { ...setting(), share, engine: versionOf(engine), build: options.build, rows };
}
