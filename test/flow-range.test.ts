// Norms of gradients whose squares a float32 cannot hold, and of gradients far apart in one pass.
import { GRU, LSTM, RNN, SLSTM } from "lstm-wasm";
import { GradientFlow } from "lstm-wasm/flow";
import { describe, expect, test } from "vitest";
import { BUILDS, createCore } from "./support/cores.ts";
import { createRandom, randomTensor } from "./support/random.ts";

const NAMES = ["dh", "dc", "direct", "recurrent"] as const;
const scaled = (values: Float32Array, scale: number) => values.map((value) => value * scale);

describe.each(BUILDS)("%s", (build) => {
  const core = createCore(build);

  /** One unit from h0 = 0 over T steps of input 0, without biases but of the forget gate, pulled at its last states. */
  function unit(T: number, whh: readonly number[], forgetBias: number, given: { hn?: number; cn?: number }) {
    using layer = new LSTM(core, { inputSize: 1, hiddenSize: 1 });
    layer.loadStateDict({
      weight_ih_l0: { data: new Float32Array(4), shape: [4, 1] },
      weight_hh_l0: { data: Float32Array.from(whh), shape: [4, 1] },
      bias_ih_l0: { data: Float32Array.of(0, forgetBias, 0, 0), shape: [4] },
      bias_hh_l0: { data: new Float32Array(4), shape: [4] },
    });
    const flow = new GradientFlow(layer);
    layer.forward({ data: new Float32Array(T), shape: [T, 1, 1] });
    const of = (value = 0) => ({ data: Float32Array.of(value), shape: [1, 1, 1] });
    layer.backward({ hn: of(given.hn), cn: of(given.cn) });
    const report = flow.report();
    const [slice] = report.slices;
    return { report, slice: slice as NonNullable<typeof slice> };
  }

  test.each([
    ["RNN, last step", RNN, "hn", undefined],
    ["LSTM, last step", LSTM, "hn", undefined],
    ["LSTM, each step", LSTM, "output", undefined],
    ["LSTM, lengths", LSTM, "output", [9, 4, 7]],
    ["GRU, last step", GRU, "hn", undefined],
    ["GRU, each step", GRU, "output", undefined],
    ["GRU, lengths", GRU, "output", [9, 4, 7]],
    ["SLSTM, each step", SLSTM, "output", undefined],
  ] as const)("%s: norms grow as what is given does", (_, Cell, name, lengths) => {
    using layer = new Cell(core, { inputSize: 2, hiddenSize: 7, seed: 1 }) as LSTM;
    const flow = new GradientFlow(layer);
    const random = createRandom(5);
    const x = randomTensor(random, [9, 3, 2]);
    const { data, shape } = randomTensor(random, name === "hn" ? [1, 3, 7] : [9, 3, 7]);
    const normsAt = (scale: number) => {
      layer.forward(x, lengths && { lengths: [...lengths] });
      layer.backward({ [name]: { data: scaled(data, scale), shape } });
      const [slice] = flow.report().slices;
      if (!slice) throw new Error("no slice");
      return slice;
    };
    const want = normsAt(1);
    for (const scale of [1e-30, 1e-18, 1e-9, 1e13, 1e18, 1e30]) {
      const got = normsAt(scale);
      expect(got.dc === null).toBe(!layer.slices[0]?.states.includes("c"));
      for (const curve of NAMES)
        got[curve]?.forEach((norm, t) => {
          // Values of float32 end at 1e-45.
          const exact = want[curve]?.[t] as number;
          expect(Math.abs(norm / scale - exact)).toBeLessThanOrEqual(1e-4 * exact + 1e-44 / scale);
        });
    }
  });

  test("a forget gate that lets nearly nothing past: dL/dc before and behind it", () => {
    const { slice, report } = unit(2, [0, 0, 0, 0], -45, { cn: 1 });
    expect(report.nonFinite).toBeNull();
    expect(slice.dc?.[1]).toBe(1);
    expect((slice.dc?.[0] as number) / Math.exp(-45)).toBeCloseTo(1, 5);
  });

  test("an explosion: the direct path beside it, down to the step where numbers end", () => {
    // Through the candidate: dL/dh grows 2.5e9 times a step; the direct path halves.
    const { slice, report } = unit(4, [0, 0, 1e10, 0], 0, { hn: 1 });
    expect(report.nonFinite).toBeNull();
    for (const lag of [1, 2, 3, 4]) {
      const dc = slice.carried.direct[lag] as number;
      expect(dc / 0.5 ** (lag + 1)).toBeCloseTo(1, 5);
    }
    expect(slice.decay.direct?.halfLife).toBeCloseTo(1, 5);
  });

  test("an explosion with a loss at every step: the direct path without what the step adds", () => {
    using layer = new GRU(core, { inputSize: 1, hiddenSize: 1 });
    const zeros = { data: new Float32Array(3), shape: [3] };
    layer.loadStateDict({
      ...{ weight_ih_l0: { ...zeros, shape: [3, 1] }, bias_ih_l0: zeros, bias_hh_l0: zeros },
      weight_hh_l0: { data: Float32Array.of(0, 0, 1e10), shape: [3, 1] },
    });
    using flow = new GradientFlow(layer);
    layer.forward({ data: new Float32Array(5), shape: [5, 1, 1] });
    layer.backward({ output: { data: new Float32Array(5).fill(1), shape: [5, 1, 1] } });
    const [slice] = flow.report().slices;
    expect(slice?.direct).toEqual([0.9375, 0.875, 0.75, 0.5, 0]);
    expect(slice?.basis).toBe("growth");
  });

  test("where every row takes every step, lengths change nothing", () => {
    using layer = new RNN(core, { inputSize: 1, hiddenSize: 5, seed: 1 });
    using flow = new GradientFlow(layer);
    const x = randomTensor(createRandom(1), [6, 2, 1]);
    const output = randomTensor(createRandom(2), [6, 2, 5]);
    const [plain, same] = [undefined, [6, 6]].map((lengths) => {
      layer.forward(x, lengths && { lengths });
      layer.backward({ output });
      return flow.report();
    });
    expect(same?.slices[0]?.direct).toEqual(new Array(6).fill(0));
    expect(same?.verdict).toBe(plain?.verdict);
  });

  test("a recurrent path beside a cell that holds, of a tiny gradient", () => {
    const [one, tiny] = [1, 1.5e-16].map((cn) => unit(4, [0, 0, 2e-7, 0], 20, { cn }));
    expect(tiny?.report.verdict).toBe(one?.report.verdict);
    for (const curve of NAMES)
      tiny?.slice[curve]?.forEach((norm, t) => {
        const exact = one?.slice[curve]?.[t] as number;
        // Beside a dc of 1 the rest that is recurrent is as exact as dc.
        expect(Math.abs(norm / 1.5e-16 - exact)).toBeLessThanOrEqual(curve === "recurrent" ? 1.2e-7 : 1e-5 * exact);
      });
  });

  test("an explosion past the largest number begins with dL/dh", () => {
    const { report } = unit(6, [0, 0, 1e10, 0], 0, { hn: 1 });
    expect(report.nonFinite).toEqual({ kind: "Infinity", tensor: "dL/dh of l0", step: 0 });
    expect(report.verdict).toBe("not finite: Infinity is first seen in dL/dh of l0 at step 0");
  });
});
