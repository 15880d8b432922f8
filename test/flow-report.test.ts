// GradientFlow as users have it: verdicts and figures.
import {
  type Core,
  GRU,
  LSTM,
  LSTMCell,
  type LSTMRecord,
  lastStep,
  MinGRU,
  MinLSTM,
  RNN,
  Sequential,
  SLSTM,
  type Tensor,
} from "lstm-wasm";
import { GradientFlow } from "lstm-wasm/flow";
import { mseLoss } from "lstm-wasm/train";
import { describe, expect, test } from "vitest";
import type { Slice } from "../bindings/layers/slice.ts";
import { createCore } from "./support/cores.ts";
import { createRandom, randomTensor } from "./support/random.ts";

const core = createCore();
const at = <T>(values: readonly T[] | null | undefined, k: number): T => (values as readonly T[])[k] as T;

/** One unit with these weights and biases, run over T steps of input 0 from h0 = 0 and pulled at its last state. */
function scalar(make: (core: Core) => LSTM | GRU | RNN, T: number, whh: readonly number[], bias: readonly number[]) {
  const layer = make(core) as LSTM;
  const G = whh.length;
  const column = (values: readonly number[]) => Float32Array.from(values);
  layer.loadStateDict({
    weight_ih_l0: { data: new Float32Array(G).fill(0), shape: [G, 1] },
    weight_hh_l0: { data: column(whh), shape: [G, 1] },
    bias_ih_l0: { data: column(bias), shape: [G] },
    bias_hh_l0: { data: new Float32Array(G), shape: [G] },
  });
  layer.forward({ data: new Float32Array(T), shape: [T, 1, 1] });
  layer.backward({ hn: { data: Float32Array.of(1), shape: [1, 1, 1] } }, { flow: true });
  const flow = new GradientFlow(layer);
  const report = flow.report();
  flow.stop();
  layer.dispose();
  return report;
}
const one = { inputSize: 1, hiddenSize: 1 };
const rnn = (core: Core) => new RNN(core, one);
const lstm = (core: Core) => new LSTM(core, one);
const gru = (core: Core) => new GRU(core, one);

