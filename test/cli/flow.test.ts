// `lstm-wasm flow`, as built.
import { execFile } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { GRU, Linear, LSTM, RNN, type StateDict, type Tensor } from "lstm-wasm";
import type { SliceFlow } from "lstm-wasm/flow";
import { encodeSafetensors } from "lstm-wasm/io";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { carriedPlot } from "../../bindings/cli/flow-page.ts";
import { BIASES, conclusion, type Point } from "../../bindings/cli/flow-sweep.ts";
import { createCsv, createFolder, main } from "../support/cli.ts";
import { createCore } from "../support/cores.ts";

const { folder, path, cli, remove } = createFolder();
afterAll(remove);
const core = createCore();

const named = (state: StateDict, prefix: string): StateDict =>
  Object.fromEntries(Object.entries(state).map(([name, tensor]) => [`${prefix}${name}`, tensor]));

/** Nothing that a terminal of 80 columns breaks, nothing that is no word or number. */
function expectTidy(out: string) {
  expect(out.split("\n").filter((line) => line.length > 80)).toEqual([]);
  expect(out).not.toMatch(/NaN|undefined|\[object/);
  expect(out.includes("\u001b")).toBe(false);
}
const expectPage = (file: string) => {
  const html = readFileSync(path(file), "utf8");
  expect(html).toContain("<svg");
  expect(html.match(/https?:\/\/(?!www\.w3\.org)|<script|NaN|undefined/)).toBeNull();
  return html;
};

beforeAll(() => {
  const lstm = new LSTM(core, { inputSize: 3, hiddenSize: 8, numLayers: 2, bidirectional: true, seed: 1 });
  const head = new Linear(core, { inFeatures: 16, outFeatures: 2 });
  writeFileSync(
    path("torch.safetensors"),
    encodeSafetensors({ ...named(lstm.stateDict(), "rnn."), ...named(head.stateDict(), "fc.") }),
  );
  const proj = new LSTM(core, { inputSize: 2, hiddenSize: 6, projSize: 3, bias: false, seed: 1 });
  const gru = new GRU(core, { inputSize: 2, hiddenSize: 6, seed: 1 });
  writeFileSync(
    path("two.safetensors"),
    encodeSafetensors({ ...named(proj.stateDict(), "enc."), ...named(gru.stateDict(), "dec.") }),
  );
  const keeps = new GRU(core, { inputSize: 1, hiddenSize: 1, seed: 1 }).stateDict();
  keeps.bias_ih_l0?.data.fill(30, 1, 2);
  writeFileSync(path("keeps.safetensors"), encodeSafetensors(keeps));
  writeFileSync(path("linear.safetensors"), encodeSafetensors(head.stateDict()));
  const rnn = new RNN(core, { inputSize: 2, hiddenSize: 4, seed: 1, nonlinearity: "relu" });
  const state = rnn.stateDict();
  const huge = { data: (state.weight_hh_l0 as Tensor).data.map((value) => 1e6 * Math.abs(value)), shape: [4, 4] };
  writeFileSync(path("huge.safetensors"), encodeSafetensors({ ...state, weight_hh_l0: huge }));
  const csv = (names: string, width: number) =>
    `${names}\n${Array.from({ length: 60 }, (_, k) => Array.from({ length: width }, (_, i) => Math.sin(k * (i + 1)).toFixed(4)).join()).join("\n")}\n`;
  writeFileSync(path("three.csv"), csv("a,b,c", 3));
  writeFileSync(path("two.csv"), csv("a,b", 2));
});

describe("a PyTorch state_dict", () => {
  test("with random numbers: every direction of every layer", async () => {
    const { out, err, code } = await cli("flow", "torch.safetensors", "--html", "torch.html");
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/l\d(_reverse)?: (vanishes|explodes) after \d+ steps? through the (direct|recurrent) path/);
    for (const name of ["l0", "l0_reverse", "l1", "l1_reverse"]) expect(out).toContain(name);
    expectTidy(out);
    expect(expectPage("torch.html")).toContain("l1_reverse, LSTM, backwards");
  });

  test("with rows of a file, as JSON", async () => {
    const { out } = await cli("flow", "torch.safetensors", "three.csv", "--steps", "20", "--standardize", "--json");
    const { slices, verdict, nonFinite } = JSON.parse(out);
    expect(slices.map(({ steps, batch }: { steps: number; batch: number }) => [steps, batch])).toEqual(
      new Array(4).fill([20, 32]),
    );
    expect(nonFinite).toBeNull();
    expect(verdict).toMatch(
      /^l[01](_reverse)?: (vanishes|explodes) after \d+ steps? through the (direct|recurrent) path: /,
    );
  });

  test("of several modules one is named", async () => {
    const { out } = await cli("flow", "two.safetensors", "two.csv", "--module", "enc");
    expect(out).toContain("LSTM of 6 units, projected to 3");
    expectTidy(out);
    expect((await cli("flow", "two.safetensors", "--module", "dec")).out).toContain("GRU of 6 units");
  });

  test("of 100,000 steps that all have a gradient", async () => {
    const { out, err, code } = await cli("flow", "keeps.safetensors", "--steps", "100000", "--html", "long.html");
    expect([code, err]).toEqual([0, ""]);
    expectTidy(out);
    expectPage("long.html");
  }, 60_000);

  test("numbers that overflow: where they began", async () => {
    const { out, code } = await cli("flow", "huge.safetensors", "--nonlinearity", "relu", "--html", "huge.html");
    expect(code).toBe(0);
    expect(out).toMatch(/not finite: Infinity is first seen in h of l0 at step \d+/);
    expectTidy(out);
    expectPage("huge.html");
  });
});

