// What a training promises whoever runs it: the event loop's turns, data taken as it comes, stopping and going on anywhere.
import { Linear, LSTM, lastStep, Sequential, type Tensor } from "lstm-wasm";
import {
  adam,
  adamW,
  type Batch,
  cosineAnnealingLR,
  type FitStep,
  maeLoss,
  mseLoss,
  sgd,
  stepLR,
  Trainer,
  type TrainerOptions,
} from "lstm-wasm/train";
import { afterEach, describe, expect, test, vi } from "vitest";
import { compare } from "./support/compare.ts";
import { createCore } from "./support/cores.ts";
import { createRandom, randomTensor } from "./support/random.ts";

const [B, I, H, O] = [3, 2, 5, 2];

function create(options: Partial<TrainerOptions> = {}, each = true) {
  const core = createCore();
  const lstm = new LSTM(core, { inputSize: I, hiddenSize: H, seed: 1 });
  const linear = new Linear(core, { inFeatures: H, outFeatures: O, seed: 2 });
  const model = new Sequential(each ? [lstm, linear] : [lstm, lastStep(), linear]);
  return { core, model, trainer: new Trainer(model, { loss: mseLoss(), optimizer: sgd({ lr: 0.1 }), ...options }) };
}

const createBatch = (T: number, seed = 3): Batch => {
  const random = createRandom(seed);
  return { x: randomTensor(random, [T, B, I]), target: randomTensor(random, [T, B, O]) };
};

const drain = async <T>(source: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = [];
  for await (const one of source) all.push(one);
  return all;
};

describe("the event loop has its turn", () => {
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
  });

  /** Before a test hides it. */
  const later = setImmediate;

  /** Goes through batches of which each takes so many ms, and counts the turns of the event loop before each. */
  async function turns(ms: number, options: Partial<TrainerOptions> = {}): Promise<number[]> {
    let [clock, turn, done] = [0, 0, false];
    vi.spyOn(performance, "now").mockImplementation(() => clock);
    const count = () => {
      turn++;
      if (!done) later(count);
    };
    count();
    const seen: number[] = [];
    function* batches() {
      for (let k = 0; k < 12; k++) {
        seen.push(turn);
        clock += ms;
        yield createBatch(2);
      }
    }
    await drain(create(options).trainer.fit(batches()));
    done = true;
    return seen;
  }
  /** Most batches in a row without a turn. */
  const longest = (seen: readonly number[]) => {
    const counts = new Map<number, number>();
    for (const turn of seen) counts.set(turn, (counts.get(turn) ?? 0) + 1);
    return Math.max(...counts.values());
  };

  test.each([
    [20, 1],
    [9, 1],
    [7, 2],
    [5, 3],
  ])("batches of %i ms: after every %i, so that 16 ms are not passed", async (ms, most) => {
    expect(longest(await turns(ms))).toBe(most);
  });

  test("also between batches that make one update together", async () => {
    expect(longest(await turns(20, { accumulate: 6 }))).toBe(1);
  });

  test.each(["setImmediate", "MessageChannel"])("in a host without %s", async (name) => {
    vi.stubGlobal("setImmediate", undefined);
    vi.stubGlobal(name, undefined);
    // Here one turn may bring two messages.
    expect(longest(await turns(20))).toBeLessThanOrEqual(2);
  });
});

describe("data is taken as it comes", () => {
  test("buffers may be used again for the next batch", async () => {
    const batches = [1, 2, 3, 4].map((seed) => createBatch(4, seed));
    const fresh = create();
    const want = await drain(fresh.trainer.fit(batches));
    const { model, trainer } = create();
    const one = createBatch(4);
    function* reusing() {
      for (const { x, target } of batches) {
        (one.x.data as Float32Array).set(x.data);
        (one.target.data as Float32Array).set(target.data);
        yield one;
      }
    }
    expect(await drain(trainer.fit(reusing()))).toEqual(want);
    expect(model.stateDict()).toEqual(fresh.model.stateDict());
  });

  test("batches and validation may come one by one, later", async () => {
    const batches = [1, 2, 3].map((seed) => createBatch(4, seed));
    const later = async function* () {
      for (const batch of batches) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        yield batch;
      }
    };
    const options = { epochs: 2, patience: 5 };
    const [now, then] = [create(), create()];
    const want = await drain(now.trainer.fit(batches, { ...options, validation: batches }));
    const got = await drain(then.trainer.fit(later, { ...options, validation: later }));
    expect(got).toEqual(want);
    expect(want[2]?.end?.validation).toBeGreaterThan(0);
    expect(then.model.stateDict()).toEqual(now.model.stateDict());
  });

  test.each<[string, (trainer: Trainer) => AsyncIterable<unknown>]>([
    ["batches: expected batches to go through, or a function of the epoch, got 3", (t) => t.fit(3 as never)],
    ["batches: expected a batch { x, target }, got null", (t) => t.fit([null as never])],
    ["batches: expected batches to go through, got undefined", (t) => t.fit((() => undefined) as never)],
    [
      "validation: expected batches to go through, or a function of the epoch, got a Batch",
      (t) => {
        class Batch {}
        return t.fit([createBatch(3)], { validation: new Batch() as never });
      },
    ],
  ])("%s", async (message, run) => {
    const { model, trainer } = create();
    const before = model.stateDict();
    await expect(drain(run(trainer))).rejects.toThrow(message);
    expect(model.stateDict()).toEqual(before);
  });
});

