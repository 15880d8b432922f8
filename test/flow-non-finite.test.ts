// GradientFlow over numbers that are not finite: where they began.
import { LSTM, lastStep, RNN, Sequential, type Tensor } from "lstm-wasm";
import { GradientFlow } from "lstm-wasm/flow";
import { mseLoss } from "lstm-wasm/train";
import { describe, expect, test } from "vitest";
import { createCore } from "./support/cores.ts";
import { createRandom, randomTensor } from "./support/random.ts";

const core = createCore();
const at = <T>(values: readonly T[] | null | undefined, k: number): T => (values as readonly T[])[k] as T;

describe("numbers that are not finite", () => {
  test("an initial state stands before step 0", () => {
    using layer = new RNN(core, { inputSize: 1, hiddenSize: 1, bias: false });
    layer.loadStateDict({
      weight_ih_l0: { data: Float32Array.of(0), shape: [1, 1] },
      weight_hh_l0: { data: Float32Array.of(1e20), shape: [1, 1] },
    });
    const flow = new GradientFlow(layer, { explodeAbove: 1e30 });
    layer.forward({ data: new Float32Array(2), shape: [2, 1, 1] });
    layer.backward({ hn: { data: Float32Array.of(1), shape: [1, 1, 1] } });
    const report = flow.report();
    expect(report.nonFinite).toEqual({ kind: "Infinity", tensor: "dL/dh of the initial state of l0", step: null });
    expect(report.verdict).toBe("not finite: Infinity is first seen in dL/dh of the initial state of l0");
    expect(report.slices[0]).toMatchObject({ status: "nonFinite", verdict: "not finite after 2 steps" });
  });

  const overflow = (data: Float32Array, by: number) => data.map((value) => value * by);
  test("states that overflow: the first step and tensor", () => {
    const layer = new RNN(core, { inputSize: 1, hiddenSize: 2, nonlinearity: "relu", bias: false });
    layer.loadStateDict({
      weight_ih_l0: { data: Float32Array.of(1, 1), shape: [2, 1] },
      weight_hh_l0: { data: Float32Array.of(1e10, 0, 0, 1e10), shape: [2, 2] },
    });
    const model = new Sequential([layer, lastStep()]);
    const flow = new GradientFlow(model);
    const report = flow.measure(
      {
        x: { data: new Float32Array(8).fill(1), shape: [8, 1, 1] },
        target: { data: new Float32Array(2), shape: [1, 2] },
      },
      mseLoss(),
    );
    // 1, 1e10, 1e20, 1e30, overflow
    expect(report.nonFinite).toEqual({ kind: "Infinity", tensor: "h of 0.l0", step: 4 });
    expect(report.verdict).toBe("not finite: Infinity is first seen in h of 0.l0 at step 4");
    expect(report.status).toBe("nonFinite");
    expect(report.slices.length).toBe(1);
  });

  test("gradients that overflow though every state is finite", () => {
    const layer = new RNN(core, { inputSize: 1, hiddenSize: 1, bias: false });
    layer.loadStateDict({
      weight_ih_l0: { data: Float32Array.of(0), shape: [1, 1] },
      weight_hh_l0: { data: Float32Array.of(1e10), shape: [1, 1] },
    });
    const flow = new GradientFlow(layer);
    layer.forward({ data: new Float32Array(6), shape: [6, 1, 1] });
    layer.backward({ hn: { data: Float32Array.of(1), shape: [1, 1, 1] } });
    expect(flow.report().nonFinite).toEqual({ kind: "Infinity", tensor: "dL/dh of l0", step: 1 });
  });

  test("a parameter", () => {
    const layer = new LSTM(core, { inputSize: 2, hiddenSize: 2, seed: 1 });
    const state = layer.stateDict();
    layer.loadStateDict({
      ...state,
      weight_hh_l0: { data: overflow((state.weight_hh_l0 as Tensor).data, 1e38), shape: [8, 2] },
    });
    const flow = new GradientFlow(layer);
    const x = randomTensor(createRandom(1), [5, 2, 2]);
    layer.forward(x);
    layer.backward({ hn: { data: new Float32Array(4).fill(1), shape: [1, 2, 2] } });
    // Weights of 1e38 are numbers; whatever comes of them, there is a report.
    expect(flow.report().verdict).toMatch(
      /^explodes after 2 steps through the recurrent path: it is \de\+\d+ times as large$/,
    );
    const { value } = at(layer.parameters, 1);
    core.view(value, 1)[0] = Number.NaN;
    layer.forward(x);
    layer.backward({ hn: { data: new Float32Array(4).fill(1), shape: [1, 2, 2] } });
    expect(flow.report().nonFinite).toEqual({ kind: "NaN", tensor: "weight_hh_l0", step: null });
  });
});