describe("a model that train saved", () => {
  test("a forecaster, and the section of its report", async () => {
    writeFileSync(path("data.csv"), createCsv(200));
    await cli("train", "data.csv", "--target", "level", "--epochs", "2", "--hidden", "6", "--window", "12");
    expect(expectPage("report.html")).toMatch(/The gradient (reaches back|vanishes after|explodes after)/);
    const { out, err } = await cli("flow", "model.safetensors", "data.csv", "--html", "flow.html");
    expect(err).toBe("");
    expect(out).toContain("forecaster, LSTM of 6 units");
    expectTidy(out);
    expectPage("flow.html");
  }, 60_000);

  test("a model of text, the loss of the last character", async () => {
    writeFileSync(path("text.txt"), `\uFEFF${"the quick brown fox jumps over the lazy dog. ".repeat(40)}`);
    await cli("train", "--text", "text.txt", "--epochs", "1", "--hidden", "6", "--out", "text.safetensors");
    const { out, err } = await cli("flow", "text.safetensors", "text.txt", "--steps", "30");
    expect(err).toBe("");
    expect(out).toContain("stretches of 30 characters of text.txt");
    expectTidy(out);
    expect((await cli("flow", "text.safetensors")).err).toContain("data: expected a file of text");
  }, 60_000);
});

test("the lab: a map, each cell of it from the kernels", async () => {
  const { out, err } = await cli("flow", "--lab", "--steps", "60", "--html", "lab.html");
  expect(err).toBe("");
  expectTidy(out);
  expect(expectPage("lab.html")).toContain("The additive memory is no cure");
  const { points } = JSON.parse((await cli("flow", "--lab", "--steps", "60", "--json")).out);
  expect(points.length).toBe(2 * 13 * (1 + 8 + 8));
  const find = (cell: string, scale: number, bias: number | null, steps: number) =>
    points.find(
      (p: { cell: string; scale: number; bias: number | null; steps: number }) =>
        p.cell === cell && p.scale === scale && p.bias === bias && p.steps === steps,
    );
  expect(find("RNN", 0.125, null, 60).status).toBe("vanishes");
  expect(find("RNN", 8, null, 60).status).toBe("explodes");
  expect(find("LSTM", 0.125, 5, 60).status).toBe("carries");
  expect(find("LSTM", 0.125, -2, 60).status).toBe("vanishes");
  expect(find("GRU", 8, -2, 60).status).toBe("explodes");
}, 60_000);