describe("accumulated batches are one big batch", () => {
  /** Sequences of both, side by side. */
  const join = (a: Tensor, b: Tensor): Tensor => {
    const [T, n, N] = a.shape as [number, number, number];
    const m = b.shape[1] as number;
    const data = new Float32Array(T * (n + m) * N);
    for (let t = 0; t < T; t++) {
      data.set(a.data.subarray(t * n * N, (t + 1) * n * N), t * (n + m) * N);
      data.set(b.data.subarray(t * m * N, (t + 1) * m * N), (t * (n + m) + n) * N);
    }
    return { data, shape: [T, n + m, N] };
  };

  test.each(["mean", "sum"] as const)("of any lengths, with the %s", async (reduction) => {
    for (const loss of [mseLoss({ reduction }), maeLoss({ reduction })]) {
      const [a, b, c] = [1, 2, 3].map((seed) => createBatch(6, seed)) as [Batch, Batch, Batch];
      const lengths = [
        [6, 5, 6],
        [1, 2, 1],
        [3, 3, 3],
      ] as const;
      const parts = [a, b, c].map((batch, k) => ({ ...batch, lengths: lengths[k] as readonly number[] }));
      const whole: Batch = {
        x: join(join(a.x, b.x), c.x),
        target: join(join(a.target, b.target), c.target),
        lengths: lengths.flat(),
      };
      const [big, small] = [create({ loss }), create({ loss, accumulate: 3 })];
      const [want] = (await drain(big.trainer.fit([whole]))) as [FitStep];
      const [got] = (await drain(small.trainer.fit(parts))) as [FitStep];
      expect(Math.abs(got.loss / want.loss - 1)).toBeLessThan(1e-6);
      expect(Math.abs(got.gradNorm / want.gradNorm - 1)).toBeLessThan(1e-5);
      const grads = small.model.gradients();
      for (const [name, { data }] of Object.entries(big.model.gradients())) {
        const { ratio, text } = compare(name, (grads[name] as Tensor).data, data, 1e-5 * want.gradNorm);
        expect(ratio, text).toBeLessThanOrEqual(1);
      }
    }
  });
});

describe("truncated back-propagation", () => {
  const tbptt = { tbptt: { k1: 3, k2: 5 }, optimizer: adam() };

  test("an evaluation between two updates changes nothing", async () => {
    const [undisturbed, evaluated] = [create(tbptt), create(tbptt)];
    const want = await drain(undisturbed.trainer.fit([createBatch(20)]));
    const got: FitStep[] = [];
    for await (const step of evaluated.trainer.fit([createBatch(20)])) {
      got.push(step);
      evaluated.trainer.evaluate([createBatch(7, 4)]);
    }
    expect(got).toEqual(want);
  });

  test("nor does one that is refused in the middle", async () => {
    const [undisturbed, evaluated] = [create(tbptt), create(tbptt)];
    const want = await drain(undisturbed.trainer.fit([createBatch(20)]));
    const got: FitStep[] = [];
    for await (const step of evaluated.trainer.fit([createBatch(20)])) {
      got.push(step);
      expect(() => evaluated.trainer.evaluate([createBatch(7, 4), null as never])).toThrow("batches: expected a batch");
    }
    expect(got).toEqual(want);
  });

  test("an update costs the same however long the sequence is", () => {
    const { trainer } = create({ tbptt: { k1: 5, k2: 5 } });
    const time = (T: number) => {
      const batch = createBatch(T);
      const started = performance.now();
      trainer.step(batch);
      return (performance.now() - started) / T;
    };
    time(2_000);
    const short = Math.min(time(2_000), time(2_000));
    expect(time(60_000)).toBeLessThan(4 * short);
  });
});

