// Stopping and going on, and what goes wrong on the way.
import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { loadSync } from "lstm-wasm";
import { writeFileAtomic } from "lstm-wasm/node";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { loadModel } from "../../bindings/cli/load-model.ts";
import { createCsv, createFolder, main } from "../support/cli.ts";

const { folder, path, remove, cli } = createFolder();
afterAll(remove);

beforeEach(() => {
  for (const name of readdirSync(folder)) rmSync(path(name), { recursive: true });
  writeFileSync(path("data.csv"), createCsv(300));
  writeFileSync(path("a.txt"), "the cat sat on the mat, the dog did not; ".repeat(200));
});

const read = (name: string) => readFileSync(path(name));

/** Runs the command, sends a signal once it has told of so many epochs, and waits for its end. */
async function interrupt(args: readonly string[], epochs: number, signal: NodeJS.Signals = "SIGINT") {
  const child = spawn(process.execPath, [main, ...args], { cwd: folder });
  let said = "";
  let sent = false;
  child.stderr.on("data", (data) => {
    said += data;
    if (!sent && said.split("\n").filter((line) => line.startsWith("epoch")).length >= epochs)
      sent = child.kill(signal);
  });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, said };
}

const numbers = ["train", "data.csv", "--target", "level,weekday", "--horizon", "2", "--window", "9", "--hidden", "16"];
const RUNS: Record<string, string[]> = {
  numbers: [...numbers, "--layers", "2", "--dropout", "0.2", "--epochs", "40", "--patience", "9", "--batch", "4"],
  classes: [
    "train",
    "data.csv",
    "--target",
    "weekday",
    "--classes",
    "--window",
    "4",
    "--hidden",
    "16",
    "--epochs",
    "30",
  ],
  text: ["train", "--text", "a.txt", "--hidden", "32", "--embedding", "8", "--window", "16", "--epochs", "12"],
};

describe.each(Object.keys(RUNS))("%s", (kind) => {
  const args = RUNS[kind] as string[];

  test("stopped by Ctrl-C twice, it says how to go on, and goes on with the same bits", async () => {
    const stopped = await interrupt(args, 1);
    expect(stopped.code).toBe(130);
    const lines = stopped.said.trim().split("\n");
    expect(lines.at(-2)).toMatch(
      /^lstm-wasm: stopped after update \d+ of epoch \d+; everything to go on from is in model\.checkpoint\.safetensors\. Go on by:$/,
    );
    const [node, file, ...command] = (lines.at(-1) as string).trim().split(" ");
    expect([node, file, ...command]).toEqual(["node", main, ...args, "--resume"]);
    expect(existsSync(path("model.safetensors"))).toBe(false);
    expect((await interrupt(command, 1)).code).toBe(130);
    expect((await cli(...command, "--out", "resumed", "--checkpoint", "model.checkpoint.safetensors")).code).toBe(0);
    const whole = JSON.parse((await cli(...args, "--out", "whole", "--json")).out);
    expect(whole.epochs).toBeGreaterThan(2);
    expect(read("resumed").equals(read("whole"))).toBe(true);
  }, 120_000);
});

test.each(Object.keys(RUNS))("%s: the model is written before anything is measured", async (kind) => {
  const child = spawn(process.execPath, [main, ...(RUNS[kind] as string[]), "--epochs", "1"], { cwd: folder });
  let found: boolean[] = [];
  child.stderr.on("data", (data) => {
    if (!`${data}`.includes("measuring")) return;
    found = ["model.safetensors", "report.html"].map((name) => existsSync(path(name)));
    child.kill("SIGKILL");
  });
  await new Promise((resolve) => child.on("close", resolve));
  expect(found).toEqual([true, false]);
  expect(() => loadModel(loadSync(), read("model.safetensors"))).not.toThrow();
});

test("a run that ended goes on to more epochs", async () => {
  const args = RUNS.classes as string[];
  await cli(...args, "--checkpoint", "c", "--epochs", "3");
  const more = JSON.parse((await cli(...args, "--checkpoint", "c", "--epochs", "6", "--resume", "--json")).out);
  expect(more.epochs).toBe(6);
  const whole = JSON.parse((await cli(...args, "--epochs", "6", "--out", "whole", "--json")).out);
  expect(more.scores).toEqual(whole.scores);
  expect(read("model.safetensors").equals(read("whole"))).toBe(true);
}, 60_000);

describe("a training that diverges", () => {
  test("before its first epoch is over: the step, the tensor, what to do, and nothing written", async () => {
    const { code, err } = await cli(...numbers, "--lr", "1e38");
    expect(code).toBe(1);
    expect(err).toMatch(
      /^lstm-wasm: training: expected a finite loss, got \S+ in update \d+, first seen in .*; try a lower learning rate \(--lr is 1e\+38\).*; nothing was written\n$/,
    );
    expect(readdirSync(folder).sort()).toEqual(["a.txt", "data.csv"]);
  });

  test("in its last update, where only the validation shows it", async () => {
    const { code, err } = await cli(...numbers, "--lr", "1e38", "--batch", "1000", "--epochs", "1");
    expect(code).toBe(1);
    expect(err).toMatch(
      /expected a finite validation loss, got \S+ after update 1, first seen in .*; nothing was written\n$/,
    );
    expect(readdirSync(folder).sort()).toEqual(["a.txt", "data.csv"]);
  });

  test("after a good checkpoint, which stays", async () => {
    await cli(...numbers, "--checkpoint", "c", "--epochs", "2", "--clip", "1e9");
    const good = read("c");
    // The rate of a checkpoint is part of what it is; a forged one is the shortest way to diverge later on.
    const text = good.toString("latin1").replaceAll("0.003", "1e+38");
    writeFileSync(path("c"), Buffer.from(text, "latin1"));
    const forged = read("c");
    const { code, err } = await cli(...numbers, "--checkpoint", "c", "--clip", "1e9", "--resume", "--lr", "1e38");
    expect(err).toMatch(/in update \d+, first seen in .*; the last good checkpoint stays in c\n$/);
    expect(code).toBe(1);
    expect(read("c").equals(forged)).toBe(true);
  }, 60_000);

  test("finite, but worse than it began: the output says so", async () => {
    const { code, out } = await cli(...numbers, "--lr", "30", "--epochs", "1");
    expect(code).toBe(0);
    expect(out).toMatch(/Training made it no better: scaled RMSE \S+ on the validation part/);
  });
});