test("the lab over so few steps that nothing vanishes, or nothing at some bias", async () => {
  await cli("flow", "--lab", "--steps", "3", "--html", "lab.html");
  const html = expectPage("lab.html");
  expect(html).toContain("Over 3 steps the LSTM carries the gradient in all of 104 settings");
  expect(html).not.toContain("no cure");
  const points = BIASES.flatMap((bias) =>
    ["carries", "vanishes"].map((status) => ({ cell: "LSTM", steps: 9, bias, status }) as Point),
  );
  expect(conclusion(points, [9])).toContain("in 8 of 16 settings. What");
  const without = points.filter(({ bias, status }) => status === "vanishes" || (bias as number) >= 0);
  expect(conclusion(without, [9])).toContain("in 6 of 14 settings, none of them with a forget bias below 0. What");
}, 60_000);

test("a threshold is drawn within its plot, though the curve falls to exactly 0", () => {
  const carried = { total: [1, 0.05, 0], direct: [1, 0.05, 0], recurrent: [1, 0.05, 0] };
  const html = carriedPlot({ carried, forgetHorizon: null } as unknown as SliceFlow);
  const y = Number(/stroke-dasharray="3 3".*? y1="([\d.]+)"/s.exec(html)?.[1]);
  expect(y).toBeGreaterThan(0);
  expect(y).toBeLessThanOrEqual(280);
});

test.each([
  [["--module", "rnn"], "module"],
  [["--standardize"], "standardize"],
  [["--nonlinearity", "relu"], "nonlinearity"],
])("%s with the lab, which has no use for it", async (args, name) => {
  const { err } = await cli("flow", "--lab", ...args);
  expect(err).toBe(`lstm-wasm: --${name}: expected it with a state_dict alone, got it with --lab\n`);
});

test.runIf(existsSync("/dev/full"))(
  "a full disk behind standard output is an error, a closed pipe none",
  async () => {
    const shell = (command: string) =>
      promisify(execFile)("bash", ["-c", `set -o pipefail; ${command}`, process.execPath, main], { cwd: folder }).then(
        ({ stderr }) => ({ code: 0, stderr }),
        ({ code, stderr }) => ({ code, stderr }),
      );
    expect(await shell('"$0" "$1" explain > /dev/full')).toEqual({
      code: 1,
      stderr: "lstm-wasm: standard output: expected a place to write to, got a full disk\n",
    });
    expect(await shell('"$0" "$1" flow --lab --steps 20 --json | head -n 1')).toEqual({ code: 0, stderr: "" });
  },
  60_000,
);

test.each([
  [
    "nothing",
    ["flow"],
    "model: expected a file that `lstm-wasm train` saved, a PyTorch state_dict in safetensors, or --lab, got none",
  ],
  [
    "no recurrent layer",
    ["flow", "linear.safetensors"],
    "linear.safetensors: expected a recurrent layer (weight_ih_l0, weight_hh_l0, …), got a file without one",
  ],
  [
    "data of another width",
    ["flow", "torch.safetensors", "two.csv"],
    "two.csv: expected 3 columns of numbers, the width of the model's input, got 2 (a, b)",
  ],
  ["which of two", ["flow", "two.safetensors"], "--module: expected one of enc, dec, got none"],
  ["no such module", ["flow", "two.safetensors", "--module", "x"], "--module: expected one of enc, dec, got x"],
  [
    "a lab with a model",
    ["flow", "torch.safetensors", "--lab"],
    "--lab: expected no model beside it, got torch.safetensors",
  ],
  [
    "other bytes than UTF-8",
    ["flow", "torch.safetensors", "linear.safetensors"],
    "linear.safetensors: expected text in UTF-8, got other bytes",
  ],
  [
    "no such file",
    ["flow", "none.safetensors"],
    "none.safetensors: expected a file to read, got no such file or folder",
  ],
])("refuses %s", async (_, args, message) => {
  const { code, err } = await cli(...args);
  expect(code).toBe(1);
  expect(err).toBe(`lstm-wasm: ${message}\n`);
});
