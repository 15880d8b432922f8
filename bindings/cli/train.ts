// `lstm-wasm train`: which kind of model is asked for, and on what.
import { readSeries, type Series } from "./csv.ts";
import seattle from "./data/seattle-weather.csv";
import { UserError } from "./fail.ts";
import { checkApart, readText } from "./files.ts";
import { checkpointOf, type GivenOptions, settle } from "./options.ts";

const SEATTLE_UNITS: Readonly<Record<string, string>> = {
  temp_max: "°C",
  temp_min: "°C",
  precipitation: "mm",
  wind: "m/s",
};

/** The command. */
export async function train(file: string | undefined, given: GivenOptions): Promise<void> {
  await checkApart(
    [file, ...(given.text ?? [])].map((name) => ["the data", name]),
    [
      ["--out", given.out],
      ["--report", given.report],
      ["--checkpoint", checkpointOf(given)],
    ],
  );
  if (given.text) {
    if (file !== undefined) throw new UserError(`--text: expected no data beside it, got ${file}`);
    for (const option of ["target", "horizon", "unit", "classes"] as const)
      if (given[option] !== undefined) throw new UserError(`--${option}: expected none beside --text, got one`);
    const { trainText } = await import("./text.ts");
    return trainText(given.text, settle(given, "text"));
  }
  if (given.embedding !== undefined) throw new UserError("--embedding: expected --text beside it, got none");
  const options = settle(given, "series");
  const series =
    file === undefined ? readSeries("the Seattle weather data", seattle) : readSeries(file, await readText(file));
  const targets = targetsOf(series, given.target ?? (file === undefined ? ["temp_max"] : []));
  const text = targets.find((name) => series.texts.has(name));
  if (text !== undefined || given.classes) {
    if (targets.length > 1)
      throw new UserError(
        `--target: expected columns of numbers to forecast, or one of classes, got "${text ?? targets[0]}" among ${targets.length}`,
      );
    if (given.unit !== undefined) throw new UserError("--unit: expected none beside a target of classes, got one");
    const { trainClassifier } = await import("./classify.ts");
    return trainClassifier(series, targets[0] as string, options);
  }
  if (given.horizon === 0) throw new UserError("--horizon: expected at least 1 row ahead to forecast, got 0");
  const units =
    given.unit?.split(",") ?? targets.map((name) => (file === undefined ? (SEATTLE_UNITS[name] ?? "") : ""));
  if (units.length !== targets.length)
    throw new UserError(`--unit: expected one for each of ${targets.length} targets, got ${units.length}`);
  const { trainForecaster } = await import("./forecast.ts");
  return trainForecaster(
    series,
    targets.map((name, k) => ({ name, unit: units[k] as string })),
    options,
  );
}

/** The columns that --target names: each by itself, or several with commas between them. */
function targetsOf(series: Series, given: readonly string[]): string[] {
  const columns = [...series.numbers.keys(), ...series.texts.keys()];
  const list = columns.join(", ");
  if (given.length === 0)
    throw new UserError(`--target: expected the column to forecast or classify (${list}), got none`);
  const names = given.flatMap((text) => (columns.includes(text) ? [text] : text.split(",").map((name) => name.trim())));
  const unknown = names.find((name) => !columns.includes(name));
  if (unknown !== undefined)
    throw new UserError(`--target: expected a column of ${series.name} (${list}), got "${unknown}"`);
  const twice = names.find((name, k) => names.indexOf(name) < k);
  if (twice !== undefined) throw new UserError(`--target: expected each column once, got "${twice}" twice`);
  return names;
}
