// Classes of rows: what is trained, what it is measured against, and what predict makes of it.
import { readFileSync, writeFileSync } from "node:fs";
import { loadSync } from "lstm-wasm";
import { afterAll, describe, expect, test } from "vitest";
import { classPrior, logisticRegression } from "../../bindings/cli/baselines.ts";
import { Classifier, endsOfClasses } from "../../bindings/cli/classifier.ts";
import { readSeries } from "../../bindings/cli/csv.ts";
import { fitInputs, indicesOf, scaleRows } from "../../bindings/cli/dataset.ts";
import { loadModel } from "../../bindings/cli/load-model.ts";
import { createRandom } from "../../bindings/cli/random.ts";
import { classF1, classScores, namedScores } from "../../bindings/cli/scores.ts";
import { createFolder } from "../support/cli.ts";

const { path, remove, cli } = createFolder();
afterAll(remove);

/** A signal of ±1, and whether it and the one two rows before are alike: no logistic regression can tell. */
function createCsv(rows = 400): string {
  const random = createRandom(3);
  const signal = Array.from({ length: rows }, () => (random() < 0.5 ? -1 : 1));
  const lines = signal.map((value, k) => `${value},${value === (signal[k - 2] ?? 1) ? "alike" : "other"},${k % 2}`);
  return `signal,pair,even\n${lines.join("\n")}\n`;
}

const quick = ["--window", "4", "--hidden", "8", "--lr", "0.02", "--epochs", "40"];

test("an LSTM learns what logistic regression cannot, and predict names it", async () => {
  writeFileSync(path("data.csv"), createCsv());
  const { out } = await cli("train", "data.csv", "--target", "pair", ...quick, "--json");
  const { scores, classes, horizon } = JSON.parse(out);
  expect({ classes, horizon }).toEqual({ classes: ["alike", "other"], horizon: 0 });
  expect(scores.map(({ name }: { name: string }) => name)).toEqual(["LSTM", "logistic regression", "class prior"]);
  expect(scores[0].accuracy).toBeGreaterThan(0.95);
  expect(scores[1].accuracy).toBeLessThan(0.75);
  expect(scores[0].logLoss).toBeLessThan(scores[1].logLoss);
  const report = readFileSync(path("report.html"), "utf8");
  expect(report).toContain('class="plain confusion"');
  expect(report.match(/https?:\/\/(?!www\.w3\.org)|<script|NaN|undefined/)).toBeNull();

  // New rows need no column of the classes.
  writeFileSync(path("new.csv"), "signal,even\n-1,0\n1,1\n-1,0\n1,1\n");
  const [answer] = JSON.parse((await cli("predict", "model.safetensors", "new.csv", "--json")).out).predictions;
  expect(answer).toMatchObject({ row: "row 4", class: "alike", truth: null });
  expect(answer.probabilities.alike + answer.probabilities.other).toBeCloseTo(1, 6);
  const all = await cli("predict", "model.safetensors", "data.csv", "--all", "--out", "all.csv");
  expect(all.out.trim().split("\n").length).toBe(400 - 4 + 1);
  expect(readFileSync(path("all.csv"), "utf8").split("\n")[0]).toBe("row,class,truth,alike,other");
}, 60_000);

test("numbers as classes, a row ahead, from the classes so far", async () => {
  writeFileSync(path("data.csv"), createCsv());
  const args = ["--target", "even", "--classes", "--horizon", "1", ...quick, "--epochs", "10"];
  const { out, err } = await cli("train", "data.csv", ...args);
  expect(out).toContain("inputs    signal, even so far");
  expect(out).toContain("left out  pair (no numbers)");
  expect(out).toContain("persistence");
  expect(out.split("\n").filter((line) => line.length > 80)).toEqual([]);
  expect(err).toMatch(/^epoch 1 of 10: log loss train/);
  const predicted = await cli("predict", "model.safetensors", "data.csv");
  // Row 400 is odd, so row 401 is even.
  expect(predicted.out).toMatch(/^row 401 {2}even {2}0 \d+ %/);
}, 60_000);

describe("at the command line", () => {
  test.each<[string, string, string]>([
    ["a class that is missing", "a,b\n1,x\n2,\n", 'data.csv, line 3, column "b": expected a class, got an empty cell'],
    [
      "names instead of classes",
      `a,b\n${Array.from({ length: 101 }, (_, k) => `${k},x${k}`).join("\n")}\n`,
      '--target: expected a column of 2 to 100 classes, got "b" of 101 different cells',
    ],
    [
      "nothing to tell them by",
      `b\n${Array.from({ length: 40 }, (_, k) => (k % 2 ? "x" : "y")).join("\n")}\n`,
      "data.csv: expected a column of numbers to tell the classes by, got none",
    ],
  ])("%s", async (_, text, message) => {
    const rows = text.trim().split("\n");
    const filled = [...rows, ...Array.from({ length: 40 }, () => rows[1] as string)];
    writeFileSync(path("data.csv"), `${filled.join("\n")}\n`);
    const { code, err } = await cli("train", "data.csv", "--target", "b");
    expect(err.trim()).toBe(`lstm-wasm: ${message}`);
    expect(code).toBe(1);
  });

  test("a class that the model does not know", async () => {
    writeFileSync(path("data.csv"), createCsv());
    await cli("train", "data.csv", "--target", "pair", "--horizon", "1", ...quick, "--epochs", "1");
    writeFileSync(path("new.csv"), createCsv(10).replace("other", "third"));
    const { err } = await cli("predict", "model.safetensors", "new.csv");
    expect(err).toMatch(/^lstm-wasm: new\.csv, line \d+, column "pair": expected one of alike, other, got "third"\n$/);
  });
});

