import pc from "picocolors";
import plot from "simple-ascii-chart";
import type { Series } from "./csv.ts";
import { rowName } from "./row-name.ts";

/** Size of the chart, which fits 80 columns with its axis, and the rows of data it shows. */
const WIDTH = 66;
const HEIGHT = 14;
const SHOWN = 34;
const TICKS = 5;

/** The last rows of the test part, truth as a line and forecasts as dots, for the terminal. */
export function drawForecast(of: {
  readonly truth: readonly number[];
  readonly forecast: readonly number[];
  readonly rows: readonly number[];
  readonly series: Series;
  readonly target: string;
  readonly unit: string;
}): string {
  const from = Math.max(0, of.rows.length - SHOWN);
  const [truth, forecast] = [of.truth.slice(from), of.forecast.slice(from)];
  const [low, high] = [Math.min(...truth, ...forecast), Math.max(...truth, ...forecast)];
  const digits = Math.max(0, 1 - Math.floor(Math.log10((high - low) / TICKS || 1)));
  const tick = (value: number) =>
    digits <= 6 && Math.abs(value) < 1e9 ? value.toFixed(digits) : String(Number(value.toPrecision(3)));
  const chart = plot(
    truth.map((value, k): [number, number] => [k, value]),
    {
      width: WIDTH,
      height: HEIGHT,
      yRange: [low, high],
      customYAxisTicks: Array.from({ length: TICKS }, (_, k) => low + ((high - low) * k) / (TICKS - 1)),
      formatter: (value, { axis }) => (axis === "y" ? tick(value) : ""),
      hideXAxisTicks: true,
      symbols: { point: "●" },
      points: forecast.map((y, x) => (pc.isColorSupported ? { x, y, color: "ansiCyan" as const } : { x, y })),
    },
  );
  const first = rowName(of.series, of.rows[from] as number);
  const last = rowName(of.series, of.rows.at(-1) as number);
  const title = `${of.target}${of.unit && ` (${of.unit})`}, ${first} to ${last}: ━ truth, ${pc.cyan("●")} forecast`;
  return `${title}\n${chart.trimEnd()}`;
}
