import { Linear, LSTM, lastStep, Sequential, type StateDict } from "lstm-wasm";
import { adam, type Batch, dataLoader, mseLoss, Trainer } from "lstm-wasm/train";
import { describe, expect, test } from "vitest";
import { goldens, readJson, type TrainingCase } from "./support/cases.ts";
import { BUILDS, createCore } from "./support/cores.ts";
import { createRandom, randomTensor } from "./support/random.ts";
import { runTraining } from "./support/training.ts";

describe.each(BUILDS)("%s: fifty steps with clipping have PyTorch's numbers, loss by loss", (build) => {
  const folder = goldens("training/");
  test.each<TrainingCase>(readJson(new URL("cases.json", folder)).cases)("$id", (c) => {
    const differences = runTraining(createCore(build), c, folder);
    expect(c.steps).toBe(50);
    expect(differences.length).toBe(3 + 2 * 6);
    expect(differences.filter(({ ratio }) => !(ratio <= 1)).map(({ text }) => text)).toEqual([]);
  });
});

/** A small model with data it can learn. */
function createTask(seed = 1) {
  const core = createCore();
  const model = new Sequential([
    new LSTM(core, { inputSize: 2, hiddenSize: 8, seed }),
    lastStep(),
    new Linear(core, { inFeatures: 8, outFeatures: 1, seed }),
  ]);
  const random = createRandom(5);
  const batches: Batch[] = Array.from({ length: 4 }, () => {
    const x = randomTensor(random, [6, 3, 2]);
    const target = {
      data: Float32Array.from({ length: 3 }, (_, b) => (x.data[30 + 2 * b] as number) * 0.5),
      shape: [3, 1],
    };
    return { x, target };
  });
  const create = () => new Trainer(model, { loss: mseLoss(), optimizer: adam({ lr: 0.02 }), clipNorm: 1 });
  return { core, model, batches, create };
}