describe("the model", () => {
  const core = loadSync();
  const series = readSeries("data", createCsv(60));
  const inputs = fitInputs(series, ["signal"], 40);
  const labels = { name: "pair", classes: ["alike", "other"] };
  const settings = { window: 3, hidden: 4, layers: 2, dropout: 0.1, seed: 1, horizon: 1 };

  test("comes back from its file with the same probabilities", () => {
    const classifier = new Classifier(core, inputs, labels, settings);
    const again = loadModel(core, classifier.save()) as Classifier;
    expect(again).toMatchObject({ kind: "classifier", inputs, labels, settings });
    const rows = scaleRows(series, inputs, labels);
    expect(again.probabilities(rows, [3, 60])).toEqual(classifier.probabilities(rows, [3, 60]));
  });

  test("classes so far may be all it sees", () => {
    const none = fitInputs(series, [], 40);
    const classifier = new Classifier(core, none, labels, settings);
    const again = loadModel(core, classifier.save()) as Classifier;
    const rows = scaleRows(series, none, labels);
    expect(rows.width).toBe(2);
    expect(again.probabilities(rows, [60])).toEqual(classifier.probabilities(rows, [60]));
  });

  test("the class of a window is that of its own last row, or of the one that many rows on", () => {
    const classes = indicesOf(series, labels);
    const targets = (horizon: number) => {
      const classifier = new Classifier(core, inputs, labels, { ...settings, horizon });
      return [...classifier.batch(scaleRows(series, inputs, classifier.pastLabels), classes, [10, 11]).target.data];
    };
    expect(targets(0)).toEqual(classes.slice(9, 11));
    expect(targets(2)).toEqual(classes.slice(11, 13));
    expect(endsOfClasses({ from: 20, to: 22 }, { ...settings, horizon: 0 })).toEqual([21, 22]);
    expect(endsOfClasses({ from: 20, to: 22 }, { ...settings, horizon: 2 })).toEqual([19, 20]);
  });
});

describe("scores", () => {
  test("by hand", () => {
    const { accuracy, macroF1, logLoss, confusion } = classScores(
      [
        [0.7, 0.2, 0.1],
        [0.3, 0.6, 0.1],
        [0.5, 0.4, 0.1],
      ],
      [0, 1, 1],
    );
    expect(confusion).toEqual([
      [1, 0, 0],
      [1, 1, 0],
      [0, 0, 0],
    ]);
    expect(accuracy).toBeCloseTo(2 / 3, 12);
    // The third class neither is nor is named.
    expect(macroF1).toBeCloseTo((2 / 3 + 2 / 3) / 2, 12);
    expect(logLoss).toBeCloseTo(-Math.log(0.7 * 0.6 * 0.4) / 3, 12);
    expect(classF1(confusion, 1)).toEqual({ precision: 1, recall: 0.5, f1: 2 / 3, rows: 2 });
    expect(classF1(confusion, 2)).toEqual({ precision: null, recall: null, f1: null, rows: 0 });
    expect(namedScores([0, 1], [0, 0], 2)).toMatchObject({ accuracy: 0.5, logLoss: null });
  });

  test("no class is impossible to the prior", () => {
    expect(classPrior([0, 0, 1], 3)).toEqual([3 / 6, 2 / 6, 1 / 6]);
  });

  test("logistic regression finds the probabilities of a table", async () => {
    // Of 30 rows with x = 1, 24 are of class 1; of 30 with x = −1, 6 are.
    const values = Array.from({ length: 60 }, (_, k) => (k < 30 ? 1 : -1));
    const labels = values.map((x, k) => (k % 5 === 0 ? (x > 0 ? 0 : 1) : x > 0 ? 1 : 0));
    const part = { x: { data: Float32Array.from(values), shape: [60, 1] }, labels };
    const x = { data: Float32Array.of(1, -1), shape: [2, 1] };
    const [up, down] = await logisticRegression(loadSync(), { train: part, validation: part, x }, 2, 1);
    expect(up?.[1]).toBeCloseTo(0.8, 2);
    expect(down?.[1]).toBeCloseTo(0.2, 2);
  });

  test("logistic regression ends within seconds however many rows there are", async () => {
    const [B, I, C] = [8000, 200, 10];
    const random = createRandom(1);
    const data = Float32Array.from({ length: B * I }, () => 2 * random() - 1);
    const labels = Array.from({ length: B }, (_, b) => Math.floor(5 + 2 * (data[b * I] as number) + 3 * random()));
    const part = { x: { data, shape: [B, I] }, labels };
    const started = performance.now();
    await logisticRegression(loadSync(), { train: part, validation: part, x: part.x }, C, 1);
    // 5000 updates of all rows take a minute and a half.
    expect(performance.now() - started).toBeLessThan(30_000);
  });

  test("logistic regression of next day's weather does not learn the training part by heart", async () => {
    const { out } = await cli("train", "--target", "weather", "--horizon", "1", "--epochs", "1", "--json");
    const [, logistic] = JSON.parse(out).scores;
    // Without a penalty on its weights: 1.06 nats, 60.7 % right.
    expect(logistic.logLoss).toBeLessThan(0.98);
    expect(logistic.accuracy).toBeGreaterThan(0.63);
  });
});
