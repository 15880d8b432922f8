import fc from "fast-check";
import {
  ActivationLayer,
  type ActivationName,
  activation,
  allSteps,
  Conv1d,
  type Conv1dOptions,
  Dropout,
  Embedding,
  LayerNorm,
  Linear,
  LSTM,
  Residual,
  Sequential,
  type SimpleLayer,
  type Tensor,
} from "lstm-wasm";
import { mseLoss, sgd, Trainer } from "lstm-wasm/train";
import { describe, expect, test } from "vitest";
import * as oracle from "./reference/layers.ts";
import { BUILDS, createCore } from "./support/cores.ts";
import { expectFiniteDifferences } from "./support/finite-differences.ts";
import { layerDifferences } from "./support/layer-against-oracle.ts";
import { createRandom, numbers, randomTensor, tensor } from "./support/random.ts";

const core = createCore();
const SIZES = [1, 3, 4, 5, 8, 9, 17] as const;
const sizeAt = (k: number) => SIZES[k % SIZES.length] as number;

const ACTIVATIONS: [ActivationName, number?, number?][] = [
  ["sigmoid"],
  ["tanh"],
  ["relu"],
  ["affine", 0.7, 0.2],
  ["leakyRelu", 0.2],
  ["leakyRelu", 0],
  ["thresholdedRelu", 0.3],
  ["scaledTanh", 1.7, 0.6],
  ["hardSigmoid", 0.6, 0.4],
  ["elu", 0.8],
  ["elu", 0],
  ["softsign"],
  ["softplus"],
];

/** An activation as bindings and oracle take it. */
const act = ([name, alpha, beta]: (typeof ACTIVATIONS)[number]) => ({
  name,
  ...(alpha !== undefined && { alpha }),
  ...(beta !== undefined && { beta }),
});

/** What a Conv1d pads, in front and behind. */
function paddingOf({ padding = 0, dilation = 1, kernelSize }: Conv1dOptions): [number, number] {
  return padding === "causal" ? [dilation * (kernelSize - 1), 0] : [padding, padding];
}
const convOracle = (options: Conv1dOptions) =>
  oracle.conv1d(options.stride ?? 1, options.dilation ?? 1, paddingOf(options));

describe("the oracle's gradients are finite differences", () => {
  const weights = (seed: number, shapes: Record<string, number[]>) => {
    const random = createRandom(seed);
    return Object.fromEntries(
      Object.entries(shapes).map(([name, shape]) => [
        name,
        { data: Float64Array.from(randomTensor(random, shape).data), shape },
      ]),
    );
  };
  const conv = { weight: [3, 2, 2], bias: [3] };
  const norm = { weight: [4], bias: [4] };
  const CASES: [string, oracle.OracleLayer, number[], Record<string, number[]>][] = [
    ["linear", oracle.linear, [2, 3], { weight: [4, 3], bias: [4] }],
    ["conv1d", oracle.conv1d(1, 1, [0, 0]), [4, 2, 2], conv],
    ["conv1d, strided", oracle.conv1d(2, 1, [1, 1]), [5, 1, 2], conv],
    ["conv1d, causal and dilated", oracle.conv1d(1, 3, [3, 0]), [4, 2, 2], { weight: conv.weight }],
    ["layer norm", oracle.layerNorm(1e-3), [3, 4], norm],
    ["layer norm without gain", oracle.layerNorm(), [3, 4], {}],
    ["masked", oracle.masked([0, 2, 2, 0]), [4], {}],
    ...ACTIVATIONS.map((one): (typeof CASES)[number] => [one[0], oracle.activation(act(one)), [13], {}]),
    [
      "one after the other, and a residual",
      oracle.sequential([
        oracle.linear,
        oracle.residual([oracle.layerNorm(), oracle.linear, oracle.activation({ name: "tanh" })]),
      ]),
      [2, 3],
      { "0.weight": [4, 3], "0.bias": [4], "1.0.weight": [4], "1.0.bias": [4], "1.1.weight": [4, 4], "1.1.bias": [4] },
    ],
  ];
  const check = (layer: oracle.OracleLayer, x: oracle.Parameters[string], parameters: oracle.Parameters) => {
    const random = createRandom(9);
    const first = layer(x, parameters);
    const d = Float64Array.from(first.output.data, random);
    const loss = () => d.reduce((sum, value, k) => sum + value * (layer(x, parameters).output.data[k] as number), 0);
    return { grads: first.backward(d), loss };
  };
  test.each(CASES)("%s", (_, layer, shape, shapes) => {
    const { x, ...parameters } = weights(7, { x: shape, ...shapes });
    const { grads, loss } = check(layer, x as oracle.Parameters[string], parameters);
    expect(expectFiniteDifferences(loss, grads, { x, ...parameters })).toBeGreaterThan(3);
  });
  test("embedding", () => {
    const parameters = weights(7, { weight: [4, 3] });
    const x = { data: [1, 3, 1, 0, 1], shape: [5] };
    const { grads, loss } = check(oracle.embedding(), x, parameters);
    expect(expectFiniteDifferences(loss, { weight: grads.weight as Float64Array }, parameters)).toBe(12);
    const padded = check(oracle.embedding(1), x, parameters).grads.weight as Float64Array;
    expect(padded).toEqual(grads.weight?.fill(0, 3, 6));
  });
});

