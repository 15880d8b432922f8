// `npm run test:platform`: packs the package, runs one script on it in every engine, and prints the table. Words after `--` choose
// rows whose engine or entry has one of them; `--update` records the digest of the project's own Node as the one to meet.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import Table from "cli-table3";
import { createProject, digestIn, execute, here, main, npm, pack, type Row } from "./row.ts";

const { values, positionals: words } = parseArgs({
  allowPositionals: true,
  options: { update: { type: "boolean", default: false } },
});
const RECORD = here("digest.json");

/** Installs the engines, if they are not what the lockfile says. Without network their rows are absent. */
function installEngines(): void {
  const stamp = here("node_modules/.digest");
  const digest = createHash("sha256")
    .update(readFileSync(here("package-lock.json")))
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return;
  console.log("Installing the engines (about 1 GB, once) …");
  try {
    npm(here("."), "ci", "--silent");
    writeFileSync(stamp, digest);
  } catch (error) {
    console.log(`npm could not install all engines: ${String(error).split("\n")[0]}`);
  }
}

async function rowsOf(): Promise<Row[]> {
  const files = readdirSync(here("rows")).filter((file) => file.endsWith(".ts"));
  const lists = await Promise.all(files.map((file) => import(here(`rows/${file}`)) as Promise<{ default: Row[] }>));
  const rows = lists.flatMap((list) => list.default);
  const wanted = ({ engine, entry }: Row) =>
    words.length === 0 || words.some((word) => `${engine} ${entry}`.toLowerCase().includes(word.toLowerCase()));
  return rows.filter(wanted);
}

installEngines();
const tarball = pack();
if (values.update) {
  const folder = createProject(tarball, { "main.mjs": main("lstm-wasm") });
  const { stdout } = await execute(process.execPath, ["main.mjs"], folder);
  writeFileSync(RECORD, `${JSON.stringify({ strict: digestIn(stdout) }, null, 2)}\n`);
}
const recorded = (JSON.parse(readFileSync(RECORD, "utf8")) as { strict: string }).strict;

const table = new Table({
  head: ["engine", "entry", "result", "ms", "hash"],
  colAligns: ["left", "left", "left", "right", "left"],
  style: { head: [], border: [], compact: true },
});
const count = { passed: 0, failed: 0, absent: 0 };
const remarks: string[] = [];
for (const row of await rowsOf()) {
  const { engine, entry, build = "strict" } = row;
  const end = (result: keyof typeof count, ms = "", hash = "", remark = "") => {
    count[result]++;
    if (remark) remarks.push(`${engine}, ${entry}: ${remark}`);
    table.push([engine, entry, result, ms, hash.slice(0, 12)]);
  };
  const missing = row.missing?.();
  if (missing !== undefined) {
    end("absent", "", "", missing);
    continue;
  }
  process.stderr.write(`${engine}, ${entry} …\n`);
  try {
    const { hash, ms } = await row.run(tarball);
    const same = build !== "strict" || hash === recorded;
    end(same ? "passed" : "failed", ms.toFixed(0), hash, same ? "" : `expected the digest ${recorded}, got ${hash}`);
  } catch (error) {
    end("failed", "", "", (error as Error).message);
  }
}
console.log(`${table}`);
console.log(
  `${recorded.slice(0, 12)} is the recorded hash of the strict kernels. Where relaxed has it, too, the host has no relaxed SIMD.`,
);
for (const remark of remarks) console.log(remark);
console.log(`${count.passed} passed, ${count.failed} failed, ${count.absent} absent`);
process.exitCode = count.failed > 0 || count.passed === 0 ? 1 : 0;
