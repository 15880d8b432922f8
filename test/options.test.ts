// What ONNX and Keras add to PyTorch's layers, against the float64 oracle: values and every gradient.
import fc from "fast-check";
import { GRU, LSTM, MinGRU, MinLSTM, RNN, SLSTM, type Tensor } from "lstm-wasm";
import { describe, expect, test } from "vitest";
import { type Dims, differences } from "./support/against-oracle.ts";
import { BUILDS, createCore } from "./support/cores.ts";
import { createRandom, randomTensor } from "./support/random.ts";

const ACTIVATIONS =
  "sigmoid tanh relu affine leakyRelu thresholdedRelu scaledTanh hardSigmoid elu softsign softplus".split(" ");
const sizes = { T: 4, B: 3, I: 5, H: 6 };

const TABLE: [string, Dims][] = [
  ["peepholes", { cell: "LSTM", ...sizes, options: { peephole: true } }],
  ["coupled", { cell: "LSTM", ...sizes, options: { coupled: true } }],
  ["coupled with peepholes", { cell: "LSTM", ...sizes, options: { coupled: true, peephole: true } }],
  ["gate clip", { cell: "LSTM", ...sizes, options: { gateClip: 0.3 } }],
  ["cell clip", { cell: "LSTM", ...sizes, options: { cellClip: 0.2 } }],
  [
    "all of them",
    { cell: "LSTM", ...sizes, L: 2, bidirectional: true, options: { peephole: true, gateClip: 0.6, cellClip: 0.4 } },
  ],
  ["reverse LSTM", { cell: "LSTM", ...sizes, options: { direction: "reverse" } }],
  ["reverse GRU", { cell: "GRU", ...sizes, lengths: [4, 0, 2], options: { direction: "reverse" } }],
  ["reset before", { cell: "GRU", ...sizes, options: { resetAfter: false } }],
  [
    "reset before, two layers, two directions",
    { cell: "GRU", ...sizes, L: 2, bidirectional: true, lengths: [4, 1, 3], options: { resetAfter: false } },
  ],
  [
    "reset before, clip, no bias",
    { cell: "GRU", ...sizes, bias: false, options: { resetAfter: false, gateClip: 0.4 } },
  ],
  ["reset after, clip", { cell: "GRU", ...sizes, options: { gateClip: 0.4 } }],
  ...(["LSTM", "GRU", "RNN", "SLSTM", "MinGRU", "MinLSTM"] as const).map((cell): [string, Dims] => [
    `gradients of ${cell} bounded at every step`,
    { cell, ...sizes, T: 6, L: 2, bidirectional: true, lengths: [6, 2, 4], options: { clipStep: 0.15 } },
  ]),
  [
    "bounded gradients with peepholes and clips",
    { cell: "LSTM", ...sizes, options: { clipStep: 0.1, peephole: true, gateClip: 0.5, cellClip: 0.3 } },
  ],
  ["bounded gradients with the reset before", { cell: "GRU", ...sizes, options: { clipStep: 0.1, resetAfter: false } }],
  ["bounded gradients with layer norm", { cell: "LSTM", ...sizes, options: { clipStep: 0.1, layerNorm: true } }],
  ["RNN clip", { cell: "RNN", ...sizes, options: { gateClip: 0.4 } }],
  ...ACTIVATIONS.flatMap((name): [string, Dims][] => [
    [`${name} in an LSTM`, { cell: "LSTM", ...sizes, options: { activations: [{ f: { name } }, { f: { name } }] } }],
    [`${name} as g and h`, { cell: "LSTM", ...sizes, options: { activations: [{ g: { name }, h: { name } }, {}] } }],
    [`${name} in a GRU`, { cell: "GRU", ...sizes, options: { activations: [{ f: { name }, g: { name } }, {}] } }],
    [`${name} in an RNN`, { cell: "RNN", ...sizes, options: { activations: [{ f: { name } }, {}] } }],
  ]),
  [
    "another activation in each direction",
    {
      cell: "LSTM",
      ...sizes,
      bidirectional: true,
      options: { activations: [{ f: { name: "hardSigmoid", alpha: 1 / 6 } }, { g: { name: "elu", alpha: 0.3 } }] },
    },
  ],
  ["layer norm", { cell: "LSTM", ...sizes, options: { layerNorm: true } }],
  [
    "layer norm, two layers and directions, projected, no bias",
    {
      cell: "LSTM",
      ...sizes,
      L: 2,
      bidirectional: true,
      projSize: 4,
      bias: false,
      lengths: [4, 1, 3],
      options: { layerNorm: true },
    },
  ],
  [
    "layer norm with peepholes, a clip and a mask",
    {
      cell: "LSTM",
      ...sizes,
      mask: [1, 0, 1, 0, 0, 1, 1, 1, 1, 1, 0, 1],
      options: { layerNorm: true, peephole: true, cellClip: 0.4 },
    },
  ],
  ["layer norm of one row, T 30", { cell: "LSTM", T: 30, B: 1, I: 3, H: 9, options: { layerNorm: true } }],
  ["a mask with gaps", { cell: "LSTM", ...sizes, mask: [1, 0, 1, 0, 0, 1, 1, 1, 1, 1, 0, 1] }],
  [
    "a mask over two layers and directions",
    { cell: "GRU", ...sizes, L: 2, bidirectional: true, mask: [1, 0, 1, 0, 0, 1, 1, 1, 1, 1, 0, 1] },
  ],
  [
    "a mask over an sLSTM, two layers and directions",
    { cell: "SLSTM", ...sizes, L: 2, bidirectional: true, mask: [1, 0, 1, 0, 0, 1, 1, 1, 1, 1, 0, 1] },
  ],
  ["a mask over a MinGRU", { cell: "MinGRU", ...sizes, mask: [1, 0, 1, 0, 0, 1, 1, 1, 1, 1, 0, 1] }],
  ["reverse sLSTM", { cell: "SLSTM", ...sizes, lengths: [4, 0, 2], options: { direction: "reverse" } }],
  ["positive MinGRU", { cell: "MinGRU", ...sizes, L: 2, options: { positive: true, clipStep: 0.2 } }],
  [
    "positive MinLSTM, reverse, with a mask",
    {
      cell: "MinLSTM",
      ...sizes,
      mask: [1, 0, 1, 0, 0, 1, 1, 1, 1, 1, 0, 1],
      options: { positive: true, direction: "reverse" },
    },
  ],
  [
    "a mask over a projection",
    { cell: "LSTM", ...sizes, projSize: 3, L: 2, mask: [1, 0, 1, 0, 0, 1, 1, 1, 1, 1, 0, 1] },
  ],
  [
    "a mask over a reset before",
    { cell: "GRU", ...sizes, options: { resetAfter: false }, mask: [1, 0, 1, 0, 0, 1, 1, 1, 1, 1, 0, 1] },
  ],
];

