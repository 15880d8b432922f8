// The report of a training of forecasts.
import * as Plot from "@observablehq/plot";
import { range } from "./dataset.ts";
import { figure } from "./figure.ts";
import { flowSection } from "./flow-page.ts";
import { type ForecastOutcome, lstmText, type Score } from "./outcome.ts";
import { lessBy } from "./print.ts";
import { escapeHtml, htmlTable, key, lossSection, page, svg, trainingFact, wholeTick } from "./report.ts";
import { rowName } from "./row-name.ts";

const COLOURS = { LSTM: "--accent", persistence: "--soft", climatology: "--warm" } as const;
const colourOf = (name: string) => COLOURS[name as keyof typeof COLOURS] ?? "--ink";

export async function renderForecastReport(
  outcome: ForecastOutcome,
  columns: readonly Float64Array[],
): Promise<string> {
  const { series, forecaster, options, parameters, parts, training, measure, scores, ends } = outcome;
  const { targets, inputs, settings } = forecaster;
  const { horizon, window } = settings;
  const names = targets.map(({ name }) => name).join(", ");
  // One forecast has the target's unit; errors of several are scaled by the typical change of each.
  const lossUnit = targets.length * horizon === 1 ? targets[0]?.unit : "typical changes";
  const seasonal = scores.some(({ name }) => name === "climatology");
  const baselines = `<p class="soft">Persistence repeats the last value.${seasonal ? " Climatology is the mean of the training part within a week of the same day of the year." : ""}</p>`;
  const sections = targets.map(({ name, unit }, k) => {
    const own = scores.filter(({ target }) => target === name);
    return [
      ...(targets.length > 1 ? [`<h2>${escapeHtml(name)}</h2>`, `<p>${escapeHtml(standing(own, unit))}</p>`] : []),
      horizon === 1 ? scoreTable(own, unit, ends.length) : horizonTable(own, unit),
      ...(k === 0 ? [baselines] : []),
      ...(horizon > 1 ? [horizonPlot(own, unit)] : []),
      `<h2>Forecast and truth${targets.length > 1 ? ` of ${escapeHtml(name)}` : ""}</h2>`,
      `<p class="soft">${key("--soft", "truth")}${key("--accent", horizon === 1 ? "forecast" : "1 row ahead")}${horizon > 1 ? key("--warm", `${horizon} rows ahead`) : ""}${escapeHtml(span(outcome))}</p>`,
      forecastPlot(outcome, columns[k] as Float64Array, k),
    ].join("\n");
  });
  return page({
    title: `${names}, ${horizon === 1 ? "one row" : `1 to ${horizon} rows`} ahead`,
    lead:
      targets.length === 1
        ? standing(scores, targets[0]?.unit ?? "")
        : `${targets.length} columns by one model, on ${ends.length} windows of rows that training never saw.`,
    body: [
      ...sections,
      lossSection(training, { ...measure, name: `${measure.name}${lossUnit && ` (${lossUnit})`}` }),
      flowSection(outcome.flow, "windows of the test part"),
    ],
    facts: [
      [
        "data",
        `${series.name}, ${series.rows} rows: ${parts.train.to} to train, ${parts.validation.to - parts.validation.from} to validate, ${parts.test.to - parts.test.from} to test, in the order of time`,
      ],
      [
        "inputs",
        `${inputs.features.join(", ")}${inputs.season ? ", sine and cosine of the time of year" : ""}; the last ${window} rows`,
      ],
      [
        "model",
        `${lstmText(options)}, linear output: ${parameters.toLocaleString("en")} parameters; it answers changes from the last row`,
      ],
      ["training", trainingFact(options, `batches of ${options.batch}`, training)],
    ],
  });
}

/** How the model stands against the best forecast without one, over all rows ahead. */
function standing(scores: readonly Score[], unit: string): string {
  const names = [...new Set(scores.map(({ name }) => name))];
  const total = (name: string) => {
    const own = scores.filter((score) => score.name === name);
    return Math.sqrt(own.reduce((sum, { rmse }) => sum + rmse ** 2, 0) / own.length);
  };
  const model = total("LSTM");
  const [rival, error] = names
    .filter((name) => name !== "LSTM")
    .map((name): [string, number] => [name, total(name)])
    .reduce((a, b) => (b[1] < a[1] ? b : a));
  const by = lessBy(model, error).replace("−", "");
  const ahead = Math.max(...scores.map((score) => score.ahead));
  const verdict =
    model < error ? `${by} less than ${rival}` : `${by} more than ${rival}, which is the better forecast here`;
  return `On the test part its root mean square error${ahead > 1 ? ` over ${ahead} rows ahead` : ""} is ${figure(model, 2)}${unit && ` ${unit}`}: ${verdict}.`;
}

