// Every recurrent layer through the public API against the float64 oracle, at sizes below, at and above each tile.
import fc from "fast-check";
import { LSTM, type Tensor } from "lstm-wasm";
import { describe, expect, test } from "vitest";
import { type Dims, differences } from "./support/against-oracle.ts";
import { compare } from "./support/compare.ts";
import { BUILDS, createCore } from "./support/cores.ts";
import { createRandom, randomTensor } from "./support/random.ts";

const TABLE: Dims[] = [
  ...[1, 3, 4, 5, 8, 31, 64].flatMap((H): Dims[] => [
    { cell: "LSTM", T: 2, B: 3, I: 7, H },
    { cell: "GRU", T: 2, B: 3, I: 7, H },
    { cell: "RNN", T: 2, B: 3, I: 7, H },
    { cell: "SLSTM", T: 2, B: 3, I: 7, H },
    { cell: "MinGRU", T: 2, B: 3, I: 7, H },
    { cell: "MinLSTM", T: 2, B: 3, I: 7, H },
  ]),
  ...[1, 4, 5, 33].flatMap((B): Dims[] => [
    { cell: "LSTM", T: 3, B, I: 8, H: 9 },
    { cell: "GRU", T: 3, B, I: 8, H: 9, bias: false },
  ]),
  ...[1, 8, 9].map((I): Dims => ({ cell: "LSTM", T: 17, B: 2, I, H: 6, bias: false, states: false })),
  { cell: "LSTM", T: 70, B: 1, I: 3, H: 5 },
  { cell: "LSTM", T: 1, B: 1, I: 1, H: 1, states: false },
  { cell: "LSTM", T: 4, B: 3, I: 2, H: 6, L: 3, bidirectional: true, projSize: 5, lengths: [4, 1, 2] },
  { cell: "GRU", T: 4, B: 3, I: 2, H: 6, L: 2, bidirectional: true, lengths: [1, 4, 3] },
  { cell: "RNN", T: 4, B: 3, I: 2, H: 6, L: 2, bidirectional: true, lengths: [4, 4, 2] },
  { cell: "SLSTM", T: 4, B: 3, I: 2, H: 6, L: 2, bidirectional: true, lengths: [4, 0, 2] },
  { cell: "SLSTM", T: 30, B: 2, I: 3, H: 5, states: false },
  { cell: "MinGRU", T: 4, B: 3, I: 2, H: 6, L: 2, bidirectional: true, lengths: [4, 0, 2] },
  { cell: "MinLSTM", T: 4, B: 3, I: 2, H: 6, L: 2, bidirectional: true, lengths: [4, 0, 2], bias: false },
  { cell: "SLSTM", T: 5, B: 2, I: 3, H: 4, give: ["output"] },
  { cell: "SLSTM", T: 5, B: 2, I: 3, H: 4, L: 2, bidirectional: true, give: ["nn", "mn"] },
  { cell: "LSTM", T: 5, B: 2, I: 3, H: 4, give: ["output"] },
  { cell: "LSTM", T: 5, B: 2, I: 3, H: 4, give: ["hn"] },
  { cell: "LSTM", T: 5, B: 2, I: 3, H: 4, L: 2, bidirectional: true, give: ["cn"] },
  { cell: "GRU", T: 5, B: 2, I: 3, H: 4, give: ["hn"] },
];

describe.each(BUILDS)("%s", (build) => {
  const core = createCore(build);
  test.each(TABLE)("$cell T$T B$B I$I H$H L$L bias $bias", (dims) => {
    expect(differences(core, dims)).toEqual([]);
  });

  test("sizes and options at random", () => {
    const size = (most: number) => fc.integer({ min: 1, max: most });
    const dims = fc.record({
      cell: fc.constantFrom<Dims["cell"]>("LSTM", "GRU", "RNN", "SLSTM", "MinGRU", "MinLSTM"),
      T: size(7),
      B: size(9),
      I: size(18),
      H: size(21),
      L: size(3),
      bidirectional: fc.boolean(),
      bias: fc.boolean(),
      states: fc.boolean(),
      cuts: fc.option(fc.array(fc.nat(), { minLength: 9, maxLength: 9 }), { nil: undefined }),
      proj: fc.nat(),
    });
    fc.assert(
      fc.property(dims, ({ cuts, proj, ...rest }) => {
        const projSize = rest.cell === "LSTM" && rest.H > 1 ? proj % rest.H : 0;
        const lengths = cuts?.slice(0, rest.B).map((cut) => cut % (rest.T + 1));
        expect(differences(core, { ...rest, projSize, ...(lengths && { lengths }) })).toEqual([]);
      }),
      { numRuns: 90, seed: 5 },
    );
  });
});