describe("stopping and going on", () => {
  const batches = [1, 2, 3].map((seed) => createBatch(4, seed));

  test("in the middle of a validation", async () => {
    const validation = [4, 5, 6].map((seed) => createBatch(4, seed));
    const options = { epochs: 3, patience: 9 };
    const whole = create();
    const want = await drain(whole.trainer.fit(batches, { ...options, validation }));
    const { trainer } = create();
    const abort = new AbortController();
    let evaluated = 0;
    const stopping = function* () {
      for (const batch of validation) {
        evaluated++;
        yield batch;
        abort.abort();
      }
    };
    await expect(
      drain(trainer.fit(batches, { ...options, validation: stopping, signal: abort.signal })),
    ).rejects.toMatchObject({ name: "AbortError" });
    expect(evaluated).toBe(2);
    const resumed = create();
    resumed.trainer.load(trainer.save());
    // The last update of the first epoch was made, but never told of.
    expect(await drain(resumed.trainer.fit(batches, { ...options, validation }))).toEqual(want.slice(3));
    expect(resumed.model.stateDict()).toEqual(whole.model.stateDict());
  });

  test("in the middle of a validation of a model that carries states", async () => {
    const { trainer } = create({ tbptt: { k1: 2, k2: 2 } });
    const abort = new AbortController();
    const stopping = function* () {
      yield createBatch(4);
      abort.abort();
      yield createBatch(4);
    };
    const training = trainer.fit(batches, { validation: stopping, signal: abort.signal });
    await expect(drain(training)).rejects.toMatchObject({ name: "AbortError" });
    const { decodeSafetensors } = await import("lstm-wasm/io");
    expect(Object.keys(decodeSafetensors(trainer.save()).tensors)).toContain("states.0.h");
  });

  test("with fewer batches than before is refused", async () => {
    const { trainer } = create();
    let file = trainer.save();
    for await (const { step } of trainer.fit(batches)) if (step === 1) file = trainer.save();
    const { trainer: other, model } = create();
    other.load(file);
    const before = model.stateDict();
    await expect(drain(other.fit(batches.slice(0, 2), { epochs: 2 }))).rejects.toMatchObject({
      code: "ERR_DATA",
      message: "batches: expected the data that the checkpoint was made with, got only 2 batches in epoch 0",
    });
    expect(model.stateDict()).toEqual(before);
  });

  test("with another mask is refused", async () => {
    const mask = { data: new Uint8Array(4 * B).fill(1), shape: [4, B] };
    const { trainer } = create();
    for await (const _ of trainer.fit([{ ...(batches[0] as Batch), mask }]));
    const other = create().trainer;
    other.load(trainer.save());
    const changed = { ...mask, data: mask.data.map((_, k) => k % 2) };
    await expect(drain(other.fit([{ ...(batches[0] as Batch), mask: changed }], { epochs: 2 }))).rejects.toMatchObject({
      code: "ERR_DATA",
    });
  });

  test.each<[string, Partial<TrainerOptions>, Partial<TrainerOptions>]>([
    ["checkpoint: expected optimizer adamW, got adam", { optimizer: adam() }, { optimizer: adamW() }],
    [
      "checkpoint: expected schedule cosineAnnealingLR, got stepLR",
      { schedule: stepLR({ stepSize: 3 }) },
      { schedule: cosineAnnealingLR({ tMax: 3 }) },
    ],
    ["checkpoint: expected schedule none, got stepLR", { schedule: stepLR({ stepSize: 3 }) }, {}],
  ])("%s", async (message, first, second) => {
    const { trainer } = create(first);
    for await (const _ of trainer.fit(batches));
    const { trainer: other, model } = create(second);
    const before = [model.stateDict(), other.save()];
    expect(() => other.load(trainer.save())).toThrow(message);
    expect([model.stateDict(), other.save()]).toEqual(before);
  });

  test("states of another size are refused", async () => {
    const options = { tbptt: { k1: 2, k2: 2 } };
    const { trainer } = create(options);
    let file = trainer.save();
    for await (const { step } of trainer.fit(batches)) if (step === 0) file = trainer.save();
    const { decodeSafetensors, encodeSafetensors } = await import("lstm-wasm/io");
    const { tensors, metadata } = decodeSafetensors(file);
    const forged = { ...tensors, "states.0.h": { data: new Float32Array(2 * H), shape: [2, H] } };
    expect(() => create(options).trainer.load(encodeSafetensors(forged as never, metadata))).toThrow(
      `checkpoint: states.0.h: expected shape [1,B,${H}], got [2,${H}]`,
    );
  });
});

describe("a number that is not finite ends the training", () => {
  const huge = (batch: Batch): Batch => ({
    ...batch,
    target: { ...batch.target, data: batch.target.data.map(() => 1e30) },
  });

  test("in a target too large, which is not the model's fault", async () => {
    const { model, trainer } = create();
    const before = model.stateDict();
    await expect(drain(trainer.fit([huge(createBatch(3))]))).rejects.toMatchObject({
      code: "ERR_NON_FINITE",
      message:
        "training: expected a finite loss, got Infinity in update 1, first seen in the loss of a finite output; try a lower learning rate or clipNorm: 1, or smaller targets",
    });
    expect(model.stateDict()).toEqual(before);
  });

  test("in the validation, and what was saved before can still be read", async () => {
    const { trainer } = create();
    await expect(drain(trainer.fit([createBatch(3)], { validation: [huge(createBatch(3))] }))).rejects.toMatchObject({
      code: "ERR_NON_FINITE",
      message:
        "training: expected a finite validation loss, got Infinity after update 1, first seen in the loss of a finite output; try a lower learning rate or clipNorm: 1, or smaller targets",
    });
    create().trainer.load(trainer.save());
  });
});