describe("Trainer", () => {
  test("fit goes through the epochs, step by step, and learns", async () => {
    const { batches, create, model } = createTask();
    const trainer = create();
    const before = trainer.evaluate(batches);
    const steps = [];
    for await (const step of trainer.fit(batches, { epochs: 40 })) steps.push(step);
    expect(steps.length).toBe(160);
    expect(steps[0]).toMatchObject({ epoch: 0, step: 0 });
    expect(steps[159]).toMatchObject({ epoch: 39, step: 3 });
    expect(trainer.evaluate(batches)).toBeLessThan(0.1 * before);
    expect(Object.keys(model.stateDict())[0]).toBe("0.weight_ih_l0");
  });

  test("the same seed gives the same bits", async () => {
    const results: StateDict[] = [];
    for (let k = 0; k < 2; k++) {
      const { batches, create, model } = createTask(3);
      for await (const _ of create().fit(batches, { epochs: 3 }));
      results.push(model.stateDict());
    }
    expect(results[0]).toEqual(results[1]);
  });

  test("batches may depend on the epoch", async () => {
    const { batches, create } = createTask();
    const asked: number[] = [];
    const some = (epoch: number) => {
      asked.push(epoch);
      return batches.slice(0, epoch + 1);
    };
    const steps = [];
    for await (const { epoch, step } of create().fit(some, { epochs: 3 })) steps.push([epoch, step]);
    expect(asked).toEqual([0, 1, 2]);
    expect(steps).toEqual([
      [0, 0],
      [1, 0],
      [1, 1],
      [2, 0],
      [2, 1],
      [2, 2],
    ]);
  });

  test("a signal ends it between two steps", async () => {
    const { batches, create } = createTask();
    const abort = new AbortController();
    const steps: number[] = [];
    const reason = new Error("enough");
    const run = async () => {
      for await (const { step } of create().fit(batches, { epochs: 9, signal: abort.signal })) {
        steps.push(step);
        if (steps.length === 6) abort.abort(reason);
      }
    };
    await expect(run()).rejects.toBe(reason);
    expect(steps.length).toBe(6);
  });

  test("gives the event loop its turn", async () => {
    const { batches, create } = createTask();
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const started = performance.now();
    for await (const _ of create().fit(batches, { epochs: 1_000_000 })) if (performance.now() - started > 200) break;
    clearInterval(timer);
    expect(turns).toBeGreaterThan(3);
  });

  test("evaluate changes nothing, and weighs batches by their size", () => {
    const { batches, create, model } = createTask();
    const trainer = create();
    const before = model.stateDict();
    const each = batches.map((batch) => trainer.evaluate([batch]));
    expect(trainer.evaluate(batches)).toBeCloseTo(each.reduce((a, b) => a + b) / 4, 6);
    expect(model.stateDict()).toEqual(before);
  });

  test("evaluate takes what fit takes: a function of the epoch, as of epoch 0", () => {
    const { batches, create } = createTask();
    const trainer = create();
    const epochs: number[] = [];
    const loss = trainer.evaluate((epoch) => {
      epochs.push(epoch);
      return batches;
    });
    expect(loss).toBe(trainer.evaluate(batches));
    expect(epochs).toEqual([0]);
    const samples = [5, 3].map((T) => ({
      x: { data: new Float32Array(2 * T).fill(0.5), shape: [T, 2] },
      target: { data: new Float32Array([1]), shape: [1] },
    }));
    const load = dataLoader(samples, { batchSize: 1 });
    expect(trainer.evaluate(load)).toBe(trainer.evaluate([...load(0)]));
    expect(() => trainer.evaluate(() => null as never)).toThrow("batches: expected an array of batches, or the like");
  });

  test("the learning rate may change between steps", () => {
    const { batches, create, model } = createTask();
    const trainer = create();
    trainer.step(batches[0] as Batch);
    const before = model.stateDict();
    trainer.optimizer.groups[0].lr = 0;
    trainer.step(batches[1] as Batch);
    expect(model.stateDict()).toEqual(before);
  });

  test("a rejected batch changes nothing", () => {
    const { batches, create, model } = createTask();
    const trainer = create();
    const { x, target } = batches[0] as Batch;
    const before = model.stateDict();
    expect(() => trainer.step({ x, target: { data: new Float32Array(4), shape: [4, 1] } })).toThrow(
      "target: expected shape [3,1], got [4,1]",
    );
    expect(() => trainer.step({ x: { data: x.data, shape: [6, 2, 3] }, target })).toThrow(
      "x: expected shape [T,B,2] or [T,2], got [6,2,3]",
    );
    expect(() => trainer.evaluate([])).toThrow("batches: expected at least one batch, got none");
    expect(model.stateDict()).toEqual(before);
    expect(trainer.step(batches[0] as Batch).loss).toBeGreaterThan(0);
  });

  test("no batch in an epoch, no epochs", async () => {
    const { create, batches } = createTask();
    const drain = async (gen: AsyncIterable<unknown>) => {
      for await (const _ of gen);
    };
    await expect(drain(create().fit([]))).rejects.toThrow(
      "batches: expected at least one batch in every epoch, got none",
    );
    await expect(drain(create().fit(batches, { epochs: 0 }))).rejects.toThrow(
      "epochs: expected a whole number of at least 1, got 0",
    );
  });
});

describe("Sequential", () => {
  test("is its layers, one after the other", () => {
    const { core, model } = createTask();
    const [lstm, , linear] = model.layers as [LSTM, unknown, Linear];
    const x = randomTensor(createRandom(4), [5, 2, 2]);
    const y = model.forward(x);
    const { hn } = lstm.forward(x);
    expect(linear.forward({ data: hn.data, shape: [2, 8] })).toEqual(y);
    const dy = randomTensor(createRandom(6), [2, 1]);
    model.zeroGrad();
    model.forward(x);
    const dx = model.backward(dy);
    const whole = model.gradients();
    model.zeroGrad();
    lstm.forward(x);
    linear.forward({ data: hn.data, shape: [2, 8] });
    const dh = linear.backward(dy);
    expect(lstm.backward({ hn: { data: dh.data, shape: [1, 2, 8] } }).input).toEqual(dx);
    expect(model.gradients()).toEqual(whole);
    expect(core.memoryBytes).toBeGreaterThan(0);
  });

  test("a layer used alone in between is noticed, not misread", () => {
    const { model } = createTask();
    const x = randomTensor(createRandom(4), [5, 2, 2]);
    const dy = randomTensor(createRandom(6), [2, 1]);
    model.forward(x);
    (model.layers[0] as LSTM).forward(randomTensor(createRandom(4), [50, 9, 2]));
    expect(() => model.backward(dy)).toThrow(
      "Sequential: expected its layers as its forward left them, got LSTM used alone since",
    );
    model.forward(x);
    expect(model.backward(dy).shape).toEqual([5, 2, 2]);
  });
});
