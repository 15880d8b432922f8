import pc from "picocolors";
import plot from "simple-ascii-chart";
import type { Series } from "./csv.ts";

/** Columns and rows of the chart: it fits 80 columns with its axis. */
const WIDTH = 62;
const HEIGHT = 14;

/** The text of a row's date, or its number. */
export const rowName = (series: Series, row: number): string => {
  const date = series.dates?.values[row];
  return date ? date.toISOString().slice(0, date.getTime() % 86_400_000 === 0 ? 10 : 16).replace("T", " ") : `row ${row + 1}`;
};

/** The last rows of the test part, truth and forecast, as a chart for the terminal. */
export function drawForecast(of: {
  readonly truth: readonly number[];
  readonly forecast: readonly number[];
  readonly rows: readonly number[];
  readonly series: Series;
  readonly target: string;
  readonly unit: string;
}): string {
  const from = Math.max(0, of.rows.length - WIDTH);
  const line = (values: readonly number[]) => values.slice(from).map((value, k): [number, number] => [k, value]);
  const chart = plot([line(of.truth), line(of.forecast)], {
    width: WIDTH,
    height: HEIGHT,
    color: pc.isColorSupported ? ["ansiWhite", "ansiCyan"] : [],
    formatter: (value, { axis }) => (axis === "y" ? Math.round(value * 10) / 10 : ""),
    hideXAxisTicks: true,
  });
  const first = rowName(of.series, of.rows[from] as number);
  const last = rowName(of.series, of.rows.at(-1) as number);
  const title = `${of.target}${of.unit && ` (${of.unit})`}: ${pc.white("truth")} and ${pc.cyan("forecast")}, ${first} to ${last}`;
  return `${title}\n${chart.trimEnd()}`;
}