describe.each(BUILDS)("%s against the oracle", (build) => {
  const core = createCore(build);
  const agree = (
    layer: SimpleLayer,
    want: oracle.OracleLayer,
    x: Tensor,
    options?: Parameters<typeof layerDifferences>[3],
  ) => {
    expect(layerDifferences(layer, want, x, options)).toEqual([]);
    layer.dispose();
  };

  test.each(SIZES)("Embedding of width %i", (embeddingDim) => {
    for (const shape of [[7], [4, 3], [2, 3, 4]]) {
      const x = numbers(embeddingDim, shape, 6);
      agree(new Embedding(core, { numEmbeddings: 6, embeddingDim }), oracle.embedding(), x);
      agree(new Embedding(core, { numEmbeddings: 6, embeddingDim, paddingIdx: 2 }), oracle.embedding(2), x);
    }
  });

  const CONVS: Conv1dOptions[] = [];
  for (const stride of [1, 2, 3])
    for (const dilation of [1, 2])
      for (const padding of [0, 1, 4, "causal"] as const)
        for (const kernelSize of [1, 2, 5]) {
          const k = CONVS.length;
          const bias = k % 3 > 0;
          CONVS.push({
            inChannels: sizeAt(k),
            outChannels: sizeAt(k + 3),
            kernelSize,
            stride,
            padding,
            dilation,
            bias,
          });
        }
  test.each(CONVS)("Conv1d %o", (options) => {
    for (const [T, B] of [
      [9, 1],
      [12, 3],
      [17, 5],
    ] as const)
      agree(new Conv1d(core, options), convOracle(options), tensor(T, B, options.inChannels));
  });

  test("Conv1d at random", () => {
    const small = fc.integer({ min: 1, max: 10 });
    const options = fc.record({
      inChannels: small,
      outChannels: small,
      kernelSize: fc.integer({ min: 1, max: 6 }),
      stride: fc.integer({ min: 1, max: 5 }),
      dilation: fc.integer({ min: 1, max: 4 }),
      padding: fc.oneof(fc.integer({ min: 0, max: 7 }), fc.constant("causal" as const)),
      bias: fc.boolean(),
    });
    fc.assert(
      fc.property(options, fc.nat({ max: 12 }), fc.integer({ min: 1, max: 5 }), (given, more, B) => {
        // From the fewest steps that fit.
        const [front, behind] = paddingOf(given);
        const T = Math.max(1, given.dilation * (given.kernelSize - 1) + 1 - front - behind) + more;
        agree(new Conv1d(core, given), convOracle(given), tensor(T, B, given.inChannels));
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  test.each(SIZES)("LayerNorm of width %i", (normalizedShape) => {
    for (const shape of [[normalizedShape], [5, normalizedShape], [4, 3, normalizedShape]]) {
      // Dividing by a small deviation of a row makes rounding that much larger.
      const factor = 4;
      const x = tensor(...shape);
      agree(new LayerNorm(core, { normalizedShape }), oracle.layerNorm(), x, { factor });
      const plain = new LayerNorm(core, { normalizedShape, eps: 0.01, elementwiseAffine: false });
      agree(plain, oracle.layerNorm(0.01), x, { factor });
    }
  });

  test.each(ACTIVATIONS)("activation %s", (...one) => {
    for (const n of SIZES) {
      const { data, shape } = tensor(2, n);
      const x = { data: data.map((value) => 3 * value), shape };
      agree(new ActivationLayer(core, act(one)), oracle.activation(act(one)), x, { factor: 2 });
    }
  });

  test("Dropout, by the mask that it drew", () => {
    for (const n of SIZES) {
      const ones = new Float32Array(3 * n).fill(1);
      const layer = new Dropout(core, { p: 0.4, seed: n });
      const mask = layer.forward({ data: ones, shape: [3, n] }, { training: true }).data;
      layer.draws = 0;
      agree(layer, oracle.masked(mask), tensor(3, n), { pass: { training: true } });
    }
  });

  test("Residual, alone and within a Sequential", () => {
    for (const N of SIZES) {
      const f = (seed: number) => [
        new LayerNorm(core, { normalizedShape: N }),
        new Linear(core, { inFeatures: N, outFeatures: N, seed }),
        activation("tanh"),
      ];
      const want = [oracle.layerNorm(), oracle.linear, oracle.activation({ name: "tanh" })];
      const factor = 4;
      agree(new Residual(f(1)), oracle.residual(want), tensor(4, N), { factor });
      const first = new Linear(core, { inFeatures: 2, outFeatures: N });
      const model = new Sequential([first, new Residual(f(1)), new Residual(f(2))]);
      const whole = oracle.sequential([oracle.linear, oracle.residual(want), oracle.residual(want)]);
      agree(model, whole, tensor(3, 2, 2), { factor });
    }
  });
});

describe("Embedding", () => {
  const options = { numEmbeddings: 1000, embeddingDim: 20, seed: 3 };

  test("starts normal, the same bits in every build; a padding row starts as zeros", () => {
    const weights = BUILDS.map((build) => new Embedding(createCore(build), options).stateDict().weight as Tensor);
    for (const weight of weights) expect(weight).toEqual(weights[0]);
    const { data } = weights[0] as Tensor;
    // Python's statistics.NormalDist has −0.88767253, 1.00367854, 0.23444776 and −0.52303843 for the same random bits.
    expect([...data.subarray(0, 4)]).toEqual([
      -0.887672483921051, 1.003678560256958, 0.23444774746894836, -0.5230384469032288,
    ]);
    const mean = (f: (z: number) => number) => data.reduce((sum, z) => sum + f(z), 0) / data.length;
    // Five standard errors, 1 and √2 over √20000.
    expect(Math.abs(mean((z) => z))).toBeLessThan(0.036);
    expect(Math.abs(mean((z) => z * z) - 1)).toBeLessThan(0.05);
    const padded = new Embedding(core, { ...options, paddingIdx: 7 }).stateDict().weight as Tensor;
    expect(padded.data).toEqual(data.slice().fill(0, 140, 160));
  });

  test("a number that is none of a row is refused, and what the last pass left is still there", () => {
    const layer = new Embedding(core, { numEmbeddings: 5, embeddingDim: 2 });
    const model = new Sequential([layer, new LSTM(core, { inputSize: 2, hiddenSize: 3 })]);
    const x = numbers(1, [4, 3], 5);
    for (const used of [layer, model, new Sequential([model])]) {
      const dy = tensor(...used.outputShape(x.shape));
      const pass = () => {
        used.zeroGrad();
        used.forward(x);
      };
      const result = () => [used.backward(dy), used.gradients()];
      pass();
      const want = result();
      for (const [bad, text] of [
        [5, "5"],
        [-1, "-1"],
        [0.5, "0.5"],
        [1e30, "1.0000000150474662e+30"],
      ] as const) {
        pass();
        const data = x.data.slice();
        data[7] = bad;
        expect(() => used.forward({ data, shape: [4, 3] })).toThrow(
          `x: expected whole numbers from 0 to 4, got ${text} at [2,1]`,
        );
        expect(() => used.forward({ data: data.subarray(0, 8), shape: [8] })).toThrow(RangeError);
        expect(result()).toEqual(want);
      }
    }
    const trainer = new Trainer(model, { loss: mseLoss(), optimizer: sgd() });
    const before = model.stateDict();
    const batch = { x: { data: Float32Array.of(1, 2, 9), shape: [3, 1] }, target: tensor(3, 1, 3) };
    expect(() => trainer.step(batch)).toThrow("x: expected whole numbers from 0 to 4, got 9 at [2,0]");
    expect(model.stateDict()).toEqual(before);
  });
});

describe("LayerNorm", () => {
  test("divides by the deviation of all values, not of a sample", () => {
    const x = { data: Float32Array.of(1, 3), shape: [2] };
    const { data } = new LayerNorm(core, { normalizedShape: 2, eps: 1e-12 }).forward(x);
    expect([...data]).toEqual([-1, 1]);
  });
});

describe("Dropout", () => {
  const x = tensor(40, 30);

  test("passes everything on outside of training", () => {
    const layer = new Dropout(core, { p: 0.9 });
    expect(layer.forward(x)).toEqual(x);
    expect(layer.backward(x)).toEqual(x);
    expect(layer.draws).toBe(0);
  });

  test("drops or scales in training, otherwise each pass, again when its draws are set back", () => {
    const layer = new Dropout(core, { p: 0.25, seed: 4 });
    const first = layer.forward(x, { training: true });
    const kept = Math.fround(1 / 0.75);
    first.data.forEach((y, k) => {
      if (y !== 0) expect(y).toBe(Math.fround((x.data[k] as number) * kept));
    });
    const dropped = first.data.filter((y) => y === 0).length;
    // Five standard deviations around a quarter of 1200.
    expect(Math.abs(dropped - 300)).toBeLessThan(75);
    const dx = layer.backward(x);
    expect(dx).toEqual(first);
    expect(layer.forward(x, { training: true })).not.toEqual(first);
    expect(layer.draws).toBe(2);
    layer.draws = 0;
    expect(layer.forward(x, { training: true })).toEqual(first);
    expect(new Dropout(core, { p: 0.25, seed: 5 }).forward(x, { training: true })).not.toEqual(first);
  });

  test("a Sequential hands on that it is training", () => {
    const model = new Sequential([new Dropout(core, { p: 0.5 }), activation("relu")]);
    expect(model.forward(x).data.filter((y) => y === 0).length).toBeLessThan(700);
    expect(model.forward(x, { training: true }).data.filter((y) => y === 0).length).toBeGreaterThan(800);
  });
});

describe("AllSteps", () => {
  test("passes all steps on, and all gradients back", () => {
    const lstm = new LSTM(core, { inputSize: 2, hiddenSize: 3 });
    const model = new Sequential([lstm, allSteps(), allSteps()]);
    const x = tensor(5, 2, 2);
    const y = model.forward(x);
    expect(y).toEqual(lstm.forward(x).output);
    model.forward(x);
    const dx = model.backward(y);
    lstm.forward(x);
    expect(lstm.backward({ output: y }).input).toEqual(dx);
  });
});

describe("Residual", () => {
  const linear = () => new Linear(core, { inFeatures: 3, outFeatures: 3 });

  test("names its parameters as a Sequential does", () => {
    const model = new Sequential([linear(), new Residual([activation("relu"), linear()])]);
    expect(Object.keys(model.stateDict())).toEqual(["0.weight", "0.bias", "1.1.weight", "1.1.bias"]);
    model.dispose();
    expect(() => model.layers[1]?.stateDict()).toThrow("Residual: expected a layer in use, got a disposed one");
  });

  test("a layer used alone in between is noticed", () => {
    const inner = linear();
    const layer = new Residual([inner]);
    const x = tensor(2, 3);
    layer.forward(x);
    inner.forward(x);
    expect(() => layer.backward(x)).toThrow(
      "Residual: expected its layers as its forward left them, got Linear used alone since",
    );
    expect(() => new Residual([linear()]).backward(x)).toThrow(
      "Residual: expected one forward before each backward, got a backward without it",
    );
  });
});
