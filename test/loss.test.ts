// Losses through the public API, against PyTorch's definitions in float64.
import type { Mask, Tensor } from "lstm-wasm";
import {
  bceWithLogitsLoss,
  crossEntropyLoss,
  huberLoss,
  type Loss,
  logSoftmax,
  maeLoss,
  mseLoss,
} from "lstm-wasm/train";
import { describe, expect, test } from "vitest";
import { compare, largest } from "./support/compare.ts";
import { BUILDS, createCore } from "./support/cores.ts";
import { createRandom, randomTensor } from "./support/random.ts";

type Element = (p: number, y: number) => number;
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const ELEMENTS: [string, (o: object) => Loss, Element, Element][] = [
  ["mse", mseLoss, (p, y) => (p - y) ** 2, (p, y) => 2 * (p - y)],
  ["mae", maeLoss, (p, y) => Math.abs(p - y), (p, y) => Math.sign(p - y)],
  [
    "huber",
    (o) => huberLoss({ ...o, delta: 0.5 }),
    (p, y) => (Math.abs(p - y) <= 0.5 ? (p - y) ** 2 / 2 : 0.5 * (Math.abs(p - y) - 0.25)),
    (p, y) => Math.max(-0.5, Math.min(0.5, p - y)),
  ],
  [
    "bceWithLogits",
    (o) => bceWithLogitsLoss({ ...o, posWeight: 3 }),
    (p, y) => -(3 * y * Math.log(sigmoid(p)) + (1 - y) * Math.log(1 - sigmoid(p))),
    (p, y) => -3 * y * (1 - sigmoid(p)) + (1 - y) * sigmoid(p),
  ],
];

const expectNear = (name: string, got: ArrayLike<number>, want: ArrayLike<number>) => {
  const { ratio, text } = compare(name, got, want, 2e-6 * Math.max(1, largest(want)));
  expect(ratio, text).toBeLessThanOrEqual(1);
};

describe.each(BUILDS)("%s", (build) => {
  const core = createCore(build);

  describe.each(ELEMENTS)("%s", (_, create, value, slope) => {
    test.each(["mean", "sum", "none"] as const)("%s, all positions and some", (reduction) => {
      const random = createRandom(3);
      for (const N of [1, 3, 4, 5, 9]) {
        const p = randomTensor(random, [3, 2, N], 2);
        const y: Tensor = { data: p.data.map(() => 0.5 + 0.5 * random()), shape: p.shape };
        for (const mask of [null, { data: Uint8Array.of(1, 0, 1, 1, 0, 1), shape: [3, 2] }]) {
          const taken = (k: number) => (mask ? (mask.data[Math.floor(k / N)] as number) : 1);
          // What does not count may be anything.
          const target = { ...y, data: y.data.map((v, k) => (taken(k) ? v : Number.NaN)) };
          const count = N * (mask ? 4 : 6);
          const factor = reduction === "mean" ? 1 / count : 1;
          const losses = Float64Array.from(p.data, (v, k) => (taken(k) ? value(v, y.data[k] as number) : 0));
          const got = create({ reduction }).forward(core, p, target, mask ? { mask } : {});
          expectNear("losses", got.losses.data, losses);
          const total = losses.reduce((a, b) => a + b, 0) * factor;
          if (reduction === "none") expect(got.loss).toBe(null);
          else expectNear("loss", [got.loss as number], [total]);
          const gradient = Float64Array.from(p.data, (v, k) => (taken(k) ? factor * slope(v, y.data[k] as number) : 0));
          expectNear("gradient", got.gradient.data, gradient);
        }
      }
    });
  });

  /** PyTorch's rule: weights scale each target and each share of the smoothing; a mean divides by the targets' weights. */
  function crossEntropy(x: Tensor, y: readonly number[], weight: readonly number[] | undefined, smoothing: number) {
    const C = x.shape.at(-1) as number;
    const w = (c: number) => weight?.[c] ?? 1;
    const losses: number[] = [];
    const gradient = new Float64Array(x.data.length);
    let count = 0;
    y.forEach((target, row) => {
      const logits = [...x.data.subarray(row * C, (row + 1) * C)];
      const most = Math.max(...logits);
      const log = Math.log(logits.reduce((sum, v) => sum + Math.exp(v - most), 0)) + most;
      losses[row] = 0;
      if (target === -100) return;
      count += w(target);
      for (let c = 0; c < C; c++) {
        const share = (c === target ? w(c) * (1 - smoothing) : 0) + (smoothing / C) * w(c);
        losses[row] = (losses[row] as number) - share * ((logits[c] as number) - log);
        for (let k = 0; k < C; k++) {
          const slope = share * (Math.exp((logits[k] as number) - log) - (k === c ? 1 : 0));
          gradient[row * C + k] = (gradient[row * C + k] as number) + slope;
        }
      }
    });
    return { losses, gradient, count };
  }

  test.each([
    [undefined, 0],
    [undefined, 0.2],
    [[0.5, 2, 1, 0, 3], 0],
    [[0.5, 2, 1, 0, 3], 0.1],
  ])("cross-entropy with weights %s and smoothing %s", (weight, labelSmoothing) => {
    const random = createRandom(4);
    const x = randomTensor(random, [4, 3, 5], 6);
    const y = [0, 1, -100, 2, 4, 4, 3, -100, 1, 0, 2, 1];
    const target = { data: Float32Array.from(y), shape: [4, 3] };
    const want = crossEntropy(x, y, weight, labelSmoothing);
    const options = { labelSmoothing, ...(weight && { weight }) };
    for (const reduction of ["mean", "sum", "none"] as const) {
      const factor = reduction === "mean" ? 1 / want.count : 1;
      const got = crossEntropyLoss({ ...options, reduction }).forward(core, x, target);
      expectNear("losses", got.losses.data, want.losses);
      expectNear(
        "gradient",
        got.gradient.data,
        want.gradient.map((d) => d * factor),
      );
      if (reduction !== "none")
        expectNear("loss", [got.loss as number], [factor * want.losses.reduce((a, b) => a + b, 0)]);
    }
    // A mask leaves out like the ignored index does.
    const mask: Mask = { data: Uint8Array.from(y, (c) => (c === -100 ? 0 : 1)), shape: [4, 3] };
    const plain = { ...target, data: target.data.map((c) => (c === -100 ? Number.NaN : c)) };
    expect(crossEntropyLoss(options).forward(core, x, plain, { mask })).toEqual(
      crossEntropyLoss(options).forward(core, x, target),
    );
  });

  test("log softmax of large logits", () => {
    const got = logSoftmax(core, { data: Float32Array.of(300, -300, 0, 5, 5, 5), shape: [2, 3] });
    expectNear("log softmax", got.data, [0, -600, -300, ...new Array(3).fill(-Math.log(3))]);
  });
});