describe.each(BUILDS)("%s", (build) => {
  const core = createCore(build);
  test.each(TABLE)("%s", (_, dims) => {
    expect(differences(core, dims)).toEqual([]);
  });

  test("options at random", () => {
    const size = (most: number) => fc.integer({ min: 1, max: most });
    const limit = fc.option(fc.double({ min: 0.1, max: 1, noNaN: true }), { nil: 0 });
    const act = fc.option(
      fc.record({ name: fc.constantFrom("tanh", "sigmoid", "softsign", "softplus", "scaledTanh") }),
      { nil: undefined },
    );
    const dims = fc.record({
      cell: fc.constantFrom<Dims["cell"]>("LSTM", "GRU", "RNN", "SLSTM", "MinGRU", "MinLSTM"),
      T: size(6),
      B: size(6),
      I: size(10),
      H: size(11),
      L: size(2),
      bidirectional: fc.boolean(),
      bias: fc.boolean(),
      masked: fc.option(fc.array(fc.constantFrom(0, 1), { minLength: 36, maxLength: 36 }), { nil: undefined }),
      flags: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
      limits: fc.tuple(limit, limit),
      acts: fc.tuple(act, act, act),
    });
    fc.assert(
      fc.property(dims, ({ masked, flags: [a, b, c], limits: [gateClip, cellClip], acts: [f, g, h], ...rest }) => {
        const [first, second] = [{ ...(f && { f }), ...(g && rest.cell !== "RNN" && { g }) }, {}];
        const activations = [{ ...first, ...(h && rest.cell === "LSTM" && { h }) }, second];
        const onnx = { gateClip, activations };
        const own = {
          LSTM: { ...onnx, peephole: a, coupled: b, cellClip },
          GRU: { ...onnx, resetAfter: c },
          RNN: onnx,
          SLSTM: {},
          MinGRU: { positive: b },
          MinLSTM: { positive: b },
        }[rest.cell];
        const options = {
          ...own,
          ...(cellClip > 0 && { clipStep: cellClip }),
          ...(rest.bidirectional ? {} : a && { direction: "reverse" as const }),
        };
        const mask = masked?.slice(0, rest.T * rest.B);
        expect(differences(core, { ...rest, options, ...(mask && { mask }) })).toEqual([]);
      }),
      { numRuns: 100, seed: 8 },
    );
  });
});

