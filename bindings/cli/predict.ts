// `lstm-wasm predict`: the next rows, or every row, by a model that `train` saved.
import { load } from "lstm-wasm";
import { writeFileAtomic } from "lstm-wasm/node";
import pc from "picocolors";
import type { Classifier } from "./classifier.ts";
import { columnOf, readSeries, type Series } from "./csv.ts";
import { cellsOf, type Rows, scaleRows } from "./dataset.ts";
import { UserError } from "./fail.ts";
import { figure } from "./figure.ts";
import { checkApart, readInput, readText } from "./files.ts";
import type { Forecaster } from "./forecaster.ts";
import { loadModel, ofFile } from "./load-model.ts";
import { percent } from "./print.ts";
import { nameOf } from "./row-name.ts";
import { likeliest } from "./scores.ts";

export interface PredictOptions {
  /** Answer for every row that has a window before it, too. */
  readonly all?: boolean;
  readonly json?: boolean;
  /** CSV file for the answers. */
  readonly out?: string;
}

/** What a kind of model answers: for people, for JSON, and for CSV. */
interface Answers {
  readonly lines: readonly string[];
  readonly json: object;
  readonly csv: readonly (readonly (string | number | null)[])[];
}

/** The command. */
export async function predict(modelFile: string, dataFile: string, options: PredictOptions): Promise<void> {
  await checkApart(
    [
      ["the model", modelFile],
      ["the data", dataFile],
    ],
    [["--out", options.out]],
  );
  const [bytes, text] = await Promise.all([readInput(modelFile), readText(dataFile)]);
  const core = await load();
  const model = ofFile(modelFile, () => loadModel(core, bytes));
  if (model.kind === "text")
    throw new UserError(
      `${modelFile}: expected a forecaster or a classifier, got a model of text; \`lstm-wasm sample\` runs it`,
    );
  const { window } = model.settings;
  const series = readSeries(dataFile, text);
  if (series.rows < window)
    throw new UserError(`${dataFile}: expected at least ${window} rows, the model's window, got ${series.rows}`);
  const next = series.rows;
  const ends = options.all ? Array.from({ length: next - window + 1 }, (_, k) => window + k) : [next];
  const { lines, json, csv } =
    model.kind === "forecaster" ? forecasts(model, series, ends) : classes(model, series, ends);
  if (options.out !== undefined) await writeFileAtomic(options.out, csv.map((row) => `${row.map(csvCell)}\n`).join(""));
  console.log(options.json ? JSON.stringify(json, null, 1) : lines.join("\n"));
}

function forecasts(forecaster: Forecaster, series: Series, ends: readonly number[]): Answers {
  const { targets, settings } = forecaster;
  const columns = targets.map(({ name }) => columnOf(series, "the model's target", name));
  const answers = forecaster.forecast(scaleRows(series, forecaster.inputs), columns, ends);
  const rows = ends.flatMap((end, b) =>
    (answers[b] as number[]).map((forecast, n) => {
      const [k, step] = [n % targets.length, Math.floor(n / targets.length)];
      const row = end + step;
      const { name, unit } = targets[k] as (typeof targets)[number];
      const truth = columns[k]?.[row] ?? null;
      return { row: nameOf(series, row), target: name, unit, ahead: step + 1, forecast, truth };
    }),
  );
  const several = targets.length * settings.horizon > 1;
  const day = series.dates?.column ?? "row";
  const [first] = targets as readonly [Forecaster["targets"][number]];
  return {
    lines: rows.map(({ row, target, unit, ahead, forecast, truth }) => {
      const value = `${figure(forecast, 2)}${unit && ` ${unit}`}`;
      const origin = settings.horizon > 1 && ends.length > 1 ? pc.dim(` ${ahead} ahead`) : "";
      const line = `${row}  ${target}${origin}  ${truth === null ? pc.bold(value) : value}`;
      return truth === null ? line : `${line}  ${pc.dim(`was ${truth}`)}`;
    }),
    json: several
      ? { targets: targets.map(({ name, unit }) => ({ name, unit })), horizon: settings.horizon, forecasts: rows }
      : {
          ...{ target: first.name, unit: first.unit },
          forecasts: rows.map(({ row, forecast, truth }) => ({ row, forecast, truth })),
        },
    csv: several
      ? [
          [day, "ahead", "target", "forecast", "truth"],
          ...rows.map(({ row, ahead, target, forecast, truth }) => [row, ahead, target, forecast, truth]),
        ]
      : [[day, "forecast", "truth"], ...rows.map(({ row, forecast, truth }) => [row, forecast, truth])],
  };
}

function classes(classifier: Classifier, series: Series, ends: readonly number[]): Answers {
  const { labels, pastLabels, inputs } = classifier;
  const scaled: Rows = scaleRows(series, inputs, pastLabels);
  const cells = cellsOf(series, labels.name);
  const rows = classifier.probabilities(scaled, ends).map((probabilities, b) => {
    const at = classifier.rowOf(ends[b] as number);
    return {
      row: nameOf(series, at),
      class: labels.classes[likeliest(probabilities)] as string,
      probabilities,
      truth: cells?.[at] || null,
    };
  });
  return {
    lines: rows.map(({ row, class: named, probabilities, truth }) => {
      const others = probabilities
        .map((p, k) => ({ p, name: labels.classes[k] as string }))
        .filter(({ name, p }) => name !== named && p >= 0.1)
        .sort((a, b) => b.p - a.p)
        .map(({ p, name }) => `, ${name} ${percent(p, 0)}`);
      const answer = `${pc.bold(named)} ${percent(Math.max(...probabilities), 0)}${pc.dim(others.join(""))}`;
      return `${row}  ${labels.name}  ${answer}${truth === null ? "" : pc.dim(`  was ${truth}`)}`;
    }),
    json: {
      target: labels.name,
      predictions: rows.map(({ probabilities, ...row }) => ({
        ...row,
        probabilities: Object.fromEntries(labels.classes.map((name, k) => [name, probabilities[k]])),
      })),
    },
    csv: [
      [series.dates?.column ?? "row", "class", "truth", ...labels.classes],
      ...rows.map(({ row, class: named, probabilities, truth }) => [row, named, truth, ...probabilities]),
    ],
  };
}

/** A cell of CSV: quoted where it has to be. */
const csvCell = (value: string | number | null): string => {
  const text = String(value ?? "");
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};
