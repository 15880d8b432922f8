// What a Conv1d does along time; that it computes what the oracle does is in layers.test.ts.
import { Conv1d, Embedding, Linear, LSTM, Sequential } from "lstm-wasm";
import { mseLoss, sgd, Trainer } from "lstm-wasm/train";
import { describe, expect, test } from "vitest";
import { createCore } from "./support/cores.ts";
import { numbers, tensor } from "./support/random.ts";

const core = createCore();

describe("Conv1d", () => {
  test("has the first tap on the earliest step, as PyTorch's", () => {
    const layer = new Conv1d(core, { inChannels: 1, outChannels: 1, kernelSize: 3, padding: 1 });
    const one = (...data: number[]) => Float32Array.from(data);
    layer.loadStateDict({
      weight: { data: one(1, 10, 100), shape: [1, 1, 3] },
      bias: { data: one(1000), shape: [1] },
    });
    const { data } = layer.forward({ data: one(1, 2, 3, 4), shape: [4, 1, 1] });
    expect([...data]).toEqual([1210, 1321, 1432, 1043]);
  });

  test("causal: a step sees no later one, and has the same bits in a longer sequence", () => {
    const layer = new Conv1d(core, { inChannels: 3, outChannels: 5, kernelSize: 3, dilation: 2, padding: "causal" });
    const x = tensor(11, 2, 3);
    const { data, shape } = layer.forward(x);
    expect(shape).toEqual([11, 2, 5]);
    for (const T of [1, 2, 5, 10]) {
      const part = { data: x.data.subarray(0, T * 6), shape: [T, 2, 3] };
      expect(layer.forward(part).data).toEqual(data.slice(0, T * 10));
    }
  });

  test.each([1, "causal"] as const)("with padding %s, a sequence that ends early is as it is alone", (padding) => {
    const conv = { inChannels: 3, outChannels: 3, kernelSize: 3, padding };
    // The bias of Linear and the rows of Embedding would show behind the ends.
    const model = new Sequential([
      new Embedding(core, { numEmbeddings: 6, embeddingDim: 3 }),
      new Linear(core, { inFeatures: 3, outFeatures: 3 }),
      new Conv1d(core, conv),
      new Conv1d(core, conv),
    ]);
    const trainer = new Trainer(model, { loss: mseLoss({ reduction: "sum" }), optimizer: sgd() });
    const state = model.stateDict();
    const step = (batch: Parameters<Trainer["step"]>[0]) => {
      model.loadStateDict(state);
      const { loss } = trainer.step(batch);
      return { loss, gradients: Object.values(model.gradients()).flatMap(({ data }) => [...data]) };
    };
    const lengths = [5, 2, 4];
    const [x, target] = [numbers(3, [5, 3], 6), tensor(5, 3, 3)];
    const whole = step({ x, target, lengths });
    const alone = lengths.map((T, b) => {
      const rows = (data: Float32Array, n: number) =>
        Float32Array.from({ length: T * n }, (_, k) => data[(Math.floor(k / n) * 3 + b) * n + (k % n)] as number);
      return step({
        x: { data: rows(x.data, 1), shape: [T, 1] },
        target: { data: rows(target.data, 3), shape: [T, 1, 3] },
      });
    });
    expect(whole.loss).toBeCloseTo(
      alone.reduce((sum, { loss }) => sum + loss, 0),
      4,
    );
    whole.gradients.forEach((grad, k) => {
      expect(grad).toBeCloseTo(
        alone.reduce((sum, { gradients }) => sum + (gradients[k] as number), 0),
        4,
      );
    });
  });

  test("refuses lengths that it would change, and parts of sequences", () => {
    const model = (padding: number) =>
      new Sequential([
        new Conv1d(core, { inChannels: 2, outChannels: 2, kernelSize: 3, padding }),
        new LSTM(core, { inputSize: 2, hiddenSize: 2 }),
      ]);
    const train = (padding: number, options: object) =>
      new Trainer(model(padding), { loss: mseLoss(), optimizer: sgd(), ...options });
    expect(() => train(0, {}).step({ x: tensor(5, 2, 2), target: tensor(3, 2, 2), lengths: [5, 3] })).toThrow(
      "lengths: expected none where a Conv1d makes 3 steps of 5, got [5,3]",
    );
    expect(() => train(1, { tbptt: { k1: 2, k2: 2 } }).step({ x: tensor(6, 2, 2), target: tensor(6, 2, 2) })).toThrow(
      "model: expected layers that see one step at a time, to go in parts, got Conv1d with 3 taps",
    );
  });

  test("takes a sequence without a batch", () => {
    const layer = new Conv1d(core, { inChannels: 3, outChannels: 5, kernelSize: 3, stride: 2 });
    const x = tensor(9, 1, 3);
    const want = layer.forward(x);
    const dy = tensor(4, 1, 5);
    const dx = layer.backward(dy);
    expect(layer.forward({ data: x.data, shape: [9, 3] })).toEqual({ data: want.data, shape: [4, 5] });
    expect(layer.backward({ data: dy.data, shape: [4, 5] })).toEqual({ data: dx.data, shape: [9, 3] });
  });
});
