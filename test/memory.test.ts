import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  activation,
  Conv1d,
  Dropout,
  Embedding,
  LayerNorm,
  Linear,
  LSTM,
  lastStep,
  Residual,
  Sequential,
} from "lstm-wasm";
import { adam, mseLoss, Trainer } from "lstm-wasm/train";
import { describe, expect, test } from "vitest";
import { createCore } from "./support/cores.ts";
import { createRandom, randomTensor } from "./support/random.ts";

const x = randomTensor(createRandom(1), [20, 4, 3]);

/** Everything a user makes, used once. */
function useAll(core: ReturnType<typeof createCore>) {
  const model = new Sequential([
    new LSTM(core, { inputSize: 3, hiddenSize: 16, numLayers: 2, bidirectional: true }),
    lastStep({ bidirectional: true }),
    new Linear(core, { inFeatures: 32, outFeatures: 1 }),
  ]);
  const trainer = new Trainer(model, { loss: mseLoss(), optimizer: adam() });
  trainer.step({ x, target: { data: new Float32Array(4), shape: [4, 1] } });
  const letters = new Sequential([
    new Embedding(core, { numEmbeddings: 3, embeddingDim: 8 }),
    new Residual([new Conv1d(core, { inChannels: 8, outChannels: 8, kernelSize: 3, padding: "causal" })]),
    new LayerNorm(core, { normalizedShape: 8 }),
    activation("relu"),
    new Dropout(core),
  ]);
  letters.forward({ data: new Float32Array(20), shape: [10, 2] }, { training: true });
  letters.backward({ data: new Float32Array(160), shape: [10, 2, 8] });
  const lstm = new LSTM(core, { inputSize: 3, hiddenSize: 16 });
  const stream = lstm.stream();
  stream.step(new Float32Array(3));
  lstm.forward(x, { record: true });
  lstm.backward({}, { record: true });
  return [stream, lstm, letters, trainer, model];
}

describe("memory", () => {
  test("dispose gives all of it back", () => {
    const core = createCore();
    for (const owner of useAll(core)) owner.dispose();
    const once = core.memoryBytes;
    for (let k = 0; k < 300; k++) for (const owner of useAll(core)) owner.dispose();
    expect(core.memoryBytes).toBe(once);
  });

  test("what is forgotten is given back when it is collected", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const core = createCore();
    useAll(core);
    const bytes: number[] = [];
    for (let k = 0; k < 40; k++) {
      for (let n = 0; n < 10; n++) useAll(core);
      collect();
      // Finalizers run in a task of their own.
      await new Promise((resolve) => setTimeout(resolve, 0));
      bytes.push(core.memoryBytes);
    }
    expect(bytes.at(-1)).toBe(bytes[10]);
  });

  test("running out of it is an error that leaves the layer as it was", () => {
    const core = createCore();
    const lstm = new LSTM(core, { inputSize: 1, hiddenSize: 1024, seed: 6 });
    const small = randomTensor(createRandom(2), [2, 1, 1]);
    const want = lstm.forward(small);
    // 4 H values for each of 200,000 steps and rows are 3.3 GB, and there are other tapes: more than 4 GiB in all.
    const large = { data: new Float32Array(200_000), shape: [200_000, 1, 1] };
    expect(() => lstm.forward(large)).toThrow(
      /^memory: expected room for \d+ more bytes in one block of at most 1 GiB, got none/,
    );
    expect(() => lstm.forward(large)).toThrow(
      expect.objectContaining({ name: "OutOfMemoryError", code: "ERR_MEMORY" }),
    );
    expect(() => lstm.backward({})).toThrow("LSTM: expected one forward before each backward");
    expect(lstm.forward(small)).toEqual(want);
  });
});
