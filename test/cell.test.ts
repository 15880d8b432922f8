import {
  GRU,
  GRUCell,
  Linear,
  LSTM,
  LSTMCell,
  MinGRU,
  MinGRUCell,
  MinLSTM,
  MinLSTMCell,
  RNN,
  RNNCell,
  Sequential,
  SLSTM,
  SLSTMCell,
} from "lstm-wasm";
import { describe, expect, test } from "vitest";
import { createCore } from "./support/cores.ts";
import { createRandom, randomTensor } from "./support/random.ts";

const core = createCore();
const sizes = { inputSize: 3, hiddenSize: 5, seed: 4 };
const random = createRandom(1);
const x = randomTensor(random, [2, 3]);
const sequence = { data: x.data, shape: [1, 2, 3] };

describe("a cell is a step of its layer", () => {
  test("LSTM", () => {
    const [layer, cell] = [new LSTM(core, { ...sizes, projSize: 4 }), new LSTMCell(core, { ...sizes, projSize: 4 })];
    const [h, c, dh, dc] = [4, 5, 4, 5].map((width) => randomTensor(random, [2, width])) as [
      typeof x,
      typeof x,
      typeof x,
      typeof x,
    ];
    const one = ({ data, shape }: typeof x) => ({ data, shape: [1, ...shape] });
    const want = layer.forward(sequence, { h0: one(h), c0: one(c) });
    const got = cell.forward(x, { h, c });
    expect([one(got.h), one(got.c)]).toEqual([want.hn, want.cn]);
    const grads = layer.backward({ hn: one(dh), cn: one(dc) });
    const back = cell.backward({ h: dh, c: dc });
    expect([one(back.input), one(back.h), one(back.c)]).toEqual([grads.input, grads.h0, grads.c0]);
    expect(Object.keys(cell.stateDict())).toEqual(["weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"]);
    expect(Object.values(cell.gradients())).toEqual(Object.values(layer.gradients()));
  });

  test.each([
    ["GRU", GRU, GRUCell],
    ["RNN", RNN, RNNCell],
    ["SLSTM", SLSTM, SLSTMCell],
    ["MinGRU", MinGRU, MinGRUCell],
    ["MinLSTM", MinLSTM, MinLSTMCell],
  ] as const)("%s", (_, Layer, Cell) => {
    const [layer, cell] = [new Layer(core, sizes), new Cell(core, sizes)];
    const { h } = cell.forward(x);
    expect(h.data).toEqual(layer.forward(sequence).hn.data);
    const d = randomTensor(random, [2, 5]);
    const { input, h0 } = layer.backward({ hn: { data: d.data, shape: [1, 2, 5] } });
    const back = cell.backward({ h: d });
    expect([back.input.data, back.h.data]).toEqual([input.data, h0.data]);
    cell.loadStateDict(cell.stateDict());
    expect(cell.forward(x, { h }).h.shape).toEqual([2, 5]);
  });

  test("steps one after the other are a sequence", () => {
    const [layer, cell] = [new LSTM(core, sizes), new LSTMCell(core, sizes)];
    const steps = randomTensor(random, [6, 2, 3]);
    let states = {};
    for (let t = 0; t < 6; t++)
      states = cell.forward({ data: steps.data.slice(6 * t, 6 * t + 6), shape: [2, 3] }, states);
    const { hn, cn } = layer.forward(steps);
    expect(states).toEqual({ h: { data: hn.data, shape: [2, 5] }, c: { data: cn.data, shape: [2, 5] } });
  });

  test("an sLSTM's steps carry all four states", () => {
    const [layer, cell] = [new SLSTM(core, sizes), new SLSTMCell(core, sizes)];
    const steps = randomTensor(random, [6, 2, 3]);
    let states = {};
    for (let t = 0; t < 6; t++)
      states = cell.forward({ data: steps.data.slice(6 * t, 6 * t + 6), shape: [2, 3] }, states);
    const { hn, cn, nn, mn } = layer.forward(steps);
    const one = ({ data }: typeof x) => ({ data, shape: [2, 5] });
    expect(states).toEqual({ h: one(hn), c: one(cn), n: one(nn), m: one(mn) });
  });

  test("without a batch axis", () => {
    const cell = new LSTMCell(core, sizes);
    const frame = x.data.slice(0, 3);
    const batched = cell.forward({ data: frame, shape: [1, 3] });
    const { h, c } = cell.forward({ data: frame, shape: [3] });
    expect([h, c]).toEqual([
      { data: batched.h.data, shape: [5] },
      { data: batched.c.data, shape: [5] },
    ]);
    const grads = cell.backward({ h, c });
    expect([grads.input.shape, grads.h.shape, grads.c.shape]).toEqual([[3], [5], [5]]);
    expect(cell.forward({ data: frame, shape: [3] }, { h, c }).h.shape).toEqual([5]);
  });

  test("training draws masks, and only training", () => {
    const cell = new RNNCell(core, { ...sizes, inputDropout: 0.5 });
    const still = cell.forward(x).h;
    expect(cell.forward(x, {}, { training: true }).h).not.toEqual(still);
    expect(cell.forward(x).h).toEqual(still);
  });

  test("in a Sequential", () => {
    const cell = new GRUCell(core, sizes);
    const model = new Sequential([cell, new Linear(core, { inFeatures: 5, outFeatures: 1 })]);
    expect(model.forward(x).shape).toEqual([2, 1]);
    expect(model.backward({ data: new Float32Array(2).fill(1), shape: [2, 1] }).shape).toEqual([2, 3]);
  });
});

test("what a cell refuses", () => {
  const cell = new LSTMCell(core, sizes);
  expect(() => new LSTMCell(core, { ...sizes, numLayers: 2 } as never)).toThrow(
    "numLayers: expected none in a cell, which takes a single step, got 2",
  );
  expect(() => cell.forward(sequence)).toThrow("x: expected shape [B,3] or [3], got [1,2,3]");
  expect(() => cell.forward(x, { h: randomTensor(random, [2, 4]) })).toThrow("h: expected shape [2,5], got [2,4]");
  expect(() => cell.forward(x, { h0: x } as never)).toThrow('states: expected options among h, c, got "h0"');
  expect(() => cell.forward(x, null as never)).toThrow("states: expected an object of options, got null");
  expect(() => cell.backward({})).toThrow("LSTMCell: expected one forward before each backward");
  cell.forward(x);
  expect(() => cell.backward({ h: randomTensor(random, [1, 5]) })).toThrow("h: expected shape [2,5], got [1,5]");
  expect(() => cell.backward({ hn: x } as never)).toThrow('cotangents: expected options among h, c, got "hn"');
  cell.backward({});
  cell.dispose();
  expect(() => cell.forward(x)).toThrow("LSTMCell: expected a layer in use, got a disposed one");
});
