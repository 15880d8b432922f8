// `npm run bench:peers`: the library against others, one thread each. Results are compared before anything is timed; a
// peer that computes something else ends the run.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { CASES } from "../cases.ts";
import { listOf } from "../options.ts";
import { unrest } from "../results.ts";
import { duration, times } from "../table.ts";
import type { PeerResult } from "./measure.ts";
import { missingPeer, PEERS, type PeerEntry, type PeerName, ROUNDS } from "./peers.ts";

const names = Object.keys(PEERS) as PeerName[];
const { install, peers, cases, rounds, json } = new Command("bench:peers")
  .description("Measure the library against other libraries on this machine.")
  .option("--install", "fetch the peers into bench/peers first")
  .option("--peers <names>", `some of ${names.join(", ")}`, listOf(names), names)
  .option(
    "--cases <names>",
    "some of the cases, such as S1_H64,T1",
    listOf(CASES.map(({ name }) => name.replace(" ", "_"))),
  )
  .option("--rounds <n>", "processes of each, by turns", Number, ROUNDS)
  .option("--json <file>", "write everything as JSON")
  .parse()
  .opts();

if (install) execFileSync("npm", ["ci"], { cwd: fileURLToPath(new URL(".", import.meta.url)), stdio: "inherit" });
const only = cases?.map((name: string) => name.replace("_", " "));
const results: PeerResult[] = [];
for (const name of peers as PeerName[]) {
  const entry: PeerEntry = PEERS[name];
  const why = missingPeer(name);
  if (why) {
    console.log(`skipped: ${why}`);
    continue;
  }
  // Not before the library is installed beside its peers.
  const { measurePeer } = await import("./measure.ts");
  const result = await measurePeer(name, entry, { rounds, only });
  results.push(result);
  console.log(`\n${result.version}${entry.note ? ` (${entry.note})` : ""}`);
  console.log(
    `${"".padEnd(10)}${["peer", "strict", "ratio", "relaxed", "ratio"].map((cell) => cell.padStart(12)).join("")}`,
  );
  for (const { name, ns, strict, relaxed } of result.rows) {
    const cells = [duration(ns), duration(strict.ns), times(strict.ratio), duration(relaxed.ns), times(relaxed.ratio)];
    console.log(`${name.padEnd(10)}${cells.map((cell) => cell.padStart(12)).join("")}`);
  }
}
for (const result of results) {
  const warning = unrest(result);
  if (warning) console.log(`\n${result.peer}: ${warning}`);
}
if (json) writeFileSync(json, `${JSON.stringify(results, null, 1)}\n`);
