// `lstm-wasm bench`: streaming, forward and training on this machine, against the same work in plain JavaScript.
import { readFileSync } from "node:fs";
import { load } from "lstm-wasm";
import type { Peak } from "../../bench/gemm.ts";
import { type Row, runSuite } from "../../bench/suite.ts";
import { createPrinter } from "../../bench/table.ts";
import relaxedPeak from "../../build/peak.relaxed.wasm";
import strictPeak from "../../build/peak.wasm";

export interface BenchOptions {
  readonly relaxed?: boolean;
  readonly json?: boolean;
}

/** One of each kind of work, and a wide one; together some ten seconds. */
const SHOWN = ["S1 H64", "S1 H256", "S2", "S3", "T1", "T3"];

/** The command. */
export async function bench({ relaxed = false, json = false }: BenchOptions): Promise<void> {
  const core = await (relaxed
    ? load(new Uint8Array(readFileSync(new URL("../core.relaxed.wasm", import.meta.url))))
    : load());
  const { instance } = await WebAssembly.instantiate((relaxed ? relaxedPeak : strictPeak) as unknown as BufferSource);
  const rows: Row[] = [];
  const build = relaxed ? "relaxed" : "strict";
  const print = createPrinter(console.log);
  if (!json) console.log(`${build} build, one thread; T steps, B batch, I inputs, H hidden units`);
  const options = { parts: ["cases"], cases: SHOWN, rival: true, budget: 50 } as const;
  await runSuite(core, instance.exports as unknown as Peak, options, (row) => {
    rows.push(row);
    if (!json) print(row);
  });
  if (json) console.log(JSON.stringify({ build, rows }, null, 1));
}
