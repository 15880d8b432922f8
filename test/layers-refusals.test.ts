// What the layers beside the recurrent ones refuse, in one sentence each.
import { AllSteps, activation, Conv1d, Dropout, Embedding, LayerNorm, Linear, Residual } from "lstm-wasm";
import { describe, expect, test } from "vitest";
import { createCore } from "./support/cores.ts";
import { tensor } from "./support/random.ts";

const core = createCore();

describe("what is refused", () => {
  const conv = { inChannels: 2, outChannels: 2, kernelSize: 3 };
  const table = { numEmbeddings: 4, embeddingDim: 2 };
  const ROWS: [string, () => unknown, string][] = [
    [
      "a table of no rows",
      () => new Embedding(core, { ...table, numEmbeddings: 0 }),
      "numEmbeddings: expected a whole number of at least 1, got 0",
    ],
    [
      "more rows than float32 counts",
      () => new Embedding(core, { ...table, numEmbeddings: 2 ** 24 + 1 }),
      "numEmbeddings: expected at most 16777216, got 16777217",
    ],
    [
      "a padding row outside",
      () => new Embedding(core, { ...table, paddingIdx: 4 }),
      "paddingIdx: expected a row below 4, got 4",
    ],
    [
      "a negative padding row",
      () => new Embedding(core, { ...table, paddingIdx: -1 }),
      "paddingIdx: expected a whole number of at least 0, got -1",
    ],
    [
      "a stride of 0",
      () => new Conv1d(core, { ...conv, stride: 0 }),
      "stride: expected a whole number of at least 1, got 0",
    ],
    [
      "a negative padding",
      () => new Conv1d(core, { ...conv, padding: -1 }),
      "padding: expected a whole number of at least 0, got -1",
    ],
    [
      "PyTorch's padding same",
      () => new Conv1d(core, { ...conv, padding: "same" as never }),
      'padding: expected a whole number or "causal", got "same"',
    ],
    [
      "taps too far apart",
      () => new Conv1d(core, { ...conv, dilation: 2 ** 30 }),
      "dilation: expected dilation·(kernelSize − 1) below 2^31, got 2147483648",
    ],
    [
      "too few steps",
      () => new Conv1d(core, { ...conv, dilation: 3, padding: 1 }).forward(tensor(4, 1, 2)),
      "x: expected at least 5 steps, got [4,1,2]",
    ],
    [
      "other channels",
      () => new Conv1d(core, conv).forward(tensor(4, 1, 3)),
      "x: expected shape [T,B,2] or [T,2], got [4,1,3]",
    ],
    ["one axis", () => new Conv1d(core, conv).forward(tensor(2)), "x: expected shape [T,B,2] or [T,2], got [2]"],
    [
      "more output than there is memory",
      () => new Conv1d(core, { ...conv, padding: 2 ** 29 }).forward(tensor(1, 1, 2)),
      "memory: expected room for",
    ],
    ["an eps of 0", () => new LayerNorm(core, { normalizedShape: 2, eps: 0 }), "eps: expected a number above 0, got 0"],
    [
      "another width",
      () => new LayerNorm(core, { normalizedShape: 2 }).forward(tensor(2, 3)),
      "x: expected shape [...,2], got [2,3]",
    ],
    ["a dropout of everything", () => new Dropout(core, { p: 1 }), "p: expected a number in [0, 1), got 1"],
    ["an unknown activation", () => activation("sin" as never), "activation: expected one of sigmoid, tanh, relu,"],
    [
      "a slope that hides the branch",
      () => activation({ name: "leakyRelu", alpha: -1 }),
      "activation.alpha: expected a number of at least 0, got -1",
    ],
    [
      "all steps of no sequence",
      () => new AllSteps(core).forward(tensor(2, 3)),
      "x: expected shape [T,B,N], got [2,3]",
    ],
    [
      "a residual of another shape",
      () => new Residual([new Linear(core, { inFeatures: 3, outFeatures: 2 })]).forward(tensor(4, 3)),
      "layers: expected ones that keep the shape [4,3], got [4,2]",
    ],
    ["a residual of nothing", () => new Residual([]), "layers: expected at least one layer with parameters, got []"],
    [
      "an unknown way of passing",
      () => new Dropout(core).forward(tensor(2), { train: true } as never),
      'forward options: expected options among training, lengths, got "train"',
    ],
  ];
  test.each(ROWS)("%s", (_, call, message) => {
    expect(call).toThrow(message);
  });
  test("a residual of another shape has changed nothing", () => {
    const every = { inChannels: 3, outChannels: 3, kernelSize: 1, stride: 2 };
    const layer = new Residual([activation("relu"), new Conv1d(core, every)]);
    const x = tensor(1, 2, 3);
    layer.forward(x);
    const want = layer.backward(x);
    layer.forward(x);
    expect(() => layer.forward(tensor(3, 2, 3))).toThrow(
      "layers: expected ones that keep the shape [3,2,3], got [2,2,3]",
    );
    expect(layer.backward(x)).toEqual(want);
  });
});
