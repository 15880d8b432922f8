// `lstm-wasm train` on columns of numbers: forecasts of one or more rows ahead, beside what needs no model.
import { load } from "lstm-wasm";
import { GradientFlow } from "lstm-wasm/flow";
import { climatology, persistence } from "./baselines.ts";
import { drawForecast } from "./chart.ts";
import { columnOf, type Series } from "./csv.ts";
import { checkRows, chunks, fitInputs, type Parts, range, scaleRows, split, spread } from "./dataset.ts";
import { figure } from "./figure.ts";
import { endsOf, Forecaster, fitTarget, type Target } from "./forecaster.ts";
import type { TrainOptions } from "./options.ts";
import { countParameters, type ForecastOutcome, lstmText, type Score } from "./outcome.ts";
import { heading, lessBy, printer, table, trained, writeReport } from "./print.ts";
import { shuffle } from "./random.ts";
import { identify } from "./run-checkpoint.ts";
import { errors } from "./scores.ts";
import { runTraining } from "./training.ts";
import { EVALUATION_BATCH } from "./window-net.ts";

export async function trainForecaster(
  series: Series,
  wanted: readonly Pick<Target, "name" | "unit">[],
  options: TrainOptions,
): Promise<void> {
  const say = printer(options);
  const { window, horizon = 1, hidden, layers, dropout, seed, batch } = options;
  checkRows(series, window, horizon);
  const columns = wanted.map(({ name }) => columnOf(series, "--target", name));
  const parts = split(series.rows, window);
  const inputs = fitInputs(series, [...series.numbers.keys()], parts.train.to);
  const targets = wanted.map(({ name, unit }) => fitTarget(series, name, unit, horizon, parts.train.to));
  const rows = scaleRows(series, inputs);
  const forecaster = new Forecaster(await load(), inputs, targets, { window, horizon, hidden, layers, dropout, seed });
  const parameters = countParameters(forecaster.model);
  const names = targets.map(({ name, unit }) => `${name}${unit && ` (${unit})`}`).join(", ");
  const count = (part: keyof Parts) => range(parts[part]).length;
  say(
    heading(`Forecasting ${names} ${aheadText(horizon)}from the last ${window} rows of ${series.name}`, [
      ["inputs", `${inputs.features.join(", ")}${inputs.season ? ", time of year" : ""}`],
      ...(series.texts.size > 0 ? [["left out", `${[...series.texts.keys()].join(", ")} (no numbers)`] as const] : []),
      ["model", `${lstmText(options)} and a linear output, ${parameters.toLocaleString("en")} parameters`],
      ["rows", `${parts.train.to} to train, ${count("validation")} to validate, ${count("test")} to test`],
    ]),
  );

  const ends = endsOf(parts.train, horizon);
  const batches = (all: readonly number[], size: number) =>
    chunks(all, size).map((some) => forecaster.batch(rows, columns, some));
  // Losses are squared, in units of the typical change; with one forecast there is one such unit.
  const [{ change: [size = 1] = [] } = { change: [1] }] = targets;
  const single = targets.length * horizon === 1;
  const measure = {
    name: single ? "RMSE" : "scaled RMSE",
    of: (loss: number) => (single ? size : 1) * Math.sqrt(loss),
  };
  const training = await runTraining(
    {
      ...{ model: forecaster.model, loss: forecaster.loss, measure },
      save: () => forecaster.save(),
      batches: (epoch) => batches(shuffle(ends, seed * 65_537 + epoch), batch),
      updates: Math.ceil(ends.length / batch),
      validation: batches(endsOf(parts.validation, horizon), EVALUATION_BATCH),
      identity: identify("forecaster", [series.text], options, {
        "--target": targets.map(({ name }) => name).join(","),
        "--horizon": horizon,
      }),
    },
    options,
  );

  const test = endsOf(parts.test, horizon);
  const forecasts = forecaster.forecast(rows, columns, test);
  const scores = targets.flatMap(({ name }, k) => {
    const column = columns[k] as Float64Array;
    const ofRows = climatology(series, column, parts.train, range(parts.test));
    return Array.from({ length: horizon }, (_, step) => {
      const at = test.map((end) => end + step);
      const truth = at.map((row) => column[row] as number);
      const seasonal = ofRows && at.map((row) => ofRows[row - parts.test.from] as number);
      const ways: [string, readonly number[]][] = [
        ["LSTM", forecasts.map((row) => row[step * targets.length + k] as number)],
        ["persistence", persistence(column, at, step + 1)],
        ...(seasonal ? [["climatology", seasonal] as [string, number[]]] : []),
      ];
      return ways.map(([way, values]) => ({ target: name, ahead: step + 1, name: way, ...errors(values, truth) }));
    }).flat();
  });
  const outcome: ForecastOutcome = {
    ...{ series, forecaster, options, parameters, parts, training, measure, scores, ends: test, forecasts },
    flow: new GradientFlow(forecaster.model).measure(
      forecaster.batch(rows, columns, spread(test, EVALUATION_BATCH)),
      forecaster.loss,
    ),
  };
  const { renderForecastReport } = await import("./forecast-report.ts");
  const files = await writeReport(await renderForecastReport(outcome, columns), options);
  if (options.json) printJson(outcome);
  else printOutcome(outcome, columns, say, files);
}