describe("gradients of the parameters", () => {
  test("add up over backward passes, and start again after zeroGrad", () => {
    const core = createCore();
    const lstm = new LSTM(core, { inputSize: 3, hiddenSize: 5 });
    const x = randomTensor(createRandom(1), [4, 2, 3]);
    const hn = randomTensor(createRandom(2), [1, 2, 5]);
    const once = () => {
      lstm.forward(x);
      lstm.backward({ hn });
      return lstm.gradients();
    };
    const [first, second] = [once(), once()];
    for (const [name, { data }] of Object.entries(second))
      expect(
        compare(
          name,
          data,
          (first[name] as Tensor).data.map((value) => 2 * value),
          1e-6,
        ).ratio,
      ).toBeLessThan(1);
    lstm.zeroGrad();
    expect(once()).toEqual(first);
  });
});

describe("a shape that is the same sequence", () => {
  const core = createCore();
  const lstm = new LSTM(core, { inputSize: 3, hiddenSize: 5, numLayers: 2, bidirectional: true, seed: 4 });
  const x = randomTensor(createRandom(1), [6, 1, 3]);
  const whole = lstm.forward(x);

  test("without a batch axis", () => {
    const { output, hn, cn } = lstm.forward({ data: x.data, shape: [6, 3] });
    expect([output.shape, hn.shape, cn.shape]).toEqual([
      [6, 10],
      [4, 5],
      [4, 5],
    ]);
    expect([output.data, hn.data, cn.data]).toEqual([whole.output.data, whole.hn.data, whole.cn.data]);
    const grads = lstm.backward({ output });
    expect([grads.input.shape, grads.h0.shape, grads.c0.shape]).toEqual([
      [6, 3],
      [4, 5],
      [4, 5],
    ]);
  });

  test("as a view", () => {
    expect(lstm.forward(x, { view: true }).output).toEqual(whole.output);
  });

  test("each row of a batch has the bits it has alone", () => {
    const rows = randomTensor(createRandom(7), [6, 9, 3]);
    const { output } = lstm.forward(rows);
    for (let b = 0; b < 9; b++) {
      const alone = {
        data: Float32Array.from(
          { length: 18 },
          (_, k) => rows.data[(Math.floor(k / 3) * 9 + b) * 3 + (k % 3)] as number,
        ),
        shape: [6, 1, 3],
      };
      const want = lstm.forward(alone).output.data;
      const got = Float32Array.from(
        { length: 60 },
        (_, k) => output.data[(Math.floor(k / 10) * 9 + b) * 10 + (k % 10)] as number,
      );
      expect(got).toEqual(want);
    }
  });
});

describe("dropout between layers", () => {
  const core = createCore();
  const create = () => new LSTM(core, { inputSize: 3, hiddenSize: 40, numLayers: 2, dropout: 0.25, seed: 9 });
  const x = randomTensor(createRandom(1), [5, 8, 3]);

  test("does nothing outside training", () => {
    const plain = new LSTM(core, { inputSize: 3, hiddenSize: 40, numLayers: 2, seed: 9 });
    expect(create().forward(x).output).toEqual(plain.forward(x).output);
  });

  test("is the same for the same seed, and new at every pass", () => {
    const [a, b] = [create(), create()];
    const first = a.forward(x, { training: true }).output;
    expect(b.forward(x, { training: true }).output).toEqual(first);
    expect(a.forward(x, { training: true }).output).not.toEqual(first);
  });

  test("drops a quarter, scales the rest, and lets gradients through where values went", () => {
    const lstm = create();
    const { output, record } = lstm.forward(x, { training: true, record: true });
    const { record: back } = lstm.backward({ output }, { record: true });
    const dh = back?.[0]?.dh.data as Float32Array;
    // A dropped value of layer 0 at the last step reaches nothing: its gradient is exactly 0 there.
    const last = dh.subarray(dh.length - 8 * 40);
    const share = last.filter((value) => value === 0).length / last.length;
    expect(record?.length).toBe(2);
    expect(share).toBeGreaterThan(0.18);
    expect(share).toBeLessThan(0.32);
  });
});
