// `lstm-wasm train` on a column of classes, beside the classes' shares and logistic regression.
import { load } from "lstm-wasm";
import { GradientFlow } from "lstm-wasm/flow";
import pc from "picocolors";
import { classPrior, logisticRegression } from "./baselines.ts";
import { Classifier, endsOfClasses } from "./classifier.ts";
import type { Series } from "./csv.ts";
import {
  cellsOf,
  checkRows,
  chunks,
  fitInputs,
  indicesOf,
  type Labels,
  type Parts,
  type Rows,
  range,
  scaleRows,
  split,
  spread,
} from "./dataset.ts";
import { UserError } from "./fail.ts";
import type { TrainOptions } from "./options.ts";
import {
  CLASS_MEASURE,
  type ClassOutcome,
  type ClassScore,
  countParameters,
  inputNames,
  lstmText,
  whichRow,
} from "./outcome.ts";
import { heading, percent, printer, table, trained, writeReport } from "./print.ts";
import { shuffle } from "./random.ts";
import { identify } from "./run-checkpoint.ts";
import { type ClassScores, classF1, classScores, namedScores } from "./scores.ts";
import { runTraining } from "./training.ts";
import { EVALUATION_BATCH } from "./window-net.ts";

/** More classes than this are names, or numbers, rather than classes. */
const MOST_CLASSES = 100;

export async function trainClassifier(series: Series, target: string, options: TrainOptions): Promise<void> {
  const say = printer(options);
  const { window, horizon = 0, hidden, layers, dropout, seed, batch } = options;
  checkRows(series, window, horizon);
  const labels = findClasses(series, target);
  const classes = indicesOf(series, labels);
  const parts = split(series.rows, window);
  const features = [...series.numbers.keys()].filter((name) => name !== target);
  if (features.length === 0 && horizon === 0 && !series.dates)
    throw new UserError(`${series.name}: expected a column of numbers to tell the classes by, got none`);
  const inputs = fitInputs(series, features, parts.train.to);
  const classifier = new Classifier(await load(), inputs, labels, { window, horizon, hidden, layers, dropout, seed });
  const rows = scaleRows(series, inputs, classifier.pastLabels);
  const parameters = countParameters(classifier.model);
  const others = [...series.texts.keys()].filter((name) => name !== target);
  const count = (part: keyof Parts) => range(parts[part]).length;
  say(
    heading(`Classifying ${target} of ${whichRow(horizon, window)}, in ${series.name}`, [
      ["classes", labels.classes.join(", ")],
      ["inputs", inputNames(classifier).join(", ")],
      ...(others.length > 0 ? [["left out", `${others.join(", ")} (no numbers)`] as const] : []),
      ["model", `${lstmText(options)} and a linear output, ${parameters.toLocaleString("en")} parameters`],
      ["rows", `${parts.train.to} to train, ${count("validation")} to validate, ${count("test")} to test`],
    ]),
  );

  const ends = Object.fromEntries(
    Object.entries(parts).map(([name, part]) => [name, endsOfClasses(part, classifier.settings)]),
  ) as Record<keyof Parts, number[]>;
  const batches = (all: readonly number[], size: number) =>
    chunks(all, size).map((some) => classifier.batch(rows, classes, some));
  const training = await runTraining(
    {
      ...{ model: classifier.model, loss: classifier.loss, measure: CLASS_MEASURE },
      save: () => classifier.save(),
      batches: (epoch) => batches(shuffle(ends.train, seed * 65_537 + epoch), batch),
      updates: Math.ceil(ends.train.length / batch),
      validation: batches(ends.validation, EVALUATION_BATCH),
      identity: identify("classifier", [series.text], options, { "--target": target, "--horizon": horizon }),
    },
    options,
  );

  const outcome: ClassOutcome = {
    ...{ series, classifier, options, parameters, parts, training },
    scores: await score(classifier, rows, classes, ends, seed),
    rows: ends.test.map((end) => classifier.rowOf(end)),
    flow: new GradientFlow(classifier.model).measure(
      classifier.batch(rows, classes, spread(ends.test, EVALUATION_BATCH)),
      classifier.loss,
    ),
  };
  const { renderClassReport } = await import("./classify-report.ts");
  const files = await writeReport(await renderClassReport(outcome), options);
  if (options.json) printJson(outcome);
  else printOutcome(outcome, say, files);
}

