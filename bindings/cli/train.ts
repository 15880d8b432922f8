// `lstm-wasm train`: a forecaster for a column of a time series, beside what needs no model.
import { SingleBar } from "cli-progress";
import Table from "cli-table3";
import { load } from "lstm-wasm";
import { writeFileAtomic } from "lstm-wasm/node";
import pc from "picocolors";
import { drawForecast } from "./chart.ts";
import { columnOf, readSeries, type Series } from "./csv.ts";
import seattle from "./data/seattle-weather.csv";
import { climatology, errors, fitScaling, leastRows, persistence, range, scaleRows, split } from "./dataset.ts";
import { UserError } from "./fail.ts";
import { readInput } from "./files.ts";
import { type Epoch, Forecaster } from "./forecaster.ts";
import type { Outcome, Score, TrainOptions } from "./outcome.ts";

/** The command. */
export async function train(file: string | undefined, options: TrainOptions): Promise<void> {
  const { series, target, unit } = await readData(file, options);
  const say = options.json ? () => {} : (text: string) => console.log(text);
  const parts = split(series.rows, options.window);
  if (series.rows < leastRows(options.window))
    throw new UserError(
      `${series.name}: expected at least ${leastRows(options.window)} rows for a window of ${options.window}, got ${series.rows}`,
    );
  const values = columnOf(series, "--target", target);
  const scaling = fitScaling(series, target, parts.train.to);
  const rows = scaleRows(series, scaling);
  const { window, hidden, seed } = options;
  const forecaster = new Forecaster(await load(), scaling, { window, hidden, seed, unit });
  const parameters = forecaster.model.parameters.reduce((sum, { size }) => sum + size, 0);
  say(pc.bold(`Forecasting ${target}${unit && ` (${unit})`} from the last ${options.window} rows of ${series.name}`));
  say(pc.dim(`inputs    ${scaling.features.join(", ")}${scaling.season ? ", time of year" : ""}`));
  if (series.texts.length > 0) say(pc.dim(`left out  ${series.texts.join(", ")} (no numbers)`));
  say(
    pc.dim(
      `model     LSTM of ${options.hidden} units and a linear output, ${parameters.toLocaleString("en")} parameters`,
    ),
  );
  say(
    pc.dim(
      `rows      ${parts.train.to} to train, ${range(parts.validation).length} to validate, ${range(parts.test).length} to test\n`,
    ),
  );

  const started = performance.now();
  const abort = new AbortController();
  const interrupt = () => abort.abort(new UserError("interrupted: nothing was written"));
  process.once("SIGINT", interrupt);
  const epochs: Epoch[] = [];
  const progress = options.json ? null : createProgress(options.epochs);
  try {
    for await (const epoch of forecaster.fit(rows, values, parts, { ...options, signal: abort.signal })) {
      epochs.push(epoch);
      progress?.update(epoch, scaling.change);
    }
  } finally {
    progress?.stop();
    process.removeListener("SIGINT", interrupt);
  }
  const seconds = (performance.now() - started) / 1000;

  const test = range(parts.test);
  const truth = test.map((row) => values[row] as number);
  const forecast = forecaster.forecast(rows, values, test);
  const seasonal = climatology(series, values, parts.train, test);
  const scores: [Score, ...Score[]] = [
    { name: "LSTM", ...errors(forecast, truth) },
    { name: "persistence", ...errors(persistence(values, test), truth) },
  ];
  if (seasonal) scores.push({ name: "climatology", ...errors(seasonal, truth) });
  const gradientNorms = forecaster.gradientNorms(rows, values, test);
  const outcome: Outcome = {
    ...{
      series,
      target,
      unit,
      options,
      parameters,
      parts,
      epochs,
      scores,
      rows: test,
      truth,
      forecast,
      gradientNorms,
      seconds,
    },
  };
  const { renderReport } = await import("./report.ts");
  await writeFileAtomic(options.out, forecaster.save());
  await writeFileAtomic(options.report, await renderReport(outcome));
  if (options.json) {
    console.log(
      JSON.stringify(
        {
          target,
          unit,
          seed: options.seed,
          seconds,
          epochs: epochs.length,
          scores,
          gradientNorms,
          model: options.out,
          report: options.report,
        },
        null,
        1,
      ),
    );
    return;
  }
  printOutcome(outcome, say);
}