describe("what does not fit is refused", () => {
  const core = createCore();
  const p = { data: new Float32Array(6), shape: [2, 3] };
  const classes = (...data: number[]) => ({ data: Float32Array.from(data), shape: [data.length] });
  test.each<[string, () => unknown]>([
    ['reduction: expected one of mean, sum, none, got "avg"', () => mseLoss({ reduction: "avg" as "mean" })],
    ["delta: expected a number above 0, got 0", () => huberLoss({ delta: 0 })],
    ["posWeight: expected a number above 0, got -1", () => bceWithLogitsLoss({ posWeight: -1 })],
    ["labelSmoothing: expected a number in [0, 1), got 1", () => crossEntropyLoss({ labelSmoothing: 1 })],
    ["weight[1]: expected a number of at least 0, got -2", () => crossEntropyLoss({ weight: [1, -2] })],
    [
      "target: expected shape [2,3], got [2,2]",
      () =>
        mseLoss().forward(
          core,
          p,
          randomTensor(() => 0, [2, 2]),
        ),
    ],
    ["target: expected classes from 0 to 2, got 3 at [1]", () => crossEntropyLoss().forward(core, p, classes(0, 3))],
    [
      "target: expected classes from 0 to 2, got 0.5 at [0]",
      () => crossEntropyLoss().forward(core, p, classes(0.5, 1)),
    ],
    [
      "weight: expected one for each of 3 classes, got 2",
      () => crossEntropyLoss({ weight: [1, 2] }).forward(core, p, classes(0, 1)),
    ],
    [
      "target: expected a position that counts, got none",
      () => crossEntropyLoss().forward(core, p, classes(-100, -100)),
    ],
    [
      "mask: expected shape [2], 2 values, got [3], 3",
      () => mseLoss().forward(core, p, p, { mask: { data: new Uint8Array(3), shape: [3] } }),
    ],
  ])("%s", (message, call) => {
    expect(call).toThrow(message);
  });
});