describe("the verdict", () => {
  test("an RNN of one unit at 0 halves its gradient at each step: 2⁻¹⁰ is the first below a thousandth", () => {
    const report = scalar(rnn, 30, [0.5], [0]);
    expect(report.verdict).toBe("vanishes after 10 steps through the recurrent path: 0.098 % of it is left");
    expect(report).toMatchObject({ status: "vanishes", after: 10, path: "recurrent", left: 2 ** -10, slice: "l0" });
    const [slice] = report.slices;
    expect(slice?.ratios).toEqual(new Array(30).fill(0.5));
    expect(slice?.omega).toBeCloseTo(30 * 0.25, 12);
    expect(slice?.decay.total?.halfLife).toBeCloseTo(1, 12);
    expect(slice?.spectrum).toMatchObject({ norm: 0.5, radius: 0.5 });
    expect(slice?.forgetHorizon).toBeNull();
  });

  test("at twice the weight it explodes", () => {
    expect(scalar(rnn, 30, [2], [0])).toMatchObject({
      verdict: "explodes after 10 steps through the recurrent path: it is 1,024 times as large",
      ...{ status: "explodes", after: 10, path: "recurrent", left: 1024 },
    });
  });

  test("an LSTM without recurrent weights has the direct path alone: the product of its forget gates", () => {
    // f = σ(log 4) = 0.8; the candidate is 0, so c stays 0 and tanh c is linear.
    const report = scalar(lstm, 60, [0, 0, 0, 0], [0, Math.log(4), 0, 0]);
    const [slice] = report.slices;
    // Through o·(1 − tanh²c) = 1/2 at the first step back, then 0.8 at each.
    expect(slice?.carried.total[1]).toBeCloseTo(0.4, 6);
    expect(slice?.carried.total[11]).toBeCloseTo(0.4 * 0.8 ** 10, 6);
    expect(slice?.carried.recurrent.every((left) => left === 0)).toBe(true);
    const after = Math.ceil(1 + Math.log(1e-3 / 0.4) / Math.log(0.8));
    expect(report.verdict).toContain(`vanishes after ${after} steps through the direct path`);
    expect(slice?.forgetHorizon?.[0]).toBeCloseTo(-1 / Math.log(0.8), 4);
    expect(slice?.decay.direct?.halfLife).toBeCloseTo(Math.LN2 / -Math.log(0.8), 4);
  });

  test("a forget bias of 8 carries, and says which path alone does not", () => {
    const report = scalar(lstm, 100, [0, 0, 0.001, 0], [0, 8, 0, 0]);
    expect(report).toMatchObject({ status: "carries", after: null, path: "direct" });
    expect(report.verdict).toMatch(
      /^reaches back all 100 steps, most of it through the direct path: \d+ % of it is left; the recurrent path alone vanishes after 1 step$/,
    );
  });

  test("a GRU's direct path is the product of its update gates", () => {
    const { slices } = scalar(gru, 20, [0, 0, 0], [0, Math.log(9), 0]);
    expect(slices[0]?.carried.direct[20]).toBeCloseTo(0.9 ** 20, 5);
    expect(slices[0]?.forgetHorizon?.[0]).toBeCloseTo(-1 / Math.log(0.9), 4);
  });

  test("thresholds are the caller's", () => {
    const layer = new RNN(core, { inputSize: 2, hiddenSize: 3 });
    const flow = new GradientFlow(layer, { vanishBelow: 0.9, explodeAbove: 1.1 });
    layer.forward(randomTensor(createRandom(1), [5, 1, 2]));
    layer.backward({ hn: { data: Float32Array.of(1, 0, 0), shape: [1, 1, 3] } });
    expect(flow.report()).toMatchObject({ status: "vanishes", after: 1 });
    const loud = new GradientFlow(layer, { vanishBelow: 1e-9, explodeAbove: 1.0001 });
    const zeros = Object.entries(layer.stateDict()).map(([name, { data, shape }]) => [
      name,
      { data: data.fill(0), shape },
    ]);
    const weight_hh_l0 = { data: Float32Array.of(1.001, 0, 0, 0, 0, 0, 0, 0, 0), shape: [3, 3] };
    layer.loadStateDict({ ...Object.fromEntries(zeros), weight_hh_l0 });
    layer.forward(randomTensor(createRandom(1), [5, 1, 2]));
    layer.backward({ hn: { data: Float32Array.of(1, 0, 0), shape: [1, 1, 3] } });
    expect(loud.report()).toMatchObject({ status: "explodes", after: 1 });
  });

  test("no gradient", () => {
    const layer = new LSTM(core, one);
    const flow = new GradientFlow(layer);
    layer.forward({ data: new Float32Array(3), shape: [3, 1, 1] });
    layer.backward({});
    expect(flow.report()).toMatchObject({ status: "none", verdict: "no gradient came", nonFinite: null });
  });
});

