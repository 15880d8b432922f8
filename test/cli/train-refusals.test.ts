import { readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { loadSync, type StateDict } from "lstm-wasm";
import { decodeSafetensors, encodeSafetensors } from "lstm-wasm/io";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { readSeries } from "../../bindings/cli/csv.ts";
import type { Forecaster } from "../../bindings/cli/forecaster.ts";
import { loadModel } from "../../bindings/cli/load-model.ts";
import { createCsv, createFolder } from "../support/cli.ts";
import { createForecaster } from "../support/forecaster.ts";

const { folder, path, remove, cli } = createFolder();
afterAll(remove);

const quick = ["--target", "level", "--epochs", "8", "--hidden", "8", "--window", "12"];

describe("bad input", () => {
  const lines = createCsv(60).trim().split("\n");
  const changed = (row: number, line: string) => [...lines.slice(0, row), line, ...lines.slice(row + 1)].join("\n");

  test.each<[string, string, string]>([
    ["an empty file", "", "data: expected a header line and rows, got an empty file"],
    ["only a header", "day,level\n", "data: expected rows behind the header, got none"],
    [
      "no header",
      lines.slice(1).join("\n"),
      'data: expected a header line with a name for each column, got "2020-01-01" as name 1',
    ],
    [
      "a missing cell",
      changed(7, "2020-01-07,,1,sunny"),
      'data, line 8, column "level": expected a number, got an empty cell',
    ],
    ["a text", changed(9, "2020-01-09,n/a,1,sunny"), 'data, line 10, column "level": expected a number, got "n/a"'],
    ["NaN", changed(9, "2020-01-09,NaN,1,sunny"), 'data, line 10, column "level": expected a number, got "NaN"'],
    [
      "an infinity",
      changed(9, "2020-01-09,1e999,1,sunny"),
      'data, line 10, column "level": expected a number, got "1e999"',
    ],
    ["a cell too few", changed(4, "2020-01-04,3"), "data: expected CSV, got: Invalid Record Length"],
    ["an open quote", changed(4, '2020-01-04,"3,1,sunny'), "data: expected CSV, got: Quote Not Closed"],
    ["a name twice", changed(0, "day,level,level,sky"), 'data: expected each column name once, got "level" twice'],
    [
      "a column without a name",
      changed(0, "day,level,,sky"),
      'data: expected a header line with a name for each column, got "" as name 3',
    ],
    [
      "a date that is none",
      changed(5, "soon,3,1,sunny"),
      'data, line 6, column "day": expected a date as 2015-12-31, got "soon"',
    ],
    [
      "a day that does not exist",
      changed(5, "2020-02-31,3,1,sunny"),
      'data, line 6, column "day": expected a date as 2015-12-31, got "2020-02-31"',
    ],
    [
      "dates out of order",
      changed(5, "2019-01-05,3,1,sunny"),
      'data, line 6, column "day": expected dates in ascending order, got 2019-01-05 behind 2020-01-04',
    ],
  ])("%s", (_, text, message) => {
    expect(() => readSeries("data", text)).toThrow(message);
  });

  describe("at the command line", () => {
    beforeEach(() => {
      for (const name of readdirSync(folder)) rmSync(path(name));
      writeFileSync(path("data.csv"), createCsv(60));
      symlinkSync("data.csv", path("link.csv"));
      writeFileSync(path("short.csv"), createCsv(12));
      writeFileSync(path("latin.csv"), Buffer.from(changed(9, "2020-01-09,3,1,grün"), "latin1"));
      writeFileSync(path("state.safetensors"), encodeSafetensors({}));
      writeFileSync(path("forged.safetensors"), encodeSafetensors({}, { format: "lstm-wasm model 1" }));
      writeFileSync(path("huge.csv"), changed(50, "2020-02-19,-1e155,1,sunny"));
      writeFileSync(path("bad.csv"), changed(9, "2020-01-09,n/a,1,sunny"));
      writeFileSync(path("model.safetensors"), "an old model");
      writeFileSync(path("report.html"), "an old report");
    });

    test.each<[string, string[], string]>([
      [
        "no file",
        ["train", "none.csv", "--target", "level"],
        "none.csv: expected a file to read, got no such file or folder",
      ],
      [
        "other bytes than UTF-8",
        ["train", "latin.csv", "--target", "level"],
        "latin.csv: expected text in UTF-8, got other bytes",
      ],
      [
        "other bytes than UTF-8 to predict",
        ["predict", "model.safetensors", "latin.csv"],
        "latin.csv: expected text in UTF-8, got other bytes",
      ],
      ["a folder", ["train", ".", "--target", "level"], ".: expected a file to read, got a folder"],
      [
        "no target",
        ["train", "data.csv"],
        "--target: expected the column to forecast or classify (level, weekday, sky), got none",
      ],
      [
        "an unknown target",
        ["train", "data.csv", "--target", "temp"],
        '--target: expected a column of data.csv (level, weekday, sky), got "temp"',
      ],
      [
        "one class alone",
        ["train", "data.csv", "--target", "sky"],
        '--target: expected a column of 2 to 100 classes, got "sky" of "sunny" alone',
      ],
      [
        "a target twice",
        ["train", "data.csv", "--target", "level, weekday", "--target", "level"],
        '--target: expected each column once, got "level" twice',
      ],
      [
        "a text beside numbers",
        ["train", "data.csv", "--target", "level,sky"],
        '--target: expected columns of numbers to forecast, or one of classes, got "sky" among 2',
      ],
      [
        "units that are too few",
        ["train", "data.csv", "--target", "level,weekday", "--unit", "m"],
        "--unit: expected one for each of 2 targets, got 1",
      ],
      [
        "a unit of classes",
        ["train", "data.csv", "--target", "weekday", "--classes", "--unit", "m"],
        "--unit: expected none beside a target of classes, got one",
      ],
      [
        "an embedding of numbers",
        ["train", "data.csv", "--target", "level", "--embedding", "8"],
        "--embedding: expected --text beside it, got none",
      ],
      [
        "a horizon of nothing",
        ["train", "data.csv", "--target", "level", "--horizon", "0"],
        "--horizon: expected at least 1 row ahead to forecast, got 0",
      ],
      [
        "a horizon too far",
        ["train", "data.csv", "--target", "level", "--horizon", "20"],
        "data.csv: expected at least 143 rows for a window of 14 and a horizon of 20, got 60",
      ],
      [
        "data beside text",
        ["train", "data.csv", "--text", "data.csv"],
        "--text: expected no data beside it, got data.csv",
      ],
      [
        "too few rows",
        ["train", "short.csv", "--target", "level"],
        "short.csv: expected at least 35 rows for a window of 14, got 12",
      ],
      [
        "a bad cell",
        ["train", "bad.csv", "--target", "level"],
        'bad.csv, line 10, column "level": expected a number, got "n/a"',
      ],
      [
        "numbers whose squares overflow",
        ["train", "huge.csv", "--target", "weekday"],
        'huge.csv, column "level": expected values whose deviation is a finite number, got -1e+155 among them',
      ],
      [
        "a place that cannot be written",
        ["train", "data.csv", ...quick, "--window", "3", "--out", "no/where.safetensors"],
        "no/where.safetensors: expected a file that can be written, got no such file or folder",
      ],
      [
        "one file for model and report",
        ["train", "data.csv", "--target", "level", "--out", "new", "--report", "./new"],
        "--report: expected another file than that of --out, got ./new for both",
      ],
      [
        "the data for a model, by a link",
        ["train", "data.csv", "--target", "level", "--out", "link.csv"],
        "--out: expected another file than that of the data, got link.csv for both",
      ],
      [
        "a text for a report",
        ["train", "--text", "short.csv", "data.csv", "--report", "data.csv"],
        "--report: expected another file than that of the data, got data.csv for both",
      ],
      [
        "the model for a checkpoint",
        ["train", "data.csv", "--target", "level", "--checkpoint", "model.safetensors", "--resume"],
        "--checkpoint: expected another file than that of --out, got model.safetensors for both",
      ],
      [
        "the model for answers",
        ["predict", "model.safetensors", "data.csv", "--out", "model.safetensors"],
        "--out: expected another file than that of the model, got model.safetensors for both",
      ],
      [
        "the data for a page",
        ["flow", "model.safetensors", "data.csv", "--html", "data.csv"],
        "--html: expected another file than that of the data, got data.csv for both",
      ],
      [
        "a learning rate of 0",
        ["train", "data.csv", "--target", "level", "--lr", "0"],
        "lr: expected a number above 0, got 0",
      ],
      [
        "a model that is none",
        ["predict", "model.safetensors", "data.csv"],
        "model.safetensors: safetensors: expected a header",
      ],
      ["a model that is none, to sample", ["sample", "model.safetensors"], "model.safetensors: safetensors: expected"],
      ["a model that is none, to look into", ["flow", "model.safetensors"], "model.safetensors: safetensors: expected"],
      [
        "a model without a kind",
        ["flow", "forged.safetensors"],
        "forged.safetensors: expected kind to be one of forecaster, classifier, text",
      ],
      [
        "a state_dict",
        ["predict", "state.safetensors", "data.csv"],
        "state.safetensors: expected a model that `lstm-wasm train` saved, got tensors without a format",
      ],
      [
        "data without a file",
        ["predict", "model.safetensors", "none.csv"],
        "none.csv: expected a file to read, got no such file or folder",
      ],
    ])("%s", async (_, args, message) => {
      const { code, out, err } = await cli(...args);
      const [last] = err.trim().split("\n").slice(-1);
      expect(code).toBe(1);
      expect(last).toContain(`lstm-wasm: ${message}`);
      expect(err.includes("    at ")).toBe(false);
      expect(out.includes("    at ")).toBe(false);
      expect(readFileSync(path("model.safetensors"), "utf8")).toBe("an old model");
      expect(readFileSync(path("report.html"), "utf8")).toBe("an old report");
      expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    });

    test("an option that is no number, an unknown command", async () => {
      expect(await cli("train", "--epochs", "many")).toMatchObject({
        code: 1,
        err: expect.stringContaining('--epochs: expected a number, got "many"'),
      });
      expect(await cli("train", "--window", "0")).toMatchObject({
        code: 1,
        err: expect.stringContaining('--window: expected a whole number of at least 1, got "0"'),
      });
      for (const [option, value, expected] of [
        ["--dropout", "-0.1", "a number from 0 to below 1"],
        ["--dropout", "1", "a number from 0 to below 1"],
        ["--layers", "1000000", "a whole number from 1 to 64"],
        ["--seed", "2147483647", "a whole number from 0 to 2147483644"],
      ] as const)
        expect(await cli("train", "--epochs", "1", option, value)).toMatchObject({
          code: 1,
          err: expect.stringContaining(`${option}: expected ${expected}, got "${value}"`),
        });
      expect(await cli("trian")).toMatchObject({ code: 1, err: expect.stringContaining("unknown command 'trian'") });
    });
  });

  describe("a model file", () => {
    const core = loadSync();
    const { rows, column, forecaster } = createForecaster(core, 60, 2, ["level", "weekday"]);
    const good = forecaster.save();
    const { tensors, metadata } = decodeSafetensors(good);
    const forge = (change: { notes?: object; tensors?: object; format?: string; kind?: string }) => {
      const texts = Object.entries(change.notes ?? {}).map(([name, value]) => {
        const old = JSON.parse(metadata[name] as string);
        return [name, JSON.stringify(Array.isArray(old) ? [{ ...old[0], ...value }, old[1]] : { ...old, ...value })];
      });
      const { format = metadata.format, kind = metadata.kind } = change;
      const notes = { ...metadata, format, kind, ...Object.fromEntries(texts) } as Record<string, string>;
      return encodeSafetensors({ ...(tensors as unknown as StateDict), ...(change.tensors as StateDict) }, notes);
    };

    test("comes back with the same forecasts", () => {
      const again = loadModel(core, forge({}));
      expect(again).toMatchObject({ kind: "forecaster", settings: forecaster.settings, targets: forecaster.targets });
      const weekday = column.map((_, k) => k % 7);
      const [a, b] = [forecaster, again as Forecaster].map((one) => one.forecast(rows, [column, weekday], [60]));
      expect(a?.[0]?.length).toBe(4);
      expect(a).toEqual(b);
    });

    test.each<[string, Parameters<typeof forge>[0], string]>([
      [
        "of another format",
        { format: "pt" },
        'model: expected a model that `lstm-wasm train` saved, got tensors of format "pt"',
      ],
      ["of another kind", { kind: "gan" }, 'model: expected kind to be one of forecaster, classifier, text, got "gan"'],
      [
        "with a target that is no feature",
        { notes: { targets: { name: "x" } } },
        'model: expected target to be one of the features, got "x"',
      ],
      ["with a mean too few", { notes: { inputs: { mean: [1] } } }, "model: expected mean to be 2 numbers, got [1]"],
      [
        "with a deviation of 0",
        { notes: { inputs: { deviation: [0, 1] } } },
        "model: expected deviation to be 2 numbers above 0, got [0,1]",
      ],
      [
        "with a change that is none",
        { notes: { targets: { change: [1, null] } } },
        "model: expected change to be 2 numbers above 0, got [1,null]",
      ],
      [
        "with a forged size",
        { notes: { settings: { hidden: 500_000 } } },
        "model: expected 0.weight_ih_l0 of shape [2000000,4], got [16,4]",
      ],
      [
        "with forged layers",
        { notes: { settings: { layers: 1_000_000 } } },
        "model: expected 0.weight_ih_l1 of shape [16,4], got none",
      ],
      [
        "with a huge window",
        { notes: { settings: { window: 1e9 } } },
        "model: expected window to be a whole number from 1 to 1000000, got 1000000000",
      ],
      [
        "with a huge horizon",
        { notes: { settings: { horizon: 1e5 } } },
        "model: expected change to be 100000 numbers above 0",
      ],
      [
        "with a tensor of another shape",
        { tensors: { "2.bias": { data: new Float32Array(2), shape: [2] } } },
        "model: 2.bias: expected shape [4], got [2]",
      ],
      ["with a tensor too many", { tensors: { more: { data: new Float32Array(1), shape: [1] } } }, 'got "more"'],
    ])("%s", (_, change, message) => {
      expect(() => loadModel(core, forge(change))).toThrow(expect.objectContaining({ name: "FormatError" }));
      expect(() => loadModel(core, forge(change))).toThrow(message);
    });
  });
});
