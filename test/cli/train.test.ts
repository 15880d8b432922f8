import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { loadSync } from "lstm-wasm";
import { decodeSafetensors } from "lstm-wasm/io";
import { adam, Trainer } from "lstm-wasm/train";
import { afterAll, describe, expect, test } from "vitest";
import { climatology } from "../../bindings/cli/baselines.ts";
import { readSeries } from "../../bindings/cli/csv.ts";
import { fitInputs, gather, scaleRows, timeOfYear } from "../../bindings/cli/dataset.ts";
import { endsOf, Forecaster, fitTarget } from "../../bindings/cli/forecaster.ts";
import { shuffle } from "../../bindings/cli/random.ts";
import { nameOf } from "../../bindings/cli/row-name.ts";
import { errors } from "../../bindings/cli/scores.ts";
import { createCsv, createFolder } from "../support/cli.ts";
import { createForecaster } from "../support/forecaster.ts";

const { path, remove, cli } = createFolder();
afterAll(remove);

const quick = ["--target", "level", "--epochs", "8", "--hidden", "8", "--window", "12"];

describe("the command", () => {
  test("trains on a file, beats its baselines, and its model predicts", async () => {
    writeFileSync(path("data.csv"), createCsv());
    const trained = await cli("train", "data.csv", ...quick, "--unit", "m", "--json");
    expect(trained.err.match(/Error| {4}at /)).toBeNull();
    const { scores, epochs, gradientNorms } = JSON.parse(trained.out);
    expect(scores.map(({ name }: { name: string }) => name)).toEqual(["LSTM", "persistence", "climatology"]);
    expect(scores[0].rmse).toBeLessThan(0.5 * Math.min(scores[1].rmse, scores[2].rmse));
    expect(epochs).toBe(8);
    expect(gradientNorms.length).toBe(12);
    const { tensors, metadata } = decodeSafetensors(readFileSync(path("model.safetensors")));
    expect(Object.keys(tensors)).toEqual([
      "0.weight_ih_l0",
      "0.weight_hh_l0",
      "0.bias_ih_l0",
      "0.bias_hh_l0",
      "2.weight",
      "2.bias",
    ]);
    expect(metadata).toMatchObject({ format: "lstm-wasm model 1", kind: "forecaster" });
    expect(JSON.parse(metadata.inputs as string)).toMatchObject({ features: ["level", "weekday"], season: true });
    expect(JSON.parse(metadata.targets as string)).toMatchObject([{ name: "level", unit: "m" }]);
    const report = readFileSync(path("report.html"), "utf8");
    expect(report).toContain("<svg");
    expect(report.match(/https?:\/\/(?!www\.w3\.org)|<script|NaN|undefined/)).toBeNull();

    const predicted = JSON.parse((await cli("predict", "model.safetensors", "data.csv", "--json")).out);
    expect(predicted.forecasts).toMatchObject([{ row: "2021-12-31", truth: null }]);
    const k = 730;
    const truth = 10 + 8 * Math.sin((2 * Math.PI * k) / 365) + 3 * Math.sin((2 * Math.PI * k) / 10);
    expect(Math.abs(predicted.forecasts[0].forecast - truth)).toBeLessThan(1.5);
    const all = await cli("predict", "model.safetensors", "data.csv", "--all", "--out", "all.csv");
    expect(all.out.trim().split("\n").length).toBe(730 - 12 + 1);
    expect(readFileSync(path("all.csv"), "utf8").split("\n")[0]).toBe("day,forecast,truth");
  }, 60_000);

  test("names and units of any length stay within the page", async () => {
    const name = "x".repeat(300);
    writeFileSync(path("data.csv"), createCsv(200).replace("level", name));
    await cli("train", "data.csv", "--target", name, "--unit", "m", "--horizon", "3", "--epochs", "1", "--hidden", "4");
    const html = readFileSync(path("report.html"), "utf8");
    expect(html).toMatch(/h1, h2, p, dd \{ overflow-wrap: anywhere; \}/);
    expect(html).toMatch(/<div class="wide"><table[^>]*>\n<thead><tr><th>rows ahead/);
    expect(html).toContain("<th>LSTM RMSE (m)</th><th>persistence RMSE (m)</th><th>LSTM MAE (m)</th>");
  }, 60_000);

  test("says what it does, without colour where there is no terminal", async () => {
    writeFileSync(path("data.csv"), createCsv());
    const { out, err } = await cli("train", "data.csv", ...quick);
    expect(out).toContain("left out  sky (no numbers)");
    expect(out).toContain("persistence");
    expect(out).toContain("●");
    expect(err).toMatch(/^epoch 1 of 8: RMSE train/);
    expect((out + err).includes("\u001b[")).toBe(false);
    expect(out.split("\n").filter((line) => line.length > 80)).toEqual([]);
  }, 60_000);

  test("says as its report does by how much it is better", async () => {
    writeFileSync(path("data.csv"), createCsv());
    const { out } = await cli("train", "data.csv", ...quick, "--unit", "m");
    expect(out).toContain("LSTM's RMSE lower by");
    const shares = [...out.matchAll(/(persistence|climatology) .* (\d+\.\d %)/g)];
    expect(shares.length).toBe(2);
    const report = readFileSync(path("report.html"), "utf8");
    expect(
      shares.map(([, rival, share]) => `: ${share} less than ${rival}.`).some((text) => report.includes(text)),
    ).toBe(true);
    expect(report).toContain("RMSE (m)</text>");
  }, 60_000);

  test.each([1e-6, 1e-120, 1e120])("numbers around %d are shown, not their zeros", async (size) => {
    const rows = Array.from({ length: 100 }, (_, k) => size * (3 + Math.sin(k)));
    writeFileSync(path("data.csv"), `v\n${rows.join("\n")}\n`);
    const { code, out, err } = await cli("train", "data.csv", "--target", "v", "--epochs", "1", "--hidden", "4");
    expect(code).toBe(0);
    const exponent = size === 1e-6 ? "0.00000" : size < 1 ? "e-1" : "e+1";
    const [, rmse, mae] = (out.match(/persistence +│ +(\S+) │ +(\S+)/) as string[]).map(Number);
    expect(rmse).toBeGreaterThan(0.3 * size);
    expect(mae).toBeGreaterThan(0.3 * size);
    expect(out).toContain(exponent);
    expect(out.split("\n").filter((line) => line.length > 80)).toEqual([]);
    expect(err).not.toMatch(/ 0\.000/);
    expect(readFileSync(path("report.html"), "utf8")).not.toMatch(/0\.000<|is 0\.00:|NaN/);
    const predicted = (await cli("predict", "model.safetensors", "data.csv")).out.trim().split(" ").at(-1);
    expect(Number(predicted)).toBeGreaterThan(size);
  });

  test("a model that does not learn is left as it began, never worse than its best", async () => {
    const core = loadSync();
    const { series, rows, column, parts, forecaster } = createForecaster(core, 200);
    using trainer = new Trainer(forecaster.model, {
      loss: forecaster.loss,
      optimizer: adam({ lr: 0.05 }),
      clipNorm: 1,
    });
    const ends = endsOf(parts.validation, 1);
    const batches = [forecaster.batch(rows, [column], endsOf(parts.train, 1))];
    const validation = [forecaster.batch(rows, [column], ends)];
    const losses: number[] = [];
    for await (const { end } of trainer.fit(batches, { epochs: 30, validation, patience: 3 }))
      losses.push(end?.validation as number);
    const { rmse } = errors(
      forecaster.forecast(rows, [column], ends).map(([first]) => first as number),
      ends.map((end) => column[end] as number),
    );
    const { change } = fitTarget(series, "level", "m", 1, parts.train.to);
    expect((rmse / (change[0] as number)) ** 2).toBeCloseTo(Math.min(...losses), 4);
  });

  test("the same seed trains the same bits", async () => {
    writeFileSync(path("data.csv"), createCsv(300));
    const train = (out: string, seed: string) =>
      cli("train", "data.csv", ...quick, "--json", "--seed", seed, "--out", out);
    await train("a.safetensors", "5");
    await train("b.safetensors", "5");
    await train("c.safetensors", "6");
    const [a, b, c] = ["a", "b", "c"].map((name) => readFileSync(path(`${name}.safetensors`)));
    expect(a?.equals(b as Buffer)).toBe(true);
    expect(a?.equals(c as Buffer)).toBe(false);
  }, 60_000);
});

