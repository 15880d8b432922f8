// A forecaster of a made-up series.
import type { loadSync } from "lstm-wasm";
import { readSeries } from "../../bindings/cli/csv.ts";
import { fitInputs, scaleRows, split } from "../../bindings/cli/dataset.ts";
import { Forecaster, fitTarget } from "../../bindings/cli/forecaster.ts";
import { createCsv } from "./cli.ts";

/** A small forecaster of the first rows, and what it takes. */
export function createForecaster(core: ReturnType<typeof loadSync>, count: number, horizon = 1, names = ["level"]) {
  const series = readSeries("data", createCsv(count));
  const parts = split(count, 5);
  const inputs = fitInputs(series, ["level", "weekday"], parts.train.to);
  const targets = names.map((name) => fitTarget(series, name, "m", horizon, parts.train.to));
  const settings = { window: 5, hidden: 4, layers: 1, dropout: 0, seed: 1, horizon };
  const forecaster = new Forecaster(core, inputs, targets, settings);
  const column = series.numbers.get("level") as Float64Array;
  return { series, parts, column, forecaster, rows: scaleRows(series, inputs) };
}