/** The classes of a column, in alphabetical order. */
function findClasses(series: Series, name: string): Labels {
  const cells = cellsOf(series, name) as readonly string[];
  const empty = cells.indexOf("");
  if (empty >= 0)
    throw new UserError(
      `${series.name}, line ${series.line(empty)}, column "${name}": expected a class, got an empty cell`,
    );
  const classes = [...new Set(cells)].sort();
  if (classes.length < 2 || classes.length > MOST_CLASSES)
    throw new UserError(
      `--target: expected a column of 2 to ${MOST_CLASSES} classes, got "${name}" of ${classes.length === 1 ? `"${classes[0]}" alone` : `${classes.length} different cells`}`,
    );
  return { name, classes };
}

/** The model's test scores, and those of what needs no LSTM. */
async function score(
  classifier: Classifier,
  rows: Rows,
  classes: readonly number[],
  ends: Record<keyof Parts, number[]>,
  seed: number,
): Promise<[ClassScore, ...ClassScore[]]> {
  const { window, horizon } = classifier.settings;
  const C = classifier.labels.classes.length;
  const labelsOf = (some: readonly number[]) => some.map((end) => classes[classifier.rowOf(end)] as number);
  const truth = labelsOf(ends.test);
  const flat = (some: readonly number[]) => {
    const { width } = rows;
    const data = Float32Array.from({ length: some.length * window * width }, (_, k) => {
      const [b, at] = [Math.floor(k / (window * width)), k % (window * width)];
      return rows.data[((some[b] as number) - window) * width + at] as number;
    });
    return { data, shape: [some.length, window * width] };
  };
  const labelled = (some: readonly number[]) => ({ x: flat(some), labels: labelsOf(some) });
  const logistic = await logisticRegression(
    classifier.model.core,
    { train: labelled(shuffle(ends.train, seed)), validation: labelled(ends.validation), x: flat(ends.test) },
    C,
    seed,
  );
  const prior = classPrior(labelsOf(ends.train), C);
  const scores: [ClassScore, ...ClassScore[]] = [
    { name: "LSTM", ...classScores(classifier.probabilities(rows, ends.test), truth) },
    { name: "logistic regression", ...classScores(logistic, truth) },
  ];
  // The class of the window's last row is known where a later row is asked for.
  if (horizon > 0) {
    const named = ends.test.map((end) => classes[end - 1] as number);
    scores.push({ name: "persistence", ...namedScores(named, truth, C) });
  }
  scores.push({
    name: "class prior",
    ...classScores(
      truth.map(() => prior),
      truth,
    ),
  });
  return scores;
}

function printJson({ classifier, options, training, scores, flow }: ClassOutcome): void {
  const { name, classes } = classifier.labels;
  const { seconds, epochs, best } = training;
  const text = {
    ...{ target: name, classes, horizon: classifier.settings.horizon, seed: options.seed },
    ...{ seconds, epochs: epochs.length, best: best.epoch + 1, validation: best.validation },
    ...{ scores, gradientNorms: flow.slices.at(-1)?.dh, model: options.out, report: options.report },
  };
  console.log(JSON.stringify(text, null, 1));
}

function printOutcome(
  { training, options, scores, classifier, rows }: ClassOutcome,
  say: (text: string) => void,
  files: string,
) {
  const { classes } = classifier.labels;
  say(trained(training, CLASS_MEASURE, options));
  const lines = scores.map(({ name, accuracy, macroF1, logLoss }) => [
    name,
    percent(accuracy),
    macroF1.toFixed(3),
    logLoss?.toFixed(3) ?? "–",
  ]);
  say(table([`on ${rows.length} untouched rows`, "accuracy", "macro F1", "log loss (nats)"], lines));
  say(`\n${drawConfusion(scores[0].confusion, classes)}\n`);
  say(files);
}

/** Rows by true and by named class, hits bold; many classes are left to the report. */
function drawConfusion(confusion: ClassScores["confusion"], classes: readonly string[]): string {
  const short = (name: string) => (name.length > 10 ? `${name.slice(0, 9)}…` : name);
  const lines = confusion.map((row, k) => {
    const { f1 } = classF1(confusion, k);
    const cells = row.map((n, j) => (n === 0 ? pc.dim("·") : j === k ? pc.bold(String(n)) : String(n)));
    return [short(classes[k] as string), ...cells, f1?.toFixed(2) ?? "–"];
  });
  const drawn = table(["is ↓  named →", ...classes.map(short), "F1"], lines, []);
  const width = (drawn.split("\n")[0] as string).replace(
    new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, "g"),
    "",
  ).length;
  return width <= 80 ? drawn : "The table of true and named classes is in the report: it is too wide for here.";
}