const aheadText = (horizon: number): string => (horizon === 1 ? "" : `1 to ${horizon} rows ahead, `);

function printJson({ forecaster, options, training, scores, flow }: ForecastOutcome): void {
  const { targets } = forecaster;
  const { seconds, epochs, best } = training;
  const text = {
    ...{ target: targets.map(({ name }) => name).join(","), unit: targets.map(({ unit }) => unit).join(",") },
    ...{ horizon: options.horizon ?? 1, seed: options.seed, seconds, epochs: epochs.length, best: best.epoch + 1 },
    ...{ scores, gradientNorms: flow.slices.at(-1)?.dh, model: options.out, report: options.report },
  };
  console.log(JSON.stringify(text, null, 1));
}

function printOutcome(
  outcome: ForecastOutcome,
  columns: readonly Float64Array[],
  say: (text: string) => void,
  files: string,
): void {
  const { training, measure, options, forecaster, scores, ends, forecasts, series } = outcome;
  const { targets, settings } = forecaster;
  say(trained(training, measure, options));
  for (const { name, unit } of targets) {
    const own = scores.filter(({ target }) => target === name);
    const on = targets.length === 1 ? `on ${ends.length} untouched rows` : `${name}, ${ends.length} rows`;
    say(settings.horizon === 1 ? oneAhead(own, unit, on) : severalAhead(own, name, unit, ends.length));
  }
  targets.forEach(({ name, unit }, k) => {
    const last = settings.horizon - 1;
    const forecast = forecasts.map((row) => row[last * targets.length + k] as number);
    const rows = ends.map((end) => end + last);
    const truth = rows.map((row) => columns[k]?.[row] as number);
    const target = settings.horizon === 1 ? name : `${name}, ${settings.horizon} rows ahead`;
    say(`\n${drawForecast({ truth, forecast, rows, series, target, unit })}\n`);
  });
  say(files);
}

function oneAhead(scores: readonly Score[], unit: string, on: string): string {
  const [model] = scores as readonly [Score];
  return table(
    [on, ...["RMSE", "MAE"].map((name) => `${name}${unit && ` (${unit})`}`), "LSTM's RMSE lower by"],
    scores.map(({ name, rmse, mae }, k) => [name, figure(rmse), figure(mae), k === 0 ? "" : lessBy(model.rmse, rmse)]),
  );
}

/** RMSE by row ahead, a column for each way to forecast. */
function severalAhead(scores: readonly Score[], target: string, unit: string, rows: number): string {
  const names = [...new Set(scores.map(({ name }) => name))];
  const horizon = Math.max(...scores.map(({ ahead }) => ahead));
  const body = Array.from({ length: horizon }, (_, k) => {
    const own = names.map(
      (name) => scores.find((score) => score.name === name && score.ahead === k + 1)?.rmse as number,
    );
    return [`${k + 1} ${k === 0 ? "row" : "rows"} ahead`, ...own.map((rmse) => figure(rmse))];
  });
  return table([`${target}: RMSE${unit && ` (${unit})`}, ${rows} windows`, ...names], body, []);
}