describe.each(BUILDS)("%s: zoneout and dropout inside the recurrence", (build) => {
  const core = createCore(build);
  const noises = [{ zoneout: 0.3 }, { inputDropout: 0.4 }, { recurrentDropout: 0.4 }, { weightDropout: 0.4 }];
  const all = { zoneout: 0.3, inputDropout: 0.2, recurrentDropout: 0.3, weightDropout: 0.2 };
  const cells: Dims[] = [
    { cell: "LSTM", ...sizes, L: 2, bidirectional: true },
    { cell: "LSTM", ...sizes, projSize: 4, lengths: [4, 2, 3] },
    { cell: "GRU", ...sizes, L: 2, bidirectional: true, mask: [1, 0, 1, 0, 0, 1, 1, 1, 1, 1, 0, 1] },
    { cell: "GRU", ...sizes, options: { resetAfter: false }, lengths: [4, 2, 3] },
    { cell: "RNN", ...sizes, L: 2 },
    { cell: "SLSTM", ...sizes, L: 2, bidirectional: true, lengths: [4, 2, 3] },
    { cell: "LSTM", ...sizes, projSize: 3, options: { layerNorm: true } },
  ];
  const rows = cells.flatMap((dims) =>
    [...noises, all].flatMap((noise) => [true, false].map((training) => ({ ...dims, noise, training }))),
  );
  test.each(rows)("$cell L$L $options $noise training $training", (dims) => {
    expect(differences(core, dims)).toEqual([]);
  });

  test.each(["MinGRU", "MinLSTM"] as const)("%s, which has no recurrent weights", (cell) => {
    for (const training of [true, false])
      expect(differences(core, { cell, ...sizes, L: 2, noise: { zoneout: 0.3, inputDropout: 0.2 }, training })).toEqual(
        [],
      );
  });
});

describe("masks", () => {
  const core = createCore();
  const x = randomTensor(createRandom(1), [6, 8, 20]);
  const create = (noise: object) => new LSTM(core, { inputSize: 20, hiddenSize: 20, seed: 3, ...noise });
  const drawn = (layer: LSTM, name: string, training = true) => {
    const [record] = layer.forward(x, { training, record: true }).record as unknown as Record<string, Tensor>[];
    return record?.[name]?.data;
  };
  const share = (mask: Float32Array | undefined) =>
    mask ? mask.filter((value) => value === 0).length / mask.length : Number.NaN;

  test.each([
    ["zoneout", "zone", [0, 1]],
    ["inputDropout", "xMask", [0, Math.fround(1 / 0.7)]],
    ["recurrentDropout", "hMask", [0, Math.fround(1 / 0.7)]],
    ["weightDropout", "wMask", [0, Math.fround(1 / 0.7)]],
  ])("%s: as often as asked, new at each pass, the same for the same seed", (option, name, values) => {
    const [a, b] = [create({ [option]: 0.3 }), create({ [option]: 0.3 })];
    const first = drawn(a, name);
    expect([...new Set(first)].sort()).toEqual(values);
    expect(Math.abs(share(first) - 0.3)).toBeLessThan(0.12);
    expect(drawn(b, name)).toEqual(first);
    expect(drawn(a, name)).not.toEqual(first);
    // Outside of training nothing is drawn; zoneout moves by its expectation.
    const still = drawn(a, name, false);
    expect(option === "zoneout" ? [...new Set(still)] : still).toEqual(
      option === "zoneout" ? [Math.fround(0.7)] : undefined,
    );
  });

  test("dropped weights come back after training", () => {
    const [layer, plain] = [create({ weightDropout: 0.5 }), create({})];
    const want = plain.forward(x).output;
    expect(layer.forward(x).output).toEqual(want);
    expect(layer.forward(x, { training: true }).output).not.toEqual(want);
    layer.backward({ output: want });
    expect(layer.forward(x).output).toEqual(want);
    layer.backward({ output: want });
  });

  test("a stream moves by zoneout's expectation, with the bits of the whole", () => {
    const layer = create({ zoneout: 0.3, numLayers: 2 });
    const one = randomTensor(createRandom(2), [6, 1, 20]);
    const stream = layer.stream();
    const steps = [0, 1, 2, 3, 4, 5].flatMap((t) => [...stream.step(one.data.slice(20 * t, 20 * t + 20))]);
    expect(Float32Array.from(steps)).toEqual(layer.forward(one).output.data);
  });
});