describe("figures", () => {
  const T = 7;
  const layer = new LSTM(core, { inputSize: 3, hiddenSize: 5, numLayers: 2, bidirectional: true, seed: 2 });
  const x = randomTensor(createRandom(3), [T, 1, 3], 4);
  const { record } = layer.forward(x, { record: true });
  const back = layer.backward({ output: randomTensor(createRandom(4), [T, 1, 10]) }, { record: true, flow: true });
  const { slices, verdict, slice: worst } = new GradientFlow(layer).report();

  test("names every direction of every layer, the worst one in the verdict", () => {
    expect(slices.map(({ name }) => name)).toEqual(["l0", "l0_reverse", "l1", "l1_reverse"]);
    expect(slices.map(({ layer, direction }) => [layer, direction])).toEqual([
      [0, "forward"],
      [0, "reverse"],
      [1, "forward"],
      [1, "reverse"],
    ]);
    expect(verdict.startsWith(`${worst}: `)).toBe(true);
  });

  test("norms of each step, in the order of time, are those of the record", () => {
    slices.forEach(({ dh, dc }, k) => {
      const of = (tensor: Tensor, t: number) => Math.hypot(...tensor.data.subarray(5 * t, 5 * t + 5));
      for (let t = 0; t < T; t++) {
        expect(dh[t]).toBeCloseTo(of(at(back.record, k).dh, t), 6);
        expect(at(dc, t)).toBeCloseTo(of(at(back.record, k).dc, t), 6);
      }
    });
  });

  test("of one sequence gates are counted exactly", () => {
    slices.forEach(({ saturation, forgetHorizon, deadUnits }, k) => {
      const { i, f, g, o, tanhC } = at(record, k) as LSTMRecord;
      const share = ({ data }: Tensor, rule: (value: number) => boolean) => data.filter(rule).length / data.length;
      for (const [name, tensor] of Object.entries({ i, f, o }))
        expect(saturation[name]).toEqual({ low: share(tensor, (v) => v < 0.1), high: share(tensor, (v) => v > 0.9) });
      for (const [name, tensor] of Object.entries({ g, tanhC }))
        expect(saturation[name]).toEqual({ low: share(tensor, (v) => v < -0.9), high: share(tensor, (v) => v > 0.9) });
      for (let unit = 0; unit < 5; unit++) {
        const logs = Array.from({ length: T }, (_, t) => Math.log(f.data[5 * t + unit] as number));
        expect(forgetHorizon?.[unit]).toBeCloseTo(-T / logs.reduce((a, b) => a + b), 6);
      }
      expect(deadUnits).toEqual([]);
    });
  });

  test("of a batch every sequence is looked at, of those with lengths only the steps that are taken", () => {
    const one = new RNN(core, { inputSize: 1, hiddenSize: 1, nonlinearity: "relu", bias: false });
    one.loadStateDict({
      weight_ih_l0: { data: Float32Array.of(1), shape: [1, 1] },
      weight_hh_l0: { data: Float32Array.of(0), shape: [1, 1] },
    });
    const flow = new GradientFlow(one);
    // Of six sequences the first alone is on.
    const on = { data: Float32Array.from({ length: 420 }, (_, k) => (k % 6 === 0 ? 1 : -1)), shape: [70, 6, 1] };
    one.forward(on);
    one.backward({});
    expect(flow.report().slices[0]?.saturation.h?.low).toBeCloseTo(5 / 6, 12);
    one.forward(on, { lengths: [70, 0, 0, 0, 0, 0] });
    one.backward({});
    expect(flow.report().slices[0]).toMatchObject({ saturation: { h: { low: 0 } }, deadUnits: [] });
    one.forward(on, { lengths: [0, 70, 70, 70, 70, 70] });
    one.backward({});
    expect(flow.report().slices[0]).toMatchObject({ saturation: { h: { low: 1 } }, deadUnits: [0] });
  });

  test.each([
    ["LSTM", LSTM, {}],
    ["GRU", GRU, {}],
    ["RNN", RNN, {}],
    ["SLSTM", SLSTM, {}],
    ["MinLSTM", MinLSTM, {}],
    ["layer norm, projection", LSTM, { layerNorm: true, projSize: 4 }],
    ["layer norm, zoneout", LSTM, { layerNorm: true, zoneout: 0.3 }],
    ["clipped cells, peepholes", LSTM, { cellClip: 0.2, peephole: true }],
    ["reset before, zoneout", GRU, { resetAfter: false, zoneout: 0.3 }],
    ["dropped recurrent inputs", GRU, { recurrentDropout: 0.3 }],
  ] as const)("%s: measuring changes no bit of any gradient", (_, Cell, options) => {
    const results = [false, true].map((flow) => {
      const layer = new Cell(core, { inputSize: 3, hiddenSize: 6, numLayers: 2, seed: 5, ...options }) as LSTM;
      const random = createRandom(6);
      layer.forward(randomTensor(random, [8, 3, 3]), { lengths: [8, 3, 6], training: true });
      const shape = [8, 3, "projSize" in options ? 4 : 6];
      const { input, h0 } = layer.backward({ output: randomTensor(random, shape) }, { flow });
      return { input, h0, gradients: layer.gradients() };
    });
    expect(results[1]).toEqual(results[0]);
  });

  test.each([LSTM, GRU, RNN, SLSTM])("%o: a layer that was used in other ways before measures the same", (Cell) => {
    const used = new Cell(core, { inputSize: 3, hiddenSize: 6, seed: 5 }) as LSTM;
    const pass = (layer: LSTM, T: number, B: number, how: { lengths?: number[]; flow?: boolean; record?: boolean }) => {
      const { flow = true, record = false, lengths } = how;
      const random = createRandom(T);
      layer.forward(randomTensor(random, [T, B, 3]), { record, ...(lengths && { lengths }) });
      layer.backward({ output: randomTensor(random, [T, B, 6]) }, { flow, record });
      if (!flow) return null;
      const { dh, dc, direct, recurrent, saturation } = at(new GradientFlow(layer).report().slices, 0);
      return { dh, dc, direct, recurrent, saturation };
    };
    const ways = [
      [8, 3, {}],
      [8, 3, { flow: false }],
      [8, 3, { lengths: [8, 2, 5] }],
      [8, 3, {}],
      [4, 6, { record: true }],
      [12, 1, { flow: false, record: true }],
      [4, 6, {}],
      [9, 2, { lengths: [1, 9] }],
      [1, 2, {}],
    ] as const;
    for (const [T, B, { ...how }] of ways) {
      const fresh = new Cell(core, { inputSize: 3, hiddenSize: 6, seed: 5 }) as LSTM;
      expect(pass(used, T, B, how as object)).toEqual(pass(fresh, T, B, how as object));
      fresh.dispose();
    }
  });
});