describe("what cannot be gone on from, or written, is refused, and nothing is overwritten", () => {
  const args = ["train", "data.csv", "--target", "weekday", "--window", "5", "--hidden", "4", "--epochs", "2"];
  const resume = ["--checkpoint", "c", "--resume"];
  let checkpoint: Buffer;
  let model: Buffer;

  beforeEach(async () => {
    if (!checkpoint) {
      await cli(...args, "--checkpoint", "c");
      [checkpoint, model] = [read("c"), read("model.safetensors")];
    }
    writeFileSync(path("c"), checkpoint);
    writeFileSync(path("model.safetensors"), model);
  });

  test.each<[string, () => void, string[], string]>([
    ["no checkpoint", () => rmSync(path("c")), resume, "c: expected a file to read, got no such file or folder"],
    [
      "another size",
      () => {},
      [...resume, "--hidden", "5"],
      "c: expected --hidden 4, with which the checkpoint was made, got 5",
    ],
    [
      "another target",
      () => {},
      [...resume, "--target", "level"],
      "c: expected --target weekday, with which the checkpoint was made, got weekday,level",
    ],
    [
      "another kind",
      () => {},
      [...resume, "--classes"],
      "c: expected a checkpoint of a classifier, got one of a forecaster",
    ],
    [
      "changed data",
      () => writeFileSync(path("data.csv"), createCsv(300).replace(",3,", ",4,")),
      resume,
      "c: expected the data that the checkpoint was made with, got other or changed data",
    ],
    [
      "a model for a checkpoint",
      () => writeFileSync(path("c"), read("model.safetensors")),
      resume,
      "c: expected a checkpoint of `lstm-wasm train`, got another safetensors file",
    ],
    [
      "half a checkpoint",
      () => writeFileSync(path("c"), read("c").subarray(0, 3000)),
      resume,
      "c: expected a checkpoint of `lstm-wasm train`, got: safetensors: expected",
    ],
    [
      "a checkpoint that is there already",
      () => {},
      ["--checkpoint", "c"],
      "--checkpoint: expected --resume beside it, to go on from c, or the name of a new file, got one that is there",
    ],
    [
      "a checkpoint in no folder",
      () => {},
      ["--checkpoint", "no/where"],
      "no/where: expected a file that can be written, got no such file or folder",
    ],
    [
      "a full disk",
      () => {},
      ["--out", "/dev/full"],
      "/dev/full: expected a file that can be written, got a full disk",
    ],
    [
      "a full disk for checkpoints",
      () => {},
      ["--checkpoint", "/dev/full"],
      "/dev/full: expected a file that can be written, got a full disk",
    ],
    [
      "a folder for a model",
      () => mkdirSync(path("folder")),
      ["--out", "folder"],
      "folder: expected a file that can be written, got a folder",
    ],
    [
      "a read-only folder",
      () => {
        mkdirSync(path("locked"));
        chmodSync(path("locked"), 0o555);
      },
      // For root no folder of a disk is read-only; /proc is.
      ["--out", process.getuid?.() === 0 ? "/proc/model" : "locked/model"],
      `${process.getuid?.() === 0 ? "/proc/model" : "locked/model"}: expected a file that can be written, got no`,
    ],
  ])(
    "%s",
    async (_, prepare, more, message) => {
      await cli(...args, "--checkpoint", "c");
      prepare();
      const names = readdirSync(folder).filter((name) => lstatSync(path(name)).isFile());
      const before = names.map((name) => read(name).toString("latin1"));
      const { code, err } = await cli(...args, ...more);
      const [last] = err.trim().split("\n").slice(-1);
      expect(last?.startsWith(`lstm-wasm: ${message}`), err).toBe(true);
      expect(code).toBe(1);
      expect(names.map((name) => read(name).toString("latin1"))).toEqual(before);
      expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    },
    60_000,
  );
});

describe("writing", () => {
  test("a link stays a link, and its file is replaced", async () => {
    writeFileSync(path("file"), "old");
    symlinkSync(path("file"), path("link"));
    await writeFileAtomic(path("link"), "new");
    expect(lstatSync(path("link")).isSymbolicLink()).toBe(true);
    expect(read("file").toString()).toBe("new");
  });

  test("a device is written to, not replaced", async () => {
    await writeFileAtomic("/dev/null", "gone");
    expect(lstatSync("/dev/null").isCharacterDevice()).toBe(true);
    await expect(writeFileAtomic("/dev/full", "gone")).rejects.toMatchObject({
      code: "ERR_FILE",
      message: "/dev/full: expected a file that can be written, got a full disk",
    });
    expect(lstatSync("/dev/full").isCharacterDevice()).toBe(true);
  });
});
