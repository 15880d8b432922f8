// `lstm-wasm predict`: the next row, or every row, by a model that `train` saved.
import { load } from "lstm-wasm";
import { writeFileAtomic } from "lstm-wasm/node";
import pc from "picocolors";
import { rowName } from "./chart.ts";
import { columnOf, readSeries, type Series } from "./csv.ts";
import { scaleRows } from "./dataset.ts";
import { UserError } from "./fail.ts";
import { readInput } from "./files.ts";
import { Forecaster } from "./forecaster.ts";

export interface PredictOptions {
  /** Forecast every row that has a window before it, too. */
  readonly all?: boolean;
  readonly json?: boolean;
  /** CSV file for the forecasts. */
  readonly out?: string;
}

/** The command. */
export async function predict(modelFile: string, dataFile: string, options: PredictOptions): Promise<void> {
  const [bytes, text] = await Promise.all([readInput(modelFile), readInput(dataFile)]);
  const forecaster = Forecaster.load(await load(), bytes);
  const { scaling, settings } = forecaster;
  const series = readSeries(dataFile, text.toString("utf8"));
  if (series.rows < settings.window)
    throw new UserError(
      `${dataFile}: expected at least ${settings.window} rows, the model's window, got ${series.rows}`,
    );
  const values = columnOf(series, "the model's target", scaling.target);
  const next = series.rows;
  const ends = options.all ? Array.from({ length: next - settings.window + 1 }, (_, k) => settings.window + k) : [next];
  const forecasts = forecaster.forecast(scaleRows(series, scaling), values, ends);
  const rows = ends.map((end, k) => ({
    row: end < next ? rowName(series, end) : nextName(series),
    forecast: forecasts[k] as number,
    truth: values[end] ?? null,
  }));
  if (options.out !== undefined) {
    const lines = rows.map(({ row, forecast, truth }) => `${row},${forecast},${truth ?? ""}`);
    await writeFileAtomic(options.out, `${series.dates?.column ?? "row"},forecast,truth\n${lines.join("\n")}\n`);
  }
  if (options.json) {
    console.log(JSON.stringify({ target: scaling.target, unit: settings.unit, forecasts: rows }, null, 1));
    return;
  }
  for (const { row, forecast, truth } of rows) {
    const value = `${forecast.toFixed(2)}${settings.unit && ` ${settings.unit}`}`;
    const line = `${row}  ${scaling.target}  ${truth === null ? pc.bold(value) : value}`;
    console.log(truth === null ? line : `${line}  ${pc.dim(`was ${truth}`)}`);
  }
}

/** The date behind the last one, at the distance of the two before it. */
function nextName(series: Series): string {
  const dates = series.dates?.values;
  const [before, last] = [dates?.at(-2), dates?.at(-1)];
  if (!before || !last) return rowName(series, series.rows);
  // Monthly and yearly dates keep their day; others their distance.
  const months = 12 * (last.getUTCFullYear() - before.getUTCFullYear()) + last.getUTCMonth() - before.getUTCMonth();
  const next = new Date(last);
  if (months > 0 && last.getUTCDate() === before.getUTCDate()) next.setUTCMonth(next.getUTCMonth() + months);
  else next.setTime(2 * last.getTime() - before.getTime());
  return rowName({ ...series, dates: { column: "", values: [next] } }, 0);
}
