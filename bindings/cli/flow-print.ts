// A report of the gradient's flow for the terminal, 80 columns wide.
import type { SliceFlow } from "lstm-wasm/flow";
import pc from "picocolors";
import { least, most } from "./extremes.ts";
import type { MeasuredModel } from "./flow-model.ts";
import { table } from "./print.ts";
import { wrap } from "./wrap.ts";

const WIDTH = 68;
const HEIGHT = 13;

/** Of several curves the later ones are drawn over the earlier. */
export interface Curve {
  readonly glyph: string;
  readonly colour: (text: string) => string;
  /** Index: steps back. */
  readonly values: readonly number[];
}

/** Curves over steps back, on a logarithmic scale of at least two powers of ten. */
export function drawCurves(curves: readonly Curve[]): string {
  const logs = curves
    .flatMap(({ values }) => values.filter((value) => value > 0).map(Math.log10))
    .filter(Number.isFinite);
  if (logs.length === 0) return "";
  const high = Math.ceil(Math.max(0, most(logs)));
  const low = Math.min(high - 2, Math.max(Math.floor(least(logs)), -12));
  // No further than where something can be drawn.
  const last = Math.max(1, ...curves.map(({ values }) => values.findLastIndex((value) => value >= 10 ** (low - 0.5))));
  const rowOf = (exponent: number) => Math.round(((high - exponent) / (high - low)) * (HEIGHT - 1));
  const grid = Array.from({ length: HEIGHT }, () => new Array<string>(WIDTH).fill(" "));
  for (const { glyph, colour, values } of curves)
    for (let column = 0; column < WIDTH; column++) {
      const value = values[Math.round((column / (WIDTH - 1)) * last)] as number;
      if (!(value > 0)) continue;
      const line = grid[rowOf(Math.log10(value))];
      if (line) line[column] = colour(glyph);
    }
  const every = Math.max(1, Math.ceil((high - low) / 6));
  const labels = new Map<number, string>();
  for (let exponent = high; exponent >= low; exponent -= every) labels.set(rowOf(exponent), `1e${exponent}`);
  const lines = grid.map((line, row) => `${(labels.get(row) ?? "").padStart(6)} ┤${line.join("").trimEnd()}`);
  const axis =
    `0${String(Math.round(last / 2)).padStart(WIDTH / 2)}`.padEnd(WIDTH - String(last).length) + String(last);
  const under = "".padStart(8);
  return [...lines, `${"".padStart(6)} └${"─".repeat(WIDTH)}`, under + axis, under + "steps back".padStart(WIDTH)].join(
    "\n",
  );
}

/** A number in few characters. */
export const short = (value: number | null | undefined): string => {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (value === Number.POSITIVE_INFINITY) return "∞";
  const size = Math.abs(value);
  const text =
    value === 0 || (size >= 1e-3 && size < 1e4) ? String(Number(value.toPrecision(3))) : value.toExponential(1);
  return text.replaceAll("-", "−");
};

const median = (values: readonly number[]): number | undefined =>
  [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)];

export function printFlow(file: string, { report, model, data }: MeasuredModel, html?: string): string {
  const { slices, verdict, status } = report;
  const shown = slices.find(({ name }) => name === report.slice) ?? slices[0];
  const lines = [
    ...wrap(`Gradient flow of ${file}`, 79).map(pc.bold),
    ...wrap(`${model}; ${data}`, 79).map(pc.dim),
    "",
    ...wrap(verdict, 79).map(status === "carries" ? pc.green : pc.yellow),
    "",
    ...(slices.length > 1 ? [overview(slices), ""] : []),
    ...(shown && !report.nonFinite ? [...printSlice(shown, slices.length > 1), ""] : []),
    ...(html === undefined ? [] : [`report  ${html}`]),
  ];
  return lines.join("\n").trimEnd();
}

/** A line for each direction of each layer. */
function overview(slices: readonly SliceFlow[]): string {
  return table(
    ["", "gradient", "by path", "halves in", "growth", "radius"],
    slices.map(({ name, status, after, path, decay, ratios, spectrum }) => [
      name,
      after === null ? status : `${status} after ${after}`,
      path ?? "–",
      short(decay.total?.halfLife),
      short(growthOf(ratios)),
      short(spectrum.radius),
    ]),
    [],
  );
}

/** Median growth over the steps that still had a gradient. */
const growthOf = (ratios: readonly number[]) => median(ratios.filter((ratio) => ratio > 0));

function printSlice(slice: SliceFlow, several: boolean): string[] {
  const { name, cell, carried, decay, forgetHorizon, saturation, deadUnits, spectrum, ratios } = slice;
  const hasDirect = forgetHorizon !== null;
  const steps = carried.total.length - 1;
  const lags = [...[1, 10, 100].filter((lag) => lag < steps), steps];
  const rows = (["total", "direct", "recurrent"] as const)
    .filter((path) => hasDirect || path === "total")
    .map((path) => [
      path === "total" ? (hasDirect ? "both paths" : "recurrent path") : `${path} path`,
      ...lags.map((lag) => short(carried[path][lag])),
      short(decay[path]?.halfLife),
    ]);
  const gates = Object.entries(saturation).flatMap(([gate, { low, high }]) =>
    low + high < 0.005 ? [] : [`${gate} ${(100 * low).toFixed(0)} % low, ${(100 * high).toFixed(0)} % high`],
  );
  const facts = [
    `growth a step back ${short(growthOf(ratios))} (median)`,
    `W_hh: norm ${short(spectrum.norm)}, spectral radius ${short(spectrum.radius)}`,
    ...(forgetHorizon ? [`units keep for ${short(median(forgetHorizon))} steps (median)`] : []),
    `saturated gates: ${gates.length > 0 ? gates.join(", ") : "none"}`,
    ...(deadUnits.length > 0 ? [`${deadUnits.length} dead unit${deadUnits.length === 1 ? "" : "s"}`] : []),
  ];
  const legend = hasDirect
    ? `${pc.bold("━")} both paths, ${pc.cyan("•")} direct, ${pc.yellow("×")} recurrent`
    : `${pc.bold("━")} through W_hh`;
  const curves: Curve[] = [
    { glyph: "━", colour: pc.bold, values: carried.total },
    ...(hasDirect
      ? [
          { glyph: "×", colour: pc.yellow, values: carried.recurrent },
          { glyph: "•", colour: pc.cyan, values: carried.direct },
        ]
      : []),
  ];
  return [
    `${pc.bold(`${several ? `${name}, ` : ""}${cell}: gradient left`)}   ${legend}`,
    drawCurves(curves),
    table(["", ...lags.map((lag) => `after ${lag}`), "halves in"], rows, []),
    ...wrap(`${facts.join("; ")}.`, 79).map((line) => pc.dim(line)),
  ];
}
