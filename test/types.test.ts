// What the types say, and that a consumer's compiler takes the declarations as they are shipped.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const root = new URL("../", import.meta.url);

describe("declarations", () => {
  const { exports } = JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as { exports: object };
  const entries = Object.keys(exports).filter((name) => !/\.(wasm|json)$/.test(name));

  test.each([
    ["es2022", []],
    ["es2022,dom", ["--lib", "es2022,dom"]],
    ["exact", ["--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess"]],
  ])("compile with skipLibCheck off: %s", (_, options) => {
    // Inside the package, which its own name then leads to.
    const folder = mkdtempSync(new URL("build/consumer-", root).pathname);
    const imports = entries.map((name, k) => `import * as entry${k} from "lstm-wasm${name.slice(1)}";`);
    const uses = `
      import { LSTM, loadSync } from "lstm-wasm";
      export const lstm = new LSTM(loadSync(), { inputSize: 1, hiddenSize: 2 });
      // @ts-expect-error
      export const wrong: number = lstm;`;
    try {
      writeFileSync(
        `${folder}/index.ts`,
        [...imports, `export { ${entries.map((_, k) => `entry${k}`)} };`, uses].join("\n"),
      );
      const strict =
        "--strict --noEmit --skipLibCheck false --module nodenext --target es2022 --pretty false --ignoreConfig";
      const tsc = new URL("node_modules/typescript/bin/tsc", root).pathname;
      const args = [tsc, ...strict.split(" "), ...options, `${folder}/index.ts`];
      const { stdout, status } = spawnSync(process.execPath, args, { encoding: "utf8" });
      expect({ stdout, status }).toEqual({ stdout: "", status: 0 });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
