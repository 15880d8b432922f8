// What training and streaming cost beside the arithmetic: calls into the module, and memory.
import { type Core, LSTM, loadSync } from "lstm-wasm";
import { afterEach, describe, expect, test, vi } from "vitest";
import { createTraining } from "../bench/curves.ts";
import { watch } from "../bench/watched.ts";
import { Region } from "../bindings/core.ts";
import { plan } from "../bindings/layout.ts";
import type { Shape } from "../bindings/tensor.ts";

const dims = { T: 12, B: 4, I: 3, H: 16 };

/** Some training steps of a fresh model, and what they cost. */
function train(change: Partial<typeof dims & { L: number }> = {}, core: Core = loadSync()) {
  const { watched, run } = createTraining(core, { ...dims, ...change });
  run();
  const { calls, bytes } = watched;
  run();
  return { calls: watched.calls - calls, bytes: watched.bytes, grew: watched.bytes - bytes, core };
}

describe("calls into the module", () => {
  test("of a training step are a few dozen, none of them for a step of time", () => {
    const { calls } = train();
    expect(calls).toBeGreaterThan(5);
    expect(calls).toBeLessThan(60);
    for (const T of [1, 100, 400]) expect(train({ T }).calls).toBe(calls);
    for (const B of [1, 64]) expect(train({ B }).calls).toBe(calls);
  });

  test("grow by the same number with every layer", () => {
    const [one, two, three] = [1, 2, 3].map((L) => train({ L }).calls) as [number, number, number];
    expect(three - two).toBe(two - one);
    expect(two - one).toBeLessThan(40);
  });

  test("of a streaming step are two: one that checks the frame, one that runs the cell", () => {
    const watched = watch(loadSync());
    const stream = new LSTM(watched.core, { inputSize: 3, hiddenSize: 16 }).stream();
    const frame = new Float32Array(3);
    stream.step(frame);
    const { calls, bytes } = watched;
    stream.step(frame);
    expect(watched.calls - calls).toBe(2);
    expect(watched.bytes).toBe(bytes);
  });
});

describe("memory of training", () => {
  afterEach(() => vi.restoreAllMocks());

  test("is what the plans say, to the byte, and stays so", () => {
    const planned = new Map<Region, number>();
    const fit = Region.prototype.fit;
    vi.spyOn(Region.prototype, "fit").mockImplementation(function (this: Region, shapes: Record<string, Shape>) {
      planned.set(this, plan(shapes).bytes);
      return fit.call(this, shapes);
    } as typeof fit);
    const { bytes, grew } = train();
    expect(grew).toBe(0);
    expect(bytes).toBe([...planned.values()].reduce((sum, n) => sum + n, 0));
  });

  test("grows with each step of time by what back-propagation needs of it, and nothing else", () => {
    const { B, I, H } = dims;
    // x; h, c, gates and tanh c; dh; and the gradient that lastStep spreads over all steps.
    const floats = B * (I + H + H + 4 * H + H + H + H);
    const bytes = (T: number) => train({ T }).bytes;
    expect(bytes(13) - bytes(12)).toBe(4 * floats);
    expect(bytes(1012) - bytes(12)).toBe(4000 * floats);
  });

  test("grows in proportion to the batch", () => {
    const bytes = (B: number) => train({ B }).bytes;
    expect(bytes(12) - bytes(8)).toBe(bytes(8) - bytes(4));
  });

  test("fits the module's own memory, up to what the allocator keeps back and a page", () => {
    const { core, bytes } = train({ T: 1000 });
    expect(core.memoryBytes).toBeGreaterThanOrEqual(bytes);
    expect(core.memoryBytes).toBeLessThan(2.1 * bytes);
  });
});
