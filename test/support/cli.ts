// The built command in a folder of its own, for tests.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The command's file. */
export const main = new URL("../../dist/cli/main.js", import.meta.url).pathname;

export function createFolder() {
  const folder = mkdtempSync(join(tmpdir(), "lstm-wasm-"));
  return {
    folder,
    path: (name: string) => join(folder, name),
    remove: () => rmSync(folder, { recursive: true }),
    /** Runs the command, and answers how it ended and what it said. */
    cli: async (...args: string[]): Promise<{ code: number; out: string; err: string }> => {
      try {
        const { stdout, stderr } = await run(process.execPath, [main, ...args], { cwd: folder });
        return { code: 0, out: stdout, err: stderr };
      } catch (error) {
        const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
        return { code, out: stdout, err: stderr };
      }
    },
  };
}

/** Two years of days: a seasonal wave, a wave of ten days that only a model with memory can follow, and what follows it. */
export function createCsv(rows = 730): string {
  const start = Date.UTC(2020, 0, 1);
  const lines = Array.from({ length: rows }, (_, k) => {
    const date = new Date(start + k * 86_400_000).toISOString().slice(0, 10);
    const value = 10 + 8 * Math.sin((2 * Math.PI * k) / 365) + 3 * Math.sin((2 * Math.PI * k) / 10);
    return `${date},${value.toFixed(3)},${k % 7},sunny`;
  });
  return `day,level,weekday,sky\n${lines.join("\n")}\n`;
}