const withUnit = (name: string, unit: string) => `${name}${unit && ` (${escapeHtml(unit)})`}`;

function scoreTable(scores: readonly Score[], unit: string, rows: number): string {
  return htmlTable(
    [`${rows} rows that training never saw`, withUnit("RMSE", unit), withUnit("MAE", unit)],
    scores.map(({ name, rmse, mae }) => [escapeHtml(name), figure(rmse), figure(mae)]),
  );
}

function horizonTable(scores: readonly Score[], unit: string): string {
  const names = [...new Set(scores.map(({ name }) => name))];
  const horizon = Math.max(...scores.map(({ ahead }) => ahead));
  const of = (name: string, ahead: number) =>
    scores.find((score) => score.name === name && score.ahead === ahead) as Score;
  const table = htmlTable(
    [
      "rows ahead",
      ...names.map((name) => withUnit(`${name} RMSE`, unit)),
      ...names.map((name) => withUnit(`${name} MAE`, unit)),
    ],
    Array.from({ length: horizon }, (_, k) => [
      String(k + 1),
      ...names.map((name) => figure(of(name, k + 1).rmse)),
      ...names.map((name) => figure(of(name, k + 1).mae)),
    ]),
    true,
  );
  return `<div class="wide">${table}</div>`;
}

function horizonPlot(scores: readonly Score[], unit: string): string {
  const names = [...new Set(scores.map(({ name }) => name))];
  const plot = svg("Error by row ahead", {
    height: 240,
    x: { label: "rows ahead", tickFormat: wholeTick },
    y: { label: `RMSE${unit && ` (${unit})`}`, grid: true, nice: true, zero: true },
    marks: [
      Plot.line(scores, {
        x: "ahead",
        y: "rmse",
        z: "name",
        stroke: (d: Score) => `var(${colourOf(d.name)})`,
        strokeWidth: 1.75,
      }),
      Plot.dot(scores, { x: "ahead", y: "rmse", fill: (d: Score) => `var(${colourOf(d.name)})`, r: 2.5 }),
    ],
  });
  return `<p class="soft">${names.map((name) => key(colourOf(name), name)).join("")}</p>\n${plot}`;
}

const span = ({ series, ends, forecaster }: ForecastOutcome): string =>
  `${rowName(series, ends[0] as number)} to ${rowName(series, (ends.at(-1) as number) + forecaster.settings.horizon - 1)}`;

function forecastPlot(
  { series, ends, forecasts, forecaster }: ForecastOutcome,
  column: Float64Array,
  k: number,
): string {
  const { targets, settings } = forecaster;
  const { name, unit } = targets[k] as (typeof targets)[number];
  const last = settings.horizon - 1;
  const at = (row: number) => series.dates?.values[row] ?? row + 1;
  const truth = range({ from: ends[0] as number, to: (ends.at(-1) as number) + last + 1 });
  const line = (step: number, colour: string) =>
    Plot.line(
      ends.map((end, b) => ({ at: at(end + step), forecast: forecasts[b]?.[step * targets.length + k] })),
      { x: "at", y: "forecast", stroke: `var(${colour})`, strokeWidth: 1.5 },
    );
  return svg(`Forecast and truth of ${name} on the test part`, {
    height: 320,
    x: { label: series.dates ? null : "row", type: series.dates ? "utc" : "linear" },
    y: { label: `${name}${unit && ` (${unit})`}`, grid: true, nice: true },
    marks: [
      Plot.line(
        truth.map((row) => ({ at: at(row), truth: column[row] })),
        { x: "at", y: "truth", stroke: "var(--soft)", strokeWidth: 1.25 },
      ),
      ...(last > 0 ? [line(last, "--warm")] : []),
      line(0, "--accent"),
    ],
  });
}