test.each([MinGRU, MinLSTM])("%o: without W_hh all of the gradient comes directly", (Cell) => {
  using layer = new Cell(core, { inputSize: 2, hiddenSize: 5, seed: 1 });
  const flow = new GradientFlow(layer);
  const random = createRandom(4);
  const { output } = layer.forward(randomTensor(random, [9, 3, 2]));
  layer.backward({ output: randomTensor(random, output.shape) });
  const [slice] = flow.report().slices;
  expect(slice?.spectrum).toEqual({ norm: 0, radius: 0, gates: {} });
  expect(slice?.recurrent.every((norm) => norm === 0)).toBe(true);
  expect(slice?.direct.slice(0, -1).every((norm) => norm > 0)).toBe(true);
  // n is linear.
  expect(Object.keys(slice?.saturation ?? {})).toEqual(Cell === MinGRU ? ["z"] : ["f", "i"]);
});

test("forget horizons of minimal cells: of what h is multiplied by", () => {
  for (const [Cell, gates] of [
    [MinGRU, ["z"]],
    [MinLSTM, ["p"]],
  ] as const) {
    using layer = new Cell(core, { inputSize: 2, hiddenSize: 3, seed: 1 });
    using flow = new GradientFlow(layer);
    const { record } = layer.forward(randomTensor(createRandom(4), [9, 1, 2]), { record: true });
    layer.backward({ hn: { data: new Float32Array(3).fill(1), shape: [1, 1, 3] } });
    const { data } = (at(record as unknown[], 0) as Record<string, Tensor>)[gates[0]] as Tensor;
    const keeps = Array.from(data, (value) => Math.log(Cell === MinGRU ? 1 - value : value));
    flow.report().slices[0]?.forgetHorizon?.forEach((steps, unit) => {
      expect(steps).toBeCloseTo(-9 / keeps.filter((_, k) => k % 3 === unit).reduce((a, b) => a + b), 4);
    });
    expect(flow.report().slices[0]?.forgetHorizon).toHaveLength(3);
  }
});

test("an RNN whose mask holds states has a direct path, of which the verdict speaks", () => {
  using layer = new RNN(core, { inputSize: 1, hiddenSize: 2, seed: 1 });
  using flow = new GradientFlow(layer);
  // The first sequence is held at its last step alone, the second takes all: their direct path ends with that step.
  const mask = { data: Uint8Array.of(1, 1, 1, 1, 0, 1), shape: [3, 2] };
  layer.forward(randomTensor(createRandom(1), [3, 2, 1]), { mask });
  layer.backward({ hn: { data: new Float32Array(4).fill(1), shape: [1, 2, 2] } });
  expect(flow.report().verdict).toMatch(/^reaches back all 3 steps, .*; the direct path alone vanishes after 2 steps$/);
});

test("a small batch has all of its values counted", () => {
  using cell = new LSTMCell(core, { inputSize: 1, hiddenSize: 2, seed: 1 });
  using flow = new GradientFlow(cell);
  // tanh c of the second sequence is near 1 where its state is.
  const c = { data: Float32Array.of(0, 0, 9, 9), shape: [2, 2] };
  const h = { data: new Float32Array(4), shape: [2, 2] };
  cell.forward({ data: new Float32Array(2), shape: [2, 1] }, { h, c });
  cell.backward({ h });
  expect(flow.report().slices[0]?.saturation.tanhC).toEqual({ low: 0, high: 0.5 });
});

test("an sLSTM's report", () => {
  using layer = new SLSTM(core, { inputSize: 2, hiddenSize: 5, seed: 1 });
  const flow = new GradientFlow(layer);
  const random = createRandom(5);
  layer.forward(randomTensor(random, [9, 3, 2]));
  layer.backward({ hn: randomTensor(random, [1, 3, 5]) });
  const [slice] = flow.report().slices;
  expect(slice?.dh.every(Number.isFinite)).toBe(true);
  expect(slice?.direct.slice(0, -1).every((norm) => norm > 0)).toBe(true);
});

test("an sLSTM's forget horizon does not count the step that has nothing to forget", () => {
  using layer = new SLSTM(core, { inputSize: 1, hiddenSize: 3, seed: 1 });
  const flow = new GradientFlow(layer);
  layer.forward({ data: new Float32Array(50).fill(1), shape: [50, 1, 1] });
  layer.backward({ hn: { data: new Float32Array(3).fill(1), shape: [1, 1, 3] } });
  const [slice] = flow.report().slices;
  for (const steps of slice?.forgetHorizon ?? [0]) expect(steps).toBeGreaterThan(0.5);
});

