// A whole model against the oracle: one mistake anywhere between the layers shows in some gradient.
import { Conv1d, type Core, Dropout, Embedding, LayerNorm, Linear, LSTM, Sequential } from "lstm-wasm";
import { adam, crossEntropyLoss, Trainer } from "lstm-wasm/train";
import { describe, expect, test } from "vitest";
import * as oracle from "./reference/layers.ts";
import type { Values } from "./reference/recurrent.ts";
import { BUILDS, createCore } from "./support/cores.ts";
import { expectFiniteDifferences } from "./support/finite-differences.ts";
import { layerDifferences } from "./support/layer-against-oracle.ts";
import { createRandom } from "./support/random.ts";

/** Letters to scores of classes, at every step. */
interface Sizes {
  readonly letters: number;
  readonly classes: number;
  readonly D: number;
  readonly O: number;
  readonly H: number;
}

const createModel = (core: Core, { letters, classes, D, O, H }: Sizes) =>
  new Sequential([
    new Embedding(core, { numEmbeddings: letters, embeddingDim: D, paddingIdx: 0, seed: 1 }),
    new Conv1d(core, { inChannels: D, outChannels: O, kernelSize: 3, stride: 2, padding: 1, seed: 2 }),
    new LSTM(core, { inputSize: O, hiddenSize: H, numLayers: 2, bidirectional: true, seed: 3 }),
    new LayerNorm(core, { normalizedShape: 2 * H }),
    new Dropout(core, { p: 0 }),
    new Linear(core, { inFeatures: 2 * H, outFeatures: classes, seed: 4 }),
  ]);

const createOracle = ({ O, H }: Sizes) =>
  oracle.sequential([
    oracle.embedding(0),
    oracle.conv1d(2, 1, [1, 1]),
    oracle.recurrent({ cell: "LSTM", inputSize: O, hiddenSize: H, numLayers: 2, bidirectional: true }),
    oracle.layerNorm(),
    oracle.identity,
    oracle.linear,
  ]);

const createText = (T: number, B: number, letters: number) => {
  const random = createRandom(T * B);
  return {
    data: Float32Array.from({ length: T * B }, () => Math.floor((0.5 + random() / 2) * letters)),
    shape: [T, B],
  };
};

describe("embedding, convolution, two layers of LSTM in two directions, layer norm, dropout, linear", () => {
  test("the oracle's gradients are finite differences", () => {
    const sizes = { letters: 4, classes: 2, D: 2, O: 2, H: 2 };
    const x = createText(4, 2, 4);
    const state = createModel(createCore(), sizes).stateDict();
    const parameters = Object.fromEntries(
      Object.entries(state).map(([name, { data, shape }]) => [name, { data: Float64Array.from(data), shape }]),
    ) as Record<string, Values>;
    const run = () => createOracle(sizes)(x, parameters);
    const first = run();
    const d = Float64Array.from(first.output.data, createRandom(3));
    const loss = () => d.reduce((sum, value, k) => sum + value * (run().output.data[k] as number), 0);
    const all = first.backward(d);
    const grads = Object.fromEntries(Object.keys(parameters).map((name) => [name, all[name] as Float64Array]));
    // The first row is padding, a constant of the model.
    const { "0.weight": table, ...others } = grads;
    const [dTable, values] = [table as Float64Array, (parameters["0.weight"] as Values).data as Float64Array];
    expect([...dTable.subarray(0, 2)]).toEqual([0, 0]);
    const rows = { data: values.subarray(2) };
    expect(expectFiniteDifferences(loss, { rows: dTable.subarray(2) }, { rows })).toBe(6);
    expect(expectFiniteDifferences(loss, others, parameters)).toBeGreaterThan(200);
  });

  test("learns with cross-entropy: the class of every other letter", () => {
    const model = createModel(createCore(), { letters: 6, classes: 6, D: 4, O: 8, H: 6 });
    const trainer = new Trainer(model, { loss: crossEntropyLoss(), optimizer: adam({ lr: 0.02 }), clipNorm: 1 });
    const x = createText(11, 8, 6);
    // A step of the convolution is centred on every other step of x.
    const data = Float32Array.from({ length: 6 * 8 }, (_, k) => x.data[2 * 8 * Math.floor(k / 8) + (k % 8)] as number);
    const losses = Array.from({ length: 150 }, () => trainer.step({ x, target: { data, shape: [6, 8] } }).loss);
    expect(losses[0]).toBeGreaterThan(1.5);
    expect(losses.at(-1)).toBeLessThan(0.05);
  });

  describe.each(BUILDS)("%s", (build) => {
    const core = createCore(build);
    test.each([
      [1, 1, { letters: 3, classes: 1, D: 1, O: 1, H: 1 }],
      [9, 3, { letters: 5, classes: 4, D: 3, O: 5, H: 4 }],
      [16, 4, { letters: 20, classes: 9, D: 8, O: 12, H: 7 }],
      [31, 2, { letters: 30, classes: 30, D: 17, O: 9, H: 16 }],
    ] as const)("T %i, B %i, %o", (T, B, sizes) => {
      // Rounding grows along the steps and the layers, and much where a layer norm divides by the deviation of two values.
      const factor = sizes.H === 1 ? 400 : 4;
      const model = createModel(core, sizes);
      expect(layerDifferences(model, createOracle(sizes), createText(T, B, sizes.letters), { factor })).toEqual([]);
      model.dispose();
    });
  });
});
