import { GRU, LSTM, loadSync, MinGRU, MinLSTM, RNN, SLSTM, type Stream } from "lstm-wasm";
import { describe, expect, test } from "vitest";
import { BUILDS, createCore } from "./support/cores.ts";
import { createRandom, randomTensor } from "./support/random.ts";

/** Feeds rows of x [T,1,I] and collects copies of what comes. */
function feed(stream: Stream, x: Float32Array, I: number): Float32Array {
  const steps = Array.from({ length: x.length / I }, (_, t) => [...stream.step(x.subarray(t * I, (t + 1) * I))]);
  return Float32Array.from(steps.flat());
}

describe.each(BUILDS)("%s: step by step has the bits of the whole sequence", (build) => {
  const core = createCore(build);
  const cells = { LSTM, GRU, RNN, SLSTM, MinGRU, MinLSTM };
  const sizes = [1, 2, 3, 4, 5, 7, 8, 9, 16, 31, 33, 64].flatMap((H) => [
    [H, 1 + (H % 9), 1] as const,
    [H, 3, 3] as const,
  ]);
  test.each(Object.keys(cells) as (keyof typeof cells)[])("%s", (name) => {
    for (const [hiddenSize, inputSize, numLayers] of sizes) {
      using layer = new cells[name](core, { inputSize, hiddenSize, numLayers, seed: hiddenSize });
      using stream = layer.stream();
      const x = randomTensor(createRandom(hiddenSize), [11, 1, inputSize], 2);
      expect(feed(stream, x.data, inputSize), `H ${hiddenSize} I ${inputSize} L ${numLayers}`).toEqual(
        layer.forward(x).output.data,
      );
    }
  });

  test("a layer-norm LSTM, and cells with options", () => {
    const layers = [
      new LSTM(core, { inputSize: 3, hiddenSize: 9, numLayers: 2, layerNorm: true }),
      new LSTM(core, { inputSize: 3, hiddenSize: 9, peephole: true, gateClip: 0.5, activations: { g: "softsign" } }),
      new GRU(core, { inputSize: 3, hiddenSize: 9, resetAfter: false }),
    ];
    const x = randomTensor(createRandom(1), [8, 1, 3]);
    for (const layer of layers) expect(feed(layer.stream(), x.data, 3)).toEqual(layer.forward(x).output.data);
  });

  test("a projected LSTM", () => {
    const layer = new LSTM(core, { inputSize: 3, hiddenSize: 9, projSize: 5, numLayers: 2 });
    const x = randomTensor(createRandom(1), [8, 1, 3]);
    expect(feed(layer.stream(), x.data, 3)).toEqual(layer.forward(x).output.data);
  });
});

describe("state", () => {
  const core = createCore();
  const create = () => new LSTM(core, { inputSize: 3, hiddenSize: 6, numLayers: 2, seed: 2 });
  const x = randomTensor(createRandom(1), [10, 1, 3]).data;
  const [first, second] = [x.subarray(0, 15), x.subarray(15)];

  test("an sLSTM's is all four states", () => {
    const layer = new SLSTM(core, { inputSize: 3, hiddenSize: 6, numLayers: 2 });
    const [a, b] = [layer.stream(), layer.stream()];
    feed(a, first, 3);
    const kept = a.snapshot();
    expect(kept.length).toBe(12 + 4 * (4 * 2 * 6));
    b.restore(kept);
    expect(feed(b, second, 3)).toEqual(feed(a, second, 3));
    expect(feed(layer.stream(), x, 3).subarray(30)).toEqual(
      layer.forward({ data: x, shape: [10, 1, 3] }).output.data.subarray(30),
    );
  });

  test("reset starts anew", () => {
    const stream = create().stream();
    const once = feed(stream, x, 3);
    expect(feed(stream, x, 3)).not.toEqual(once);
    stream.reset();
    expect(feed(stream, x, 3)).toEqual(once);
  });

  test("a snapshot continues on another core and on the embedded module", () => {
    const stream = create().stream();
    feed(stream, first, 3);
    const bytes = stream.snapshot();
    const rest = feed(stream, second, 3);
    for (const other of [createCore(), loadSync()]) {
      const elsewhere = new LSTM(other, { inputSize: 3, hiddenSize: 6, numLayers: 2, seed: 2 }).stream();
      elsewhere.restore(bytes);
      expect(feed(elsewhere, second, 3)).toEqual(rest);
    }
  });

  test("two streams of a layer do not touch each other, nor does forward", () => {
    const layer = create();
    const [a, b] = [layer.stream(), layer.stream()];
    const want = feed(layer.stream(), x, 3);
    feed(b, second, 3);
    const got = Float32Array.from([...feed(a, first, 3)]);
    layer.forward({ data: x.slice(), shape: [10, 1, 3] });
    feed(b, first, 3);
    expect([...got, ...feed(a, second, 3)]).toEqual([...want]);
  });

  test("changed weights are followed", () => {
    const layer = create();
    const stream = layer.stream();
    feed(stream, x, 3);
    layer.loadStateDict(new LSTM(core, { inputSize: 3, hiddenSize: 6, numLayers: 2, seed: 77 }).stateDict());
    stream.reset();
    expect(feed(stream, x, 3)).toEqual(layer.forward({ data: x, shape: [10, 1, 3] }).output.data);
  });

  test("goes on after memory grew", () => {
    const own = createCore();
    const layer = new LSTM(own, { inputSize: 3, hiddenSize: 6, numLayers: 2, seed: 2 });
    const stream = layer.stream();
    feed(stream, first, 3);
    const before = own.memoryBytes;
    layer.forward(randomTensor(createRandom(3), [400, 40, 3]));
    expect(own.memoryBytes).toBeGreaterThan(before);
    const want = create().stream();
    feed(want, first, 3);
    expect(feed(stream, second, 3)).toEqual(feed(want, second, 3));
  });

  test("the answer is one array, so that a step allocates none", () => {
    const stream = create().stream();
    expect(stream.step(first.subarray(0, 3))).toBe(stream.step(first.subarray(3, 6)));
  });
});

