// `npm run bench`: WebAssembly against plain JavaScript, the same work, by turns in one process. Every pair is compared
// before it is timed; what disagrees is not timed.
import { writeFileSync } from "node:fs";
import { Command } from "commander";
import { CASES } from "./cases.ts";
import { renderBars, renderCurves } from "./chart.ts";
import type { CurveRow } from "./curves.ts";
import { ENGINES, missing, OWN, versionOf } from "./engines.ts";
import { launch } from "./launch.ts";
import { listOf } from "./options.ts";
import { setting, unrest } from "./results.ts";
import { PARTS, type Part } from "./suite.ts";
import { createPrinter, growth } from "./table.ts";

const program = new Command("bench")
  .description("Measure WebAssembly against plain JavaScript on this machine.")
  .option("--relaxed", "the build with relaxed SIMD instead of the strict one")
  .option("--engine <name>", `where: ${Object.keys(ENGINES).join(", ")}`, OWN)
  .option("--parts <names>", `some of ${PARTS.join(", ")}`, listOf(PARTS))
  .option("--curves", "how the cost grows with T, B, H and L, alone")
  .option(
    "--cases <names>",
    "some of the cases, such as S1_H64,T1",
    listOf(CASES.map(({ name }) => name.replace(" ", "_"))),
  )
  .option("--no-rival", "leave plain JavaScript out")
  .option("--json <file>", "write everything as JSON")
  .option("--svg <file>", "draw it")
  .parse();
const { relaxed, engine, curves, parts, cases, rival, json, svg } = program.opts();
const build = relaxed ? "relaxed" : "strict";
const why = missing(engine, build);
if (why) program.error(why);

const { machine } = setting();
console.log(`${build} build, ${versionOf(engine)}\n${machine.cpu}, ${machine.os}, one thread`);
const chosen: readonly Part[] = curves ? ["curves"] : (parts ?? ["cases", "bounds", "gemm", "bindings"]);
const result = await launch(
  {
    ...{ build, engine, rival, parts: chosen },
    cases: cases?.map((name: string) => name.replace("_", " ")),
  },
  createPrinter(console.log),
).catch((error: Error) => program.error(error.message));
const curveRows = result.rows.filter((row): row is CurveRow => row.kind === "curve");
if (curveRows.length > 0) console.log("\nover the last step of each axis:");
for (const { axis, from, to, time, memory } of growth(curveRows))
  console.log(`${axis} ${from} to ${to}: time ~ ${axis}^${time.toFixed(2)}, memory ~ ${axis}^${memory.toFixed(2)}`);
const warning = unrest(result);
if (warning) console.log(`\n${warning}`);
if (json) writeFileSync(json, `${JSON.stringify(result, null, 1)}\n`);
if (svg) writeFileSync(svg, curves ? renderCurves(result) : renderBars([result]));
