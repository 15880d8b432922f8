import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { goldens } from "./support/cases.ts";
import { BUILDS, createCore } from "./support/cores.ts";
import { runOnnx } from "./support/onnx.ts";
import { type NodeTest, writeNodeTest } from "./support/write-onnx.ts";

const folders = readdirSync(goldens("onnx/")).filter((name) => name.startsWith("test_"));

describe.each(BUILDS)("ONNX' own node tests: %s", (build) => {
  test.each(folders)("%s", (name) => {
    const differences = runOnnx(createCore(build), goldens(`onnx/${name}/`));
    expect(differences.length).toBe(1);
    expect(differences.filter(({ ratio }) => !(ratio <= 1))).toEqual([]);
  });
});

test("all four are there", () => {
  expect(folders.length).toBe(4);
});

const hard = { name: "hardSigmoid", alpha: 0.3, beta: 0.4 };
const leaky = { name: "leakyRelu", alpha: 0.2 };
const WRITTEN: Record<string, NodeTest> = {
  "LSTM, batch first, two directions, everything": {
    ...{ op: "LSTM", direction: "bidirectional", layout: 1, T: 4, B: 3, sets: 2 },
    ...{ lengths: [4, 0, 2], states: true, peephole: true },
    spec: {
      gateClip: 0.75,
      coupled: true,
      activations: [{ f: hard, g: leaky }, { g: { name: "softsign" } }],
    },
    attributes: {
      ...{ clip: 0.75, input_forget: 1, activation_alpha: [0.3, 0.2], activation_beta: [0.4] },
      activations: ["HardSigmoid", "LeakyRelu", "Tanh", "Sigmoid", "Softsign", "Tanh"],
    },
  },
  "LSTM, two directions, states": { op: "LSTM", direction: "bidirectional", T: 3, B: 2, states: true, bias: false },
  "LSTM, batch first": { op: "LSTM", layout: 1, T: 3, B: 2, states: true, peephole: true },
  "GRU, reverse, gaps among the inputs": { op: "GRU", direction: "reverse", T: 3, B: 2, states: true, bias: false },
  "GRU, reset before, batch first, two directions": {
    ...{ op: "GRU", direction: "bidirectional", layout: 1, T: 5, B: 2, states: true, lengths: [2, 5] },
    spec: { resetAfter: false },
  },
  "RNN, two directions": {
    ...{ op: "RNN", direction: "bidirectional", T: 5, B: 2, lengths: [5, 1] },
    spec: { activations: [{ f: { name: "relu" } }, { f: leaky }] },
    attributes: { activations: ["Relu", "LeakyRelu"], activation_alpha: [0.2] },
  },
  "RNN, batch first": { op: "RNN", layout: 1, T: 5, B: 2, states: true },
};
// ONNX' default of a GRU is the reset before the product; the oracle's is PyTorch's.
const asWritten = (node: NodeTest): NodeTest =>
  node.op === "GRU" && !node.spec ? { ...node, attributes: { linear_before_reset: 1, ...node.attributes } } : node;

describe("node tests written from the oracle", () => {
  const core = createCore();
  test.each(Object.keys(WRITTEN))("%s", (name) => {
    const folder = mkdtempSync(join(tmpdir(), "onnx-"));
    try {
      const node = WRITTEN[name] as NodeTest;
      writeNodeTest(folder, asWritten(node));
      const differences = runOnnx(core, pathToFileURL(`${folder}/`));
      expect(differences.length).toBe((node.op === "LSTM" ? 3 : 2) * (node.sets ?? 1));
      expect(differences.filter(({ ratio }) => !(ratio <= 1)).map(({ text }) => text)).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