async function readData(
  file: string | undefined,
  options: TrainOptions,
): Promise<{ series: Series; target: string; unit: string }> {
  if (file === undefined) {
    const target = options.target ?? "temp_max";
    const units: Record<string, string> = { temp_max: "°C", temp_min: "°C", precipitation: "mm", wind: "m/s" };
    const series = readSeries("the Seattle weather data", seattle);
    columnOf(series, "--target", target);
    return { series, target, unit: options.unit ?? units[target] ?? "" };
  }
  const series = readSeries(file, (await readInput(file)).toString("utf8"));
  if (options.target === undefined)
    throw new UserError(
      `--target: expected the column to forecast (${[...series.numbers.keys()].join(", ")}), got none`,
    );
  columnOf(series, "--target", options.target);
  return { series, target: options.target, unit: options.unit ?? "" };
}

/** A live bar in a terminal, a line now and then elsewhere. */
function createProgress(epochs: number): { update(epoch: Epoch, change: number): void; stop(): void } {
  let best = Number.POSITIVE_INFINITY;
  const texts = ({ train, validation }: Epoch, change: number) => {
    best = Math.min(best, validation);
    const rmse = (loss: number) => (change * Math.sqrt(loss)).toFixed(3);
    return { train: rmse(train), validation: rmse(validation), best: rmse(best) };
  };
  if (!process.stderr.isTTY) {
    const every = Math.max(1, Math.round(epochs / 10));
    return {
      update: (epoch, change) => {
        const { train, validation, best: lowest } = texts(epoch, change);
        if (epoch.epoch % every === 0)
          console.error(
            `epoch ${epoch.epoch + 1} of ${epochs}: RMSE train ${train}, validation ${validation}, best ${lowest}`,
          );
      },
      stop: () => {},
    };
  }
  const bar = new SingleBar({
    format: `${pc.cyan("{bar}")} {value}/{total}  RMSE train {train}, validation {validation} (best {best}), {eta_formatted} left`,
    barsize: 10,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    hideCursor: true,
    etaBuffer: 20,
  });
  bar.start(epochs, 0, { train: "–", validation: "–", best: "–" });
  return { update: (epoch, change) => bar.update(epoch.epoch + 1, texts(epoch, change)), stop: () => bar.stop() };
}

function printOutcome(outcome: Outcome, say: (text: string) => void): void {
  const { scores, epochs, seconds, target, unit, options, truth, forecast, rows, series } = outcome;
  const table = new Table({
    head: [
      `on ${rows.length} untouched rows`,
      `RMSE${unit && ` (${unit})`}`,
      `MAE${unit && ` (${unit})`}`,
      "RMSE against LSTM",
    ],
    colAligns: ["left", "right", "right", "right"],
    style: { head: [], border: pc.isColorSupported ? ["dim"] : [], compact: true },
  });
  const [model] = scores;
  for (const { name, rmse, mae } of scores) {
    const row = [
      name,
      rmse.toFixed(3),
      mae.toFixed(3),
      name === model.name ? "" : `${(100 * (rmse / model.rmse - 1)).toFixed(1).replace("-", "−")} %`,
    ];
    table.push(name === model.name ? row.map((cell) => pc.bold(cell)) : row);
  }
  const best = epochs.reduce((a, b) => (b.validation < a.validation ? b : a));
  say(`\n${epochs.length} epochs in ${seconds.toFixed(1)} s; the weights are those of epoch ${best.epoch + 1}.\n`);
  say(table.toString());
  say(`\n${drawForecast({ truth, forecast, rows, series, target, unit })}\n`);
  say(`model   ${options.out}`);
  say(`report  ${options.report}`);
}