describe("what is refused leaves the state as it was", () => {
  const core = createCore();
  const layer = new LSTM(core, { inputSize: 3, hiddenSize: 6 });
  const stream = layer.stream();
  const frame = Float32Array.of(0.1, 0.2, 0.3);
  stream.step(frame);
  const kept = stream.snapshot();

  test.each([
    [
      "frame of another width",
      () => stream.step(new Float32Array(4)),
      RangeError,
      "frame: expected [3], 3 values, got 4",
    ],
    [
      "array of numbers",
      () => stream.step([1, 2, 3] as never),
      TypeError,
      "frame: expected a Float32Array, got [1,2,3]",
    ],
    [
      "NaN",
      () => stream.step(Float32Array.of(1, Number.NaN, 3)),
      RangeError,
      "frame: expected finite values, got NaN at [1]",
    ],
    [
      "infinity",
      () => stream.step(Float32Array.of(1, 2, -Infinity)),
      RangeError,
      "frame: expected finite values, got -Infinity at [2]",
    ],
    ["no bytes", () => stream.restore("x" as never), TypeError, 'snapshot: expected a Uint8Array, got "x"'],
    [
      "a short snapshot",
      () => stream.restore(kept.subarray(1)),
      Error,
      "snapshot: expected 60 bytes for 12 values of state, got 59",
    ],
    [
      "another width's snapshot",
      () => stream.restore(new Uint8Array(60)),
      Error,
      /^snapshot: expected the bytes of a stream/,
    ],
  ])("%s", (_, call, kind, message) => {
    expect(call).toThrow(kind);
    expect(call).toThrow(message);
    expect(stream.snapshot()).toEqual(kept);
  });

  test("a snapshot with any byte changed", () => {
    for (let k = 0; k < kept.length; k++) {
      const damaged = kept.slice();
      damaged[k] = (damaged[k] as number) ^ 1;
      expect(() => stream.restore(damaged), `byte ${k}`).toThrow("snapshot: expected the bytes of a stream");
    }
    expect(stream.snapshot()).toEqual(kept);
  });

  test("two directions", () => {
    const both = new GRU(core, { inputSize: 3, hiddenSize: 6, bidirectional: true });
    expect(() => both.stream()).toThrow(
      "bidirectional: expected false for a stream, which cannot know later steps, got true",
    );
  });

  test.each([{ direction: "reverse" }, { goBackwards: true }] as const)("%o", (options) => {
    const turned = new GRU(core, { inputSize: 3, hiddenSize: 6, ...options });
    expect(() => turned.stream()).toThrow(
      "direction: expected forward for a stream, which cannot start from the last step, got reverse",
    );
  });

  test("use after dispose", () => {
    const gone = layer.stream();
    gone.dispose();
    gone.dispose();
    expect(() => gone.step(frame)).toThrow("Stream: expected one in use, got a disposed one");
    const other = new LSTM(core, { inputSize: 3, hiddenSize: 6 });
    const orphan = other.stream();
    other.dispose();
    expect(() => orphan.step(frame)).toThrow("LSTM: expected a layer in use, got a disposed one");
  });
});