describe("the main job", () => {
  test.each([1, 2, 3])(
    "beats both baselines on the Seattle weather, seed %i",
    async (seed) => {
      const { out } = await cli("train", "--seed", String(seed), "--json");
      const { scores, unit } = JSON.parse(out);
      const [model, ...baselines] = scores;
      expect(baselines.length).toBe(2);
      expect(unit).toBe("°C");
      for (const { rmse, mae } of baselines) {
        expect(model.rmse).toBeLessThan(rmse);
        expect(model.mae).toBeLessThan(mae);
      }
    },
    60_000,
  );
});

describe("data", () => {
  test("scaling knows the training part alone", () => {
    const series = readSeries("data", createCsv(100));
    const spoiled = readSeries("data", createCsv(100).replace(/^(2020-03-2\d),[^,]+/gm, "$1,1e6"));
    expect(spoiled.numbers).not.toEqual(series.numbers);
    expect(fitInputs(spoiled, ["level"], 70)).toEqual(fitInputs(series, ["level"], 70));
    expect(fitTarget(spoiled, "level", "", 3, 70)).toEqual(fitTarget(series, "level", "", 3, 70));
  });

  test("a window ends before the row it forecasts", () => {
    const series = readSeries("data", "v,w\n1,0\n2,0\n4,0\n8,0\n16,0\n");
    const inputs = { features: ["v"], mean: [0], deviation: [1], season: false };
    const { data, shape } = gather(scaleRows(series, inputs), 2, [3, 4]);
    expect([...data]).toEqual([2, 4, 4, 8]);
    expect(shape).toEqual([2, 2, 1]);
    const target = { name: "v", unit: "", change: [1, 2] };
    const settings = { window: 2, hidden: 1, layers: 1, dropout: 0, seed: 1, horizon: 2 };
    const forecaster = new Forecaster(loadSync(), inputs, [target], settings);
    const batch = forecaster.batch(scaleRows(series, inputs), [series.numbers.get("v") as Float64Array], [2, 3]);
    // 4 − 2 and (8 − 2) / 2, then 8 − 4 and (16 − 4) / 2.
    expect(batch.target).toEqual({ data: Float32Array.of(2, 3, 4, 6), shape: [2, 2] });
    expect(endsOf({ from: 2, to: 5 }, 2)).toEqual([2, 3]);
  });

  test.each<[string, string[], string[]]>([
    ["days", ["2020-02-27", "2020-02-28"], ["2020-02-29", "2020-03-01"]],
    ["first days of months", ["2019-12-01", "2020-01-01"], ["2020-02-01", "2020-03-01"]],
    ["last days of months", ["2019-12-31", "2020-01-31"], ["2020-02-29", "2020-03-31", "2020-04-30"]],
    ["last days from a short month", ["2020-02-29", "2020-03-31"], ["2020-04-30", "2020-05-31"]],
    ["a day that short months lack", ["2019-12-30", "2020-01-30"], ["2020-02-29", "2020-03-30"]],
    ["months", ["2020-10", "2020-11"], ["2020-12", "2021-01"]],
    ["years", ["2019-02-28", "2020-02-28"], ["2021-02-28"]],
    ["ends of years' Februaries", ["2020-02-29", "2021-02-28"], ["2022-02-28", "2023-02-28", "2024-02-29"]],
    ["minutes", ["2020-01-01 22:30", "2020-01-01 23:15"], ["2020-01-02 00:00", "2020-01-02 00:45"]],
    ["seconds", ["2020-01-01T00:00:50", "2020-01-01T00:00:55"], ["2020-01-01T00:01:00", "2020-01-01T00:01:05"]],
    ["fractions", ["2020-01-01T00:00:00.5", "2020-01-01T00:00:00.75"], ["2020-01-01T00:00:01.000"]],
    ["a zone", ["2020-01-01T00:00+01:00", "2020-02-01T00:00+01:00"], ["2020-03-01T00:00+01:00"]],
    [
      "hours over a change of the clock",
      ["2020-03-29T01:30+01:00", "2020-03-29T03:30+02:00"],
      ["2020-03-29T04:30+02:00"],
    ],
    [
      "days over a change of the clock",
      ["2020-03-28T12:00+01:00", "2020-03-29T12:00+02:00"],
      ["2020-03-30T12:00+02:00"],
    ],
    ["UTC", ["2020-01-01T00:00Z", "2020-01-01T06:00Z"], ["2020-01-01T12:00Z"]],
    ["days among minutes", ["2020-01-01", "2020-01-01 12:00"], ["2020-01-02 00:00", "2020-01-02 12:00"]],
    ["one row", ["2020-01-01"], []],
  ])("rows are named by their dates, those behind them likewise: %s", (_, cells, next) => {
    const series = readSeries("data", `at,v\n${cells.map((cell) => `${cell},1\n`).join("")}`);
    const names = [...cells, ...next].map((_, row) => nameOf(series, row));
    expect(names).toEqual([...cells, ...next]);
  });

  test("climatology averages the training part within a week of the day", () => {
    const series = readSeries("data", createCsv(730));
    const values = series.numbers.get("level") as Float64Array;
    const forecast = climatology(series, values, { from: 0, to: 600 }, [650]) as number[];
    // Day 284 of 365 is day 284.8 of the leap year before it.
    const near = [...values.subarray(0, 600)].filter((_, row) => Math.abs(row - (284 * 366) / 365) <= 7.5);
    expect(forecast[0]).toBeCloseTo(near.reduce((a, b) => a + b) / near.length, 9);
    expect(climatology(series, values, { from: 0, to: 200 }, [650])).toBeNull();
  });

  test("climatology of 30,000 hours, each row once, and of one row a season", () => {
    const values = Float64Array.from({ length: 30_000 }, (_, k) => Math.sin(k / 1000) + (k % 24));
    const dates = Array.from({ length: 30_000 }, (_, k) => new Date(Date.UTC(2018, 0, 1, k)));
    const series = {
      ...readSeries("data", createCsv(20)),
      rows: 30_000,
      dates: { column: "at", cells: [], length: 10, values: dates },
    };
    const rows = Array.from({ length: 9000 }, (_, k) => 21_000 + k);
    const started = performance.now();
    const forecast = climatology(series, values, { from: 0, to: 21_000 }, rows) as number[];
    // A pass over the training part for each row takes 190 million steps.
    expect(performance.now() - started).toBeLessThan(1000);
    const [at, days] = [timeOfYear(dates[25_000] as Date), 7.5 / 365];
    const near = [...values.subarray(0, 21_000)].filter((_, row) => {
      const apart = Math.abs(timeOfYear(dates[row] as Date) - at);
      return Math.min(apart, 1 - apart) <= days;
    });
    expect(forecast[4000]).toBeCloseTo(near.reduce((a, b) => a + b) / near.length, 9);
    const seasons = [0, 3, 6, 9, 12].map((month) => new Date(Date.UTC(2020, month, 1)));
    const few = { ...series, rows: 5, dates: { column: "at", cells: [], length: 10, values: seasons } };
    const sparse = climatology(few, Float64Array.of(1, 2, 3, 4, 5), { from: 0, to: 5 }, [4, 1]);
    expect(sparse).toEqual([3, 2]);
  });

  test("shuffle is a permutation, its own for each seed", () => {
    const values = Array.from({ length: 100 }, (_, k) => k);
    const [a, b] = [shuffle(values, 1), shuffle(values, 2)];
    expect([...a].sort((p, q) => p - q)).toEqual(values);
    expect(a).not.toEqual(b);
    expect(shuffle(values, 1)).toEqual(a);
  });

  test("the embedded data came with its provenance", () => {
    expect(existsSync(new URL("../../bindings/cli/data/README.md", import.meta.url))).toBe(true);
  });
});