test("‖dL/dc‖ of a step from which nothing reaches the one before", () => {
  using layer = new LSTM(core, { inputSize: 1, hiddenSize: 1, seed: 1, cellClip: 0.01 });
  const flow = new GradientFlow(layer);
  layer.forward({ data: Float32Array.of(3, 3, 3), shape: [3, 1, 1] });
  layer.backward({ cn: { data: Float32Array.of(1), shape: [1, 1, 1] } });
  expect(flow.report().slices[0]?.dc).toEqual([0, 0, 1]);
});

test.each([1, 2, 7, 77])("of a batch of %i every sequence is among the rows whose gates are kept", (B) => {
  const layer = new GRU(createCore(), { inputSize: 1, hiddenSize: 2 });
  layer.forward(randomTensor(createRandom(1), [20, B, 1]));
  layer.backward({ hn: randomTensor(createRandom(2), [1, B, 2]) }, { flow: true });
  const { every, rows } = (layer.slices[0] as Slice).measured as { every: number; rows: number };
  expect(rows).toBe(Math.ceil((20 * B) / every));
  const kept = new Set(Array.from({ length: rows }, (_, k) => (k * every) % B));
  expect(kept.size).toBe(B);
});

test("steps of padding that no sequence takes are left out, before and behind", () => {
  using layer = new GRU(core, { inputSize: 2, hiddenSize: 3, bidirectional: true, seed: 1 });
  using flow = new GradientFlow(layer);
  const random = createRandom(7);
  const short = randomTensor(random, [4, 2, 2]);
  const long = { data: new Float32Array(40), shape: [10, 2, 2] };
  long.data.set(short.data);
  const hn = randomTensor(random, [2, 2, 3]);
  layer.forward(short, { lengths: [4, 4] });
  layer.backward({ hn });
  const want = flow.report();
  layer.forward(long, { lengths: [4, 4] });
  layer.backward({ hn });
  const got = flow.report();
  expect(got.verdict).toBe(want.verdict);
  expect(got.slices.map(({ carried }) => carried.from)).toEqual([6, 0]);
  got.slices.forEach(({ carried, ratios, decay }, k) => {
    const { carried: exact, ...others } = at(want.slices, k);
    expect({ ...carried, from: 0 }).toEqual(exact);
    expect([ratios, decay]).toEqual([others.ratios, others.decay]);
  });
  // Nothing but padding.
  layer.forward(short, { lengths: [0, 0] });
  layer.backward({ hn });
  expect(at(flow.report().slices, 0)).toMatchObject({ status: "carries", ratios: [] });
});

test("layers that go backwards turn what they hand on round: whose far end is whose", () => {
  const bases = (...backwards: boolean[]) => {
    const sizes = { inputSize: 2, hiddenSize: 2 };
    const layers = backwards.map((goBackwards) => new LSTM(core, { ...sizes, goBackwards }));
    const model = new Sequential([...layers, lastStep()]);
    using flow = new GradientFlow(model);
    const random = createRandom(6);
    const batch = { x: randomTensor(random, [9, 2, 2]), target: randomTensor(random, [2, 2]) };
    return flow.measure(batch, mseLoss()).slices.map(({ basis }) => basis);
  };
  expect(bases(false, false)).toEqual(["norm", "norm"]);
  expect(bases(true, false)).toEqual(["norm", "norm"]);
  expect(bases(true, true)).toEqual(["growth", "norm"]);
  expect(bases(false, true)).toEqual(["growth", "norm"]);
  expect(bases(true, true, false)).toEqual(["growth", "norm", "norm"]);
});

test("below two directions the far end's gradient does not count as left from the start", () => {
  using layer = new LSTM(core, { inputSize: 3, hiddenSize: 8, numLayers: 2, bidirectional: true, seed: 1 });
  const flow = new GradientFlow(layer);
  const random = createRandom(6);
  layer.forward(randomTensor(random, [100, 2, 3]));
  layer.backward({ hn: randomTensor(random, [4, 2, 8]) });
  const { slices } = flow.report();
  expect(slices.map(({ basis }) => basis)).toEqual(["growth", "growth", "norm", "norm"]);
  for (const { carried, decay } of slices) {
    expect(carried.total[90]).toBeLessThan(1e-9);
    expect(decay.total?.halfLife).toBeLessThan(5);
  }
});
