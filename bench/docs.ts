// `npm run bench:docs`: measures whatever is not measured yet with these kernels, and writes BENCHMARKS.md and its pictures.
import { mkdirSync, writeFileSync } from "node:fs";
import { Command } from "commander";
import { renderBars, renderCurves, renderPeers } from "./chart.ts";
import { renderMarkdown } from "./markdown.ts";
import { curvesPart, engineParts, peerParts, profilePart, suitePart } from "./parts.ts";
import { unrest } from "./results.ts";

const program = new Command("bench:docs")
  .description("Write BENCHMARKS.md from measurements on this machine; what was measured with these kernels is kept.")
  .option("--under <command>", "measure under a command, such as 'taskset -c 1'", "")
  .option("--fresh", "measure all of it anew", false)
  .option("--anyway", "write the page even if the machine was busy", false)
  .parse();
const { under, fresh, anyway } = program.opts();
const options = { fresh, under: under.split(" ").filter(Boolean) };
const suites = [suitePart("strict", options), suitePart("relaxed", options)] as const;
const profile = profilePart(options);
const curves = curvesPart(options);
const engines = engineParts(options);
const peers = peerParts(options);

const spoiled = [...suites, profile, curves, ...engines.results, ...peers.results].filter(unrest);
if (spoiled.length > 0 && !anyway)
  program.error(
    `BENCHMARKS.md: expected a calm machine, got a busy one in ${spoiled.length} parts; it is not written. Run this again: what was measured in calm is kept. (--anyway writes it, and says so.)`,
  );

const root = new URL("../", import.meta.url);
mkdirSync(new URL("bench/charts/", root), { recursive: true });
const write = (file: string, text: string) => {
  writeFileSync(new URL(file, root), text);
  console.log(`wrote ${file}`);
};
write("bench/charts/javascript.svg", renderBars(suites));
write("bench/charts/curves.svg", renderCurves(curves));
write("bench/charts/peers.svg", renderPeers(peers.results));
write("BENCHMARKS.md", renderMarkdown({ suites, profile, curves, engines, peers }));
