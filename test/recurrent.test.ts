// LSTM, GRU and RNN through the public API against the float64 oracle, at sizes below, at and above each tile.
import fc from "fast-check";
import {
  type Core,
  GRU,
  LSTM,
  type LSTMCotangents,
  type LSTMForwardOptions,
  RNN,
  type Shape,
  type Tensor,
} from "lstm-wasm";
import { describe, expect, test } from "vitest";
import { run, type Spec } from "./reference/recurrent.ts";
import { compare, largest } from "./support/compare.ts";
import { BUILDS, createCore } from "./support/cores.ts";
import { createRandom, randomTensor } from "./support/random.ts";

interface Dims {
  readonly cell: "LSTM" | "GRU" | "RNN";
  readonly T: number;
  readonly B: number;
  readonly I: number;
  readonly H: number;
  readonly L?: number;
  readonly bidirectional?: boolean;
  readonly bias?: boolean;
  readonly projSize?: number;
  readonly states?: boolean;
  readonly lengths?: readonly number[];
  readonly give?: readonly ("output" | "hn" | "cn")[];
}

/** What differs by more than rounding can explain. */
function differences(core: Core, dims: Dims): string[] {
  const { cell, T, B, I, H, L = 1, bidirectional = false, bias = true, projSize = 0, states = true, lengths } = dims;
  const random = createRandom(T * 1000 + B * 100 + I * 10 + H);
  const D = bidirectional ? 2 : 1;
  const R = projSize || H;
  const options = { inputSize: I, hiddenSize: H, numLayers: L, bidirectional, bias, seed: 3 };
  using layer = (
    cell === "LSTM"
      ? new LSTM(core, { ...options, projSize })
      : cell === "GRU"
        ? new GRU(core, options)
        : new RNN(core, options)
  ) as LSTM;
  const x = randomTensor(random, [T, B, I]);
  const h0 = states ? randomTensor(random, [L * D, B, R]) : undefined;
  const c0 = states && cell === "LSTM" ? randomTensor(random, [L * D, B, H]) : undefined;
  const given: LSTMForwardOptions = { ...(h0 && { h0 }), ...(c0 && { c0 }), ...(lengths && { lengths }), record: true };
  const got = layer.forward(x, given);
  const shapes: Record<string, Shape> = { output: [T, B, D * R], hn: [L * D, B, R], cn: [L * D, B, H] };
  const give = (dims.give ?? ["output", "hn", "cn"]).filter((name) => name !== "cn" || cell === "LSTM");
  const cotangents: LSTMCotangents = Object.fromEntries(
    give.map((name) => [name, randomTensor(random, shapes[name] as Shape)]),
  );
  const parameters = layer.stateDict();
  const grads = layer.backward(cotangents, { record: true });

  const spec: Spec = { cell, inputSize: I, hiddenSize: H, numLayers: L, bidirectional, projSize };
  const want = run(spec, { x, h0, c0, lengths, parameters });
  const wantGrads = want.backward({
    output: cotangents.output?.data,
    hn: cotangents.hn?.data,
    cn: cotangents.cn?.data,
  });

  const pairs: [string, ArrayLike<number>, ArrayLike<number>][] = [
    ["output", got.output.data, want.output],
    ["hn", got.hn.data, want.hn],
    ["x", grads.input.data, wantGrads.x as Float64Array],
    ["h0", grads.h0.data, wantGrads.h0 as Float64Array],
    ...Object.entries(layer.gradients()).map(([name, { data }]): (typeof pairs)[number] => [
      name,
      data,
      wantGrads[name] as Float64Array,
    ]),
  ];
  if (cell === "LSTM") pairs.push(["cn", got.cn.data, want.cn], ["c0", grads.c0.data, wantGrads.c0 as Float64Array]);
  // Intermediates of every step that was taken.
  got.record?.forEach((record, slice) => {
    const forward = record as unknown as Record<string, Tensor>;
    const backward = grads.record?.[slice] as unknown as Record<string, Tensor>;
    want.record[slice]?.forEach((rows, t) => {
      rows.forEach((names, b) => {
        const at = (tensor: Tensor | undefined, width: number) =>
          tensor?.data.subarray((t * B + b) * width, (t * B + b + 1) * width) ?? [];
        for (const name of ["i", "f", "g", "o", "c", "tanhC", "r", "z", "n"])
          if (names[name]) pairs.push([`${name} at ${t},${b}`, at(forward[name], H), names[name].v]);
        pairs.push([`h at ${t},${b}`, at(forward.h, R), (names.h as { v: Float64Array }).v]);
        pairs.push([`dh at ${t},${b}`, at(backward.dh, R), (names.h as { g: Float64Array }).g]);
        if (names.c) pairs.push([`dc at ${t},${b}`, at(backward.dc, H), names.c.g]);
        const gates = { LSTM: ["ai", "af", "ag", "ao"], GRU: ["ar", "az", "an"], RNN: ["a"] }[cell].map(
          (name) => names[name],
        );
        pairs.push([`a at ${t},${b}`, at(forward.a, gates.length * H), gates.flatMap((gate) => [...(gate?.v ?? [])])]);
        pairs.push([
          `da at ${t},${b}`,
          at(backward.da, gates.length * H),
          gates.flatMap((gate) => [...(gate?.g ?? [])]),
        ]);
      });
    });
  });
  // A sum of n float32 terms in ±1 is off by about √n·2⁻²⁴ of its size, a recurrence of T steps repeats that T times;
  // 32 leaves room for the activations' 2 ULP and the growth along several layers.
  const epsilon = 32 * 2 ** -24 * Math.sqrt(I + H + T * B) * Math.sqrt(T * L);
  return pairs
    .map(([name, a, b]) => compare(name, a, b, epsilon * Math.max(1, largest(b))))
    .filter(({ ratio }) => !(ratio <= 1))
    .map(({ text }) => text);
}

const TABLE: Dims[] = [
  ...[1, 3, 4, 5, 8, 31, 64].flatMap((H): Dims[] => [
    { cell: "LSTM", T: 2, B: 3, I: 7, H },
    { cell: "GRU", T: 2, B: 3, I: 7, H },
    { cell: "RNN", T: 2, B: 3, I: 7, H },
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
      cell: fc.constantFrom("LSTM" as const, "GRU" as const, "RNN" as const),
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
        const lengths = cuts?.slice(0, rest.B).map((cut) => 1 + (cut % rest.T));
        expect(differences(core, { ...rest, projSize, ...(lengths && { lengths }) })).toEqual([]);
      }),
      { numRuns: 60, seed: 5 },
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
