import { GRU, LSTM, type Tensor } from "lstm-wasm";
import { describe, expect, test } from "vitest";
import { largest } from "./support/compare.ts";
import { createCore } from "./support/cores.ts";

const core = createCore();
const sizes = { inputSize: 20, hiddenSize: 30, seed: 5 };
const data = (layer: LSTM | GRU, name: string) => (layer.stateDict()[name] as Tensor).data;

describe("initial parameters", () => {
  test("are PyTorch's unless told otherwise: uniform in ±1/√H, biases too", () => {
    const lstm = new LSTM(core, sizes);
    for (const { data: values } of Object.values(lstm.stateDict())) {
      expect(largest(values)).toBeLessThanOrEqual(1 / Math.sqrt(30));
      expect(largest(values)).toBeGreaterThan(0.95 / Math.sqrt(30));
    }
    expect(new LSTM(core, sizes).stateDict()).toEqual(lstm.stateDict());
    expect(new LSTM(core, { ...sizes, seed: 6 }).stateDict()).not.toEqual(lstm.stateDict());
  });

  test("Keras': Glorot's uniform, orthogonal, zeros with a forget bias of 1", () => {
    const keras = { kernelInit: "glorotUniform", recurrentInit: "orthogonal", biasInit: "zeros" } as const;
    const lstm = new LSTM(core, { ...sizes, ...keras, forgetBias: 1 });
    const bound = Math.sqrt(6 / (20 + 4 * 30));
    expect(largest(data(lstm, "weight_ih_l0"))).toBeLessThanOrEqual(bound);
    expect(largest(data(lstm, "weight_ih_l0"))).toBeGreaterThan(0.95 * bound);
    const q = data(lstm, "weight_hh_l0");
    for (let a = 0; a < 30; a++)
      for (let b = 0; b <= a; b++) {
        let dot = 0;
        for (let n = 0; n < 120; n++) dot += (q[30 * n + a] as number) * (q[30 * n + b] as number);
        expect(Math.abs(dot - (a === b ? 1 : 0))).toBeLessThan(1e-6);
      }
    const bias = [...new Float32Array(30), ...new Float32Array(30).fill(1), ...new Float32Array(60)];
    expect([...data(lstm, "bias_ih_l0")]).toEqual(bias);
    expect(largest(data(lstm, "bias_hh_l0"))).toBe(0);
    expect(data(new GRU(core, { ...sizes, ...keras }), "bias_ih_l0")).toEqual(new Float32Array(90));
  });

  test("TF.js': Glorot's normal, within two deviations", () => {
    const values = data(new LSTM(core, { ...sizes, kernelInit: "glorotNormal" }), "weight_ih_l0");
    const deviation = Math.sqrt(2 / (20 + 4 * 30));
    expect(largest(values)).toBeLessThanOrEqual(2 * deviation * (1 + 1e-6));
    expect(largest(values)).toBeGreaterThan(1.95 * deviation);
    // What is left of the variance within two deviations, give or take five standard errors.
    const variance = values.reduce((sum, value) => sum + (value / deviation) ** 2, 0) / values.length;
    expect(Math.abs(variance - 0.7737)).toBeLessThan(0.09);
    expect(Math.abs(values.reduce((sum, value) => sum + value / deviation, 0) / values.length)).toBeLessThan(0.09);
  });

  test("a forget bias alone leaves the rest as it was", () => {
    const [plain, biased] = [
      new LSTM(core, { ...sizes, bidirectional: true }),
      new LSTM(core, { ...sizes, bidirectional: true, forgetBias: 2 }),
    ];
    const want = data(plain, "bias_ih_l0_reverse").fill(2, 30, 60);
    expect(data(biased, "bias_ih_l0_reverse")).toEqual(want);
    expect(data(biased, "bias_hh_l0").subarray(30, 60)).toEqual(new Float32Array(30));
    expect(data(biased, "weight_hh_l0")).toEqual(data(plain, "weight_hh_l0"));
  });
});
