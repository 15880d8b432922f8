// What the types say, and that a consumer's compiler takes the declarations as they are shipped.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import {
  type GRU,
  type GRURecord,
  LSTM,
  type LSTMBackwardRecord,
  type LSTMForwardOptions,
  type LSTMRecord,
} from "lstm-wasm";
import { describe, expect, expectTypeOf, test } from "vitest";
import { createCore } from "./support/cores.ts";

const root = new URL("../", import.meta.url);

describe("declarations", () => {
  const { exports } = JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as { exports: object };
  const entries = Object.keys(exports).filter((name) => !/\.(wasm|json)$/.test(name));

  test.each([
    ["es2022", []],
    ["es2022,dom", ["--lib", "es2022,dom"]],
    ["es2022 and Node's types", ["--lib", "es2022", "--types", "node"]],
    ["exact", ["--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess"]],
  ])("compile with skipLibCheck off: %s", (_, options) => {
    // Inside the package, which its own name then leads to.
    const folder = mkdtempSync(new URL("build/consumer-", root).pathname);
    const imports = entries.map((name, k) => `import * as entry${k} from "lstm-wasm${name.slice(1)}";`);
    const uses = `
      import { LSTM, type LSTMRecord, loadSync } from "lstm-wasm";
      const lstm = new LSTM(loadSync(), { inputSize: 1, hiddenSize: 2 });
      export const record: readonly LSTMRecord[] = lstm.forward({ data: new Float32Array(1), shape: [1, 1, 1] }, { record: true }).record;
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

test("a record is null where none was asked for, and only there", () => {
  const lstm = new LSTM(createCore(), { inputSize: 1, hiddenSize: 2 });
  const x = { data: new Float32Array(3), shape: [3, 1, 1] };
  const run = (options: LSTMForwardOptions) => lstm.forward(x, options).record;
  const [a, b] = [lstm.forward(x, { training: true }), lstm.forward(x, { training: true, record: true })];
  const back = lstm.backward({ hn: b.hn }, { record: true });
  expectTypeOf(a.record).toEqualTypeOf<null>();
  expectTypeOf(b.record).toEqualTypeOf<readonly LSTMRecord[]>();
  expectTypeOf(back.record).toEqualTypeOf<readonly LSTMBackwardRecord[]>();
  expectTypeOf(run).returns.toEqualTypeOf<readonly LSTMRecord[] | null>();
  // Of a layer that is one of several.
  const either = lstm as LSTM | GRU;
  const c = either.forward(x, { record: true });
  expectTypeOf(c.record).toEqualTypeOf<readonly LSTMRecord[] | readonly GRURecord[]>();
  // What may be left out may not be taken for true.
  const wanted = false as boolean;
  // @ts-expect-error
  const d = lstm.forward(x, { ...(wanted && { record: true }) });
  // @ts-expect-error
  expect(() => lstm.forward(x, { record: true, recrod: true })).toThrow("recrod");
  expect([a, d].map(({ record }) => record)).toEqual([null, null]);
  for (const { record } of [b, back, c]) expect(record.length).toBe(1);
});
