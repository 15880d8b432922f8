// `lstm-wasm flow --lab`: where RNN, GRU and LSTM vanish and explode, as a map.
import { load } from "lstm-wasm";
import { writeFileAtomic } from "lstm-wasm/node";
import pc from "picocolors";
import type { FlowOptions } from "./flow-model.ts";
import { BIASES, type CellName, LENGTHS, type Point, SCALES, SIZES, summary, sweep } from "./flow-sweep.ts";
import { wrap } from "./wrap.ts";

/** The command. */
export async function lab(options: FlowOptions): Promise<void> {
  const lengths =
    options.steps === undefined ? LENGTHS : LENGTHS.filter((n) => n < (options.steps as number)).concat(options.steps);
  const started = performance.now();
  const points = sweep(await load(), lengths, options.seed);
  const seconds = (performance.now() - started) / 1000;
  if (options.html !== undefined) {
    const { renderLab } = await import("./flow-lab-page.ts");
    await writeFileAtomic(options.html, renderLab(points, lengths, { ...SIZES, seed: options.seed, seconds }));
  }
  if (options.json) console.log(JSON.stringify({ ...SIZES, seed: options.seed, points }, null, 1));
  else console.log(printLab(points, lengths, options.html));
}

const GLYPHS: Readonly<Record<string, string>> = {
  carries: pc.bold("██"),
  vanishes: pc.cyan("··"),
  explodes: pc.yellow("▲▲"),
};

const glyphOf = (point: Point | undefined) => GLYPHS[point?.status ?? ""] ?? "  ";

const FRACTIONS: Readonly<Record<string, string>> = { "0.125": "⅛", "0.25": "¼", "0.5": "½" };
const scaleText = (scale: number) => FRACTIONS[String(scale)] ?? String(Number(scale.toPrecision(2)));

function printLab(points: readonly Point[], lengths: readonly number[], html: string | undefined): string {
  const find = (cell: CellName, scale: number, bias: number | null, steps: number) =>
    points.find((p) => p.cell === cell && p.scale === scale && p.bias === bias && p.steps === steps);
  const row = (cell: CellName, bias: number | null, steps: number) =>
    SCALES.map((scale) => glyphOf(find(cell, scale, bias, steps))).join("");
  const width = 2 * SCALES.length;
  const ticks = SCALES.map((scale, k) => (k % 2 === 0 ? scaleText(scale).padEnd(4) : ""))
    .join("")
    .trimEnd()
    .padEnd(width);
  const blocks = lengths.flatMap((steps) => [
    pc.bold(`${steps.toLocaleString("en")} steps back`),
    `${"RNN".padStart(8)}  ${row("RNN", null, steps)}   (it has no gate to bias)`,
    `${"bias".padStart(8)}  ${"GRU, update gate".padEnd(width + 3)}LSTM, forget gate`,
    ...BIASES.map(
      (bias) =>
        `${String(bias).replace("-", "−").padStart(8)}  ${row("GRU", bias, steps)}   ${row("LSTM", bias, steps)}`,
    ),
    pc.dim(`${"".padStart(8)}  ${ticks}   ${ticks}`.trimEnd()),
    "",
  ]);
  return [
    pc.bold("Where the gradient of the last state goes"),
    ...wrap(
      `Random weights, ${SIZES.H} units, by spectral radius of each gate's W_hh (across) and bias of the gate that keeps (down).`,
      79,
    ).map((line) => pc.dim(line)),
    `${GLYPHS.carries} between 0.001 and 1,000 of it is left   ${GLYPHS.vanishes} less   ${GLYPHS.explodes} more`,
    "",
    ...blocks,
    ...summary(points, lengths).flatMap((line) => wrap(line, 79)),
    ...(html === undefined ? [] : ["", `report  ${html}`]),
  ].join("\n");
}