describe("Keras' ways", () => {
  const core = createCore();
  const x = randomTensor(createRandom(1), [5, 2, 3]);
  const flip = (data: Float32Array, T: number) => {
    const row = data.length / T;
    return Float32Array.from(data, (_, k) => data[(T - 1 - Math.floor(k / row)) * row + (k % row)] as number);
  };

  test("goBackwards is the reverse direction, answered in its own order", () => {
    const reverse = new LSTM(core, { inputSize: 3, hiddenSize: 4, direction: "reverse", seed: 2 });
    const backwards = new LSTM(core, { inputSize: 3, hiddenSize: 4, goBackwards: true, seed: 2 });
    const [a, b] = [reverse.forward(x), backwards.forward(x)];
    expect(b.output.data).toEqual(flip(a.output.data, 5));
    expect(b.hn).toEqual(a.hn);
    // The last answer is the final state: what Keras returns without return_sequences.
    expect(b.output.data.subarray(4 * 8)).toEqual(b.hn.data);
    const d = randomTensor(createRandom(3), [5, 2, 4]);
    const turned = { data: flip(d.data, 5), shape: d.shape };
    expect(backwards.backward({ output: turned })).toEqual(reverse.backward({ output: d }));
    expect(backwards.gradients()).toEqual(reverse.gradients());
  });

  test("a masked output repeats, or is 0 if asked; what x holds there does not matter", () => {
    const gru = new GRU(core, { inputSize: 3, hiddenSize: 4, batchFirst: true });
    const batch = randomTensor(createRandom(1), [2, 5, 3]);
    const mask = { data: Uint8Array.of(1, 1, 0, 1, 0, 0, 1, 1, 0, 1), shape: [2, 5] };
    const { output, hn } = gru.forward(batch, { mask });
    const at = (b: number, t: number, data = output.data) => data.subarray((b * 5 + t) * 4, (b * 5 + t + 1) * 4);
    expect(at(0, 2)).toEqual(at(0, 1));
    expect(at(0, 4)).toEqual(at(0, 3));
    expect(at(1, 0)).toEqual(new Float32Array(4));
    expect(hn.data.subarray(0, 4)).toEqual(at(0, 4));
    const spoiled = {
      data: batch.data.map((value, k) => (mask.data[Math.floor(k / 3)] ? value : Number.NaN)),
      shape: batch.shape,
    };
    expect(gru.forward(spoiled, { mask }).output).toEqual(output);
    const grads = gru.backward({ output: randomTensor(createRandom(4), [2, 5, 4]) });
    for (let k = 0; k < 10; k++) {
      const part = grads.input.data.subarray(3 * k, 3 * k + 3);
      expect(part.every((value) => (mask.data[k] ? value !== 0 : value === 0))).toBe(true);
    }
    const zeroed = gru.forward(batch, { mask, zeroOutputForMask: true });
    expect(at(0, 2, zeroed.output.data)).toEqual(new Float32Array(4));
    expect(at(0, 3, zeroed.output.data)).toEqual(at(0, 3));
    expect(zeroed.hn).toEqual(hn);
  });
});

test("a record shows zeros where a step was not taken", () => {
  const core = createCore();
  const x = randomTensor(createRandom(1), [3, 2, 3]);
  const mask = { data: Uint8Array.of(1, 0, 0, 1, 1, 1), shape: [3, 2] };
  for (const Layer of [LSTM, GRU, RNN, SLSTM, MinGRU, MinLSTM]) {
    const layer = new Layer(core, { inputSize: 3, hiddenSize: 5, bidirectional: true });
    const { record } = layer.forward(x, { mask, record: true });
    for (const direction of record ?? [])
      for (const [name, { data }] of Object.entries(direction as unknown as Record<string, Tensor>)) {
        const width = data.length / 6;
        const rows = [1, 2].map((row) => [...data.subarray(row * width, (row + 1) * width)]);
        // States are held; everything else belongs to the step.
        if ("hcm".includes(name) || (name === "n" && Layer === SLSTM))
          expect(rows.flat().every(Number.isFinite)).toBe(true);
        else expect(rows.flat(), `${Layer.name} ${name}`).toEqual(new Array(2 * width).fill(0));
      }
  }
});

test("a sequence of length 0 ends in zeros, and its start gets no gradient (onnxruntime's rule)", () => {
  const lstm = new LSTM(createCore(), { inputSize: 3, hiddenSize: 4, numLayers: 2, bidirectional: true });
  const random = createRandom(1);
  const [h0, c0] = [randomTensor(random, [4, 2, 4]), randomTensor(random, [4, 2, 4])];
  const result = lstm.forward(randomTensor(random, [5, 2, 3]), { h0, c0, lengths: [0, 5] });
  const grads = lstm.backward({ output: result.output, hn: result.hn, cn: result.cn });
  const rows = (data: Float32Array, b: number) =>
    [0, 1, 2, 3].flatMap((k) => [...data.subarray((2 * k + b) * 4, (2 * k + b + 1) * 4)]);
  for (const { data } of [result.hn, result.cn, grads.h0, grads.c0]) {
    expect(rows(data, 0).every((value) => value === 0)).toBe(true);
    expect(rows(data, 1).every((value) => value !== 0)).toBe(true);
  }
});
