// What the trainer adds to a step of the optimiser: parts along time, groups, clips, schedules, validation.
import { GRU, Linear, LSTM, lastStep, MinGRU, MinLSTM, Sequential, SLSTM, type Tensor } from "lstm-wasm";
import {
  adam,
  type Batch,
  mseLoss,
  type Optimizer,
  reduceLROnPlateau,
  sgd,
  stepLR,
  Trainer,
  type TrainerOptions,
} from "lstm-wasm/train";
import { describe, expect, test } from "vitest";
import { compare, largest } from "./support/compare.ts";
import { createCore } from "./support/cores.ts";
import { createRandom, randomTensor } from "./support/random.ts";

const [B, I, H, O] = [3, 2, 5, 2];

/** An LSTM and a linear layer that answer at every step. */
function createModel(options: object = {}) {
  const core = createCore();
  const lstm = new LSTM(core, { inputSize: I, hiddenSize: H, seed: 1, ...options });
  const linear = new Linear(core, { inFeatures: lstm.stateSize, outFeatures: O, seed: 2 });
  return { core, lstm, linear, model: new Sequential([lstm, linear]) };
}

const createBatch = (T: number, seed = 3): Batch => {
  const random = createRandom(seed);
  return { x: randomTensor(random, [T, B, I]), target: randomTensor(random, [T, B, O]) };
};

/** Steps `from` up to `to` of a sequence. */
const steps = ({ data, shape }: Tensor, from: number, to: number): Tensor => {
  const n = shape.slice(1).reduce((a, b) => a * b);
  return { data: data.slice(from * n, to * n), shape: [to - from, ...shape.slice(1)] };
};

const state = (tensor: Tensor, at: number): Tensor => ({
  data: steps(tensor, at, at + 1).data,
  shape: [1, ...tensor.shape.slice(1)],
});

const drain = async <T>(source: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = [];
  for await (const one of source) all.push(one);
  return all;
};

describe("truncated back-propagation", () => {
  test.each([
    [12, 4, 4],
    [13, 5, 5],
    [3, 7, 9],
    [13, 3, 7],
    [17, 1, 4],
  ])("%i steps, an update every %i, through the last %i: the bits of the loop by hand", (T, k1, k2) => {
    const batch = createBatch(T);
    const { model } = createModel();
    const trainer = new Trainer(model, { loss: mseLoss(), optimizer: sgd({ lr: 0.3 }), tbptt: { k1, k2 } });
    const got = trainer.step(batch);

    const { core, lstm, linear, model: hand } = createModel();
    const optimizer = sgd({ lr: 0.3 })(core, hand.parameters);
    let carried: { h0: Tensor; c0: Tensor } | object = {};
    const losses: number[] = [];
    for (let fresh = 0; fresh < T; fresh += k1) {
      const to = Math.min(T, fresh + k1);
      const from = Math.max(0, to - k2);
      hand.zeroGrad();
      const { output, record } = lstm.forward(steps(batch.x, from, to), { ...carried, record: true });
      const { loss, gradient } = mseLoss().forward(
        core,
        steps(linear.forward(output), fresh - from, to - from),
        steps(batch.target, fresh, to),
      );
      losses.push(loss as number);
      const dOutput = new Float32Array((to - from) * B * O);
      dOutput.set(gradient.data, (fresh - from) * B * O);
      lstm.backward({ output: linear.backward({ data: dOutput, shape: [to - from, B, O] }) });
      optimizer.step();
      // The states before the first step of the next window.
      const next = Math.max(0, Math.min(T, to + k1) - k2);
      const [{ h, c }] = record as unknown as [{ h: Tensor; c: Tensor }];
      if (next > from) carried = { h0: state(h, next - from - 1), c0: state(c, next - from - 1) };
    }
    expect(model.stateDict()).toEqual(hand.stateDict());
    expect(got.loss).toBe(losses.reduce((a, b) => a + b) / losses.length);
  });

  test("fit yields every update, and batches start from zero states", async () => {
    const { model } = createModel();
    const trainer = new Trainer(model, { loss: mseLoss(), optimizer: adam(), tbptt: { k1: 4, k2: 4 } });
    const all = await drain(trainer.fit([createBatch(10), createBatch(5)], { epochs: 2 }));
    expect(all.map(({ epoch, step, end }) => [epoch, step, end !== null])).toEqual([
      ...[0, 1, 2, 3, 4].map((step) => [0, step, step === 4]),
      ...[0, 1, 2, 3, 4].map((step) => [1, step, step === 4]),
    ]);
    const alone = createModel();
    const other = new Trainer(alone.model, { loss: mseLoss(), optimizer: adam(), tbptt: { k1: 4, k2: 4 } });
    const losses = [createBatch(10), createBatch(5), createBatch(10), createBatch(5)].map(
      (batch) => other.step(batch).loss,
    );
    expect(alone.model.stateDict()).toEqual(model.stateDict());
    expect(losses.length).toBe(4);
  });

  test("sequences that end early stop counting; a model of the last step learns at the end alone", async () => {
    const { model } = createModel();
    const trainer = new Trainer(model, { loss: mseLoss(), optimizer: sgd({ lr: 0.1 }), tbptt: { k1: 3, k2: 3 } });
    const all = await drain(trainer.fit([{ ...createBatch(12), lengths: [2, 5, 4] }]));
    expect(all.length).toBe(2);
    const core = createCore();
    const last = new Sequential([new GRU(core, { inputSize: I, hiddenSize: O }), lastStep()]);
    const second = new Trainer(last, { loss: mseLoss(), optimizer: sgd({ lr: 0.1 }), tbptt: { k1: 3, k2: 3 } });
    const target = randomTensor(createRandom(1), [B, O]);
    expect((await drain(second.fit([{ x: createBatch(12).x, target }]))).length).toBe(1);
  });

  test("its memory does not grow with the length", () => {
    const { core, model } = createModel();
    const trainer = new Trainer(model, { loss: mseLoss(), optimizer: adam(), tbptt: { k1: 8, k2: 16 } });
    trainer.step(createBatch(32));
    const bytes = core.memoryBytes;
    trainer.step(createBatch(20_000));
    trainer.evaluate([createBatch(20_000)]);
    expect(core.memoryBytes).toBe(bytes);
  });
});

describe("checkpointing", () => {
  const near = (got: Record<string, Tensor>, want: Record<string, Tensor>) => {
    for (const [name, { data }] of Object.entries(want)) {
      const { ratio, text } = compare(name, (got[name] as Tensor).data, data, 3e-6 * largest(data));
      expect(ratio, text).toBeLessThanOrEqual(1);
    }
  };
  const gradients = (batch: Batch, model: Sequential, options: Partial<TrainerOptions>) => {
    const before = model.stateDict();
    const trainer = new Trainer(model, { loss: mseLoss(), optimizer: sgd({ lr: 1e-9 }), ...options });
    const { loss } = trainer.step(batch);
    const parts = trainer.evaluate([batch]);
    model.loadStateDict(before);
    return { loss, parts, grads: model.gradients() };
  };

  test.each([true, 1, 4, 100])("parts of %s: the gradients of the whole", (checkpointing) => {
    for (const lengths of [undefined, [23, 4, 11]]) {
      const batch = { ...createBatch(23), lengths };
      for (const options of [{}, { numLayers: 2, projSize: 3 }, { layerNorm: true, peephole: true }]) {
        const want = gradients(batch, createModel(options).model, {});
        const got = gradients(batch, createModel(options).model, { checkpointing });
        near(got.grads, want.grads);
        expect(Math.abs(got.loss / want.loss - 1)).toBeLessThan(1e-6);
        expect(Math.abs(got.parts / want.parts - 1)).toBeLessThan(1e-6);
      }
    }
  });

  test.each([SLSTM, MinGRU, MinLSTM])("%o carries all of its states", (Layer) => {
    const create = () => {
      const core = createCore();
      const layer = new Layer(core, { inputSize: I, hiddenSize: H, numLayers: 2, seed: 1 });
      return new Sequential([layer, new Linear(core, { inFeatures: H, outFeatures: O })]);
    };
    for (const lengths of [undefined, [23, 4, 11]]) {
      const batch = { ...createBatch(23), lengths };
      near(gradients(batch, create(), { checkpointing: 5 }).grads, gradients(batch, create(), {}).grads);
    }
  });

  test("a model of the last step, batch first", () => {
    const create = () => {
      const core = createCore();
      const gru = new GRU(core, { inputSize: I, hiddenSize: 6, numLayers: 2 });
      return new Sequential([gru, lastStep(), new Linear(core, { inFeatures: 6, outFeatures: O })]);
    };
    const batch = { x: createBatch(19).x, target: randomTensor(createRandom(2), [B, O]) };
    near(gradients(batch, create(), { checkpointing: 5 }).grads, gradients(batch, create(), {}).grads);
    const first = () => {
      const core = createCore();
      return new Sequential([
        new GRU(core, { inputSize: I, hiddenSize: 6, batchFirst: true }),
        new Linear(core, { inFeatures: 6, outFeatures: O }),
      ]);
    };
    const random = createRandom(8);
    const turned = {
      x: randomTensor(random, [B, 19, I]),
      target: randomTensor(random, [B, 19, O]),
      lengths: [19, 3, 8],
    };
    near(gradients(turned, first(), { checkpointing: 5 }).grads, gradients(turned, first(), {}).grads);
  });

  test("what was dropped the first time is dropped again", () => {
    const options = { numLayers: 2, dropout: 0.4, zoneout: 0.3, recurrentDropout: 0.2, weightDropout: 0.1 };
    const batch = createBatch(10);
    const got = gradients(batch, createModel(options).model, { checkpointing: 6 });
    const { core, lstm, linear, model } = createModel(options);
    lstm.sequenceDraw = 0;
    const { hn: h0, cn: c0 } = lstm.forward(steps(batch.x, 0, 6), { training: true });
    const second = lstm.forward(steps(batch.x, 6, 10), { h0, c0, training: true });
    // Means of parts, as shares of the mean of the whole.
    const back = (output: Tensor, from: number, to: number) => {
      const { gradient } = mseLoss({ reduction: "sum" }).forward(
        core,
        linear.forward(output),
        steps(batch.target, from, to),
      );
      return linear.backward({ ...gradient, data: gradient.data.map((d) => d / (10 * B * O)) });
    };
    const later = lstm.backward({ output: back(second.output, 6, 10) });
    lstm.draws = 0;
    const first = lstm.forward(steps(batch.x, 0, 6), { training: true });
    lstm.backward({ output: back(first.output, 0, 6), hn: later.h0, cn: later.c0 });
    near(got.grads, model.gradients());
  });

  test("takes less memory", () => {
    const bytes = [false, true].map((checkpointing) => {
      const { core, model } = createModel({ hiddenSize: 32 });
      new Trainer(model, { loss: mseLoss(), optimizer: adam(), checkpointing }).step(createBatch(4096));
      return core.memoryBytes;
    });
    expect(bytes[1]).toBeLessThan(0.1 * (bytes[0] as number));
  });
});

describe("updates", () => {
  test("accumulate: the mean gradient of some batches, of fewer at the end of an epoch", async () => {
    const batches = [1, 2, 3, 4, 5].map((seed) => createBatch(6, seed));
    const { model } = createModel();
    const trainer = new Trainer(model, { loss: mseLoss(), optimizer: sgd({ lr: 0.5 }), accumulate: 2 });
    const all = await drain(trainer.fit(batches));
    expect(all.map(({ step, end }) => [step, end !== null])).toEqual([
      [0, false],
      [1, false],
      [2, true],
    ]);
    const { model: hand, core } = createModel();
    const optimizer: Optimizer = sgd({ lr: 0.5 })(core, hand.parameters);
    for (const group of [[0, 1], [2, 3], [4]]) {
      hand.zeroGrad();
      for (const k of group) {
        const { x, target } = batches[k] as Batch;
        const { gradient } = mseLoss().forward(core, hand.forward(x), target);
        hand.backward({ ...gradient, data: gradient.data.map((d) => d / group.length) });
      }
      optimizer.step();
    }
    for (const [name, { data }] of Object.entries(hand.stateDict())) {
      const { ratio, text } = compare(name, (model.stateDict()[name] as Tensor).data, data, 1e-6);
      expect(ratio, text).toBeLessThanOrEqual(1);
    }
  });

  test("clips: by norm, by value, at every step, and whether they did anything", () => {
    const batch = createBatch(6);
    const run = (options: Partial<TrainerOptions>) => {
      const { model } = createModel();
      const step = new Trainer(model, { loss: mseLoss(), optimizer: sgd({ lr: 1 }), ...options }).step(batch);
      return { ...step, grads: Object.values(model.gradients()).flatMap(({ data }) => [...data]) };
    };
    const free = run({});
    expect(free.clipped).toBe(false);
    expect(run({ clipNorm: 100 })).toMatchObject({ clipped: false, gradNorm: free.gradNorm });
    const byNorm = run({ clipNorm: 0.01 });
    expect(byNorm.clipped).toBe(true);
    expect(Math.hypot(...byNorm.grads)).toBeCloseTo(0.01, 5);
    const limit = 0.01;
    const byValue = run({ clipValue: limit });
    expect(byValue.clipped).toBe(true);
    expect(byValue.grads).toEqual(
      free.grads.map((d) => Math.max(-Math.fround(limit), Math.min(Math.fround(limit), d))),
    );
    const byStep = run({ clipStep: 1e-3 });
    expect(byStep.gradNorm).toBeLessThan(free.gradNorm);
    expect(run({ clipStep: 1e3 }).grads).toEqual(free.grads);
  });

  test("groups of parameters have options of their own", () => {
    const { model } = createModel();
    const groups = [
      { match: /bias/, weightDecay: 0, lr: 1e-6 },
      { match: (name: string) => name === "1.weight", lr: 0.1 },
    ];
    const trainer = new Trainer(model, { loss: mseLoss(), optimizer: sgd({ lr: 0.01, weightDecay: 0.3, groups }) });
    expect(trainer.optimizer.groups).toEqual([
      { lr: 0.01, names: ["0.weight_ih_l0", "0.weight_hh_l0"] },
      { lr: 1e-6, names: ["0.bias_ih_l0", "0.bias_hh_l0", "1.bias"] },
      { lr: 0.1, names: ["1.weight"] },
    ]);
    const before = model.stateDict();
    trainer.step(createBatch(6));
    const grads = model.gradients();
    for (const [name, { data }] of Object.entries(model.stateDict())) {
      const [lr, decay] = name.includes("bias") ? [1e-6, 0] : name === "1.weight" ? [0.1, 0.3] : [0.01, 0.3];
      const want = (before[name] as Tensor).data.map(
        (value, k) => value - lr * (((grads[name] as Tensor).data[k] as number) + decay * value),
      );
      const { ratio, text } = compare(name, data, want, 1e-7);
      expect(ratio, text).toBeLessThanOrEqual(1);
    }
  });

  test("a schedule sets the rate of every update", async () => {
    const { model } = createModel();
    const trainer = new Trainer(model, {
      ...{ loss: mseLoss(), optimizer: sgd({ lr: 0.1 }), schedule: stepLR({ stepSize: 2, gamma: 0.5 }) },
    });
    const rates = (await drain(trainer.fit([createBatch(3)], { epochs: 5 }))).map(({ lr }) => lr);
    expect(rates).toEqual([0.1, 0.1, 0.05, 0.05, 0.025]);
  });

  test("a plateau of the validation loss lowers the rate", async () => {
    const { model } = createModel();
    const schedule = reduceLROnPlateau({ patience: 0, factor: 0.5, threshold: 0.5 });
    const trainer = new Trainer(model, { loss: mseLoss(), optimizer: sgd({ lr: 1e-6 }), schedule });
    const all = await drain(trainer.fit([createBatch(3)], { epochs: 4, validation: [createBatch(5, 9)] }));
    expect(all.map(({ lr }) => lr)).toEqual([1e-6, 1e-6, 5e-7, 2.5e-7]);
  });
});

describe("validation", () => {
  test("is told at the end of an epoch; the best weights come back", async () => {
    const { model } = createModel();
    // A rate so high that the loss soon goes up.
    const trainer = new Trainer(model, { loss: mseLoss(), optimizer: sgd({ lr: 3 }), clipNorm: 1 });
    const validation = [createBatch(5, 9), createBatch(2, 10)];
    const weights: ReturnType<typeof model.stateDict>[] = [];
    const ends = [];
    for await (const { end } of trainer.fit([createBatch(3), createBatch(4)], {
      epochs: 30,
      validation,
      patience: 3,
    })) {
      if (!end) continue;
      ends.push(end);
      weights.push(model.stateDict());
      expect(end.validation).toBe(trainer.evaluate(validation));
    }
    const losses = ends.map(({ validation: loss }) => loss as number);
    const best = losses.indexOf(Math.min(...losses));
    expect(ends.length).toBe(best + 4);
    expect(ends.map((end) => end.best)).toEqual(
      losses.map((loss, k) => losses.slice(0, k).every((before) => loss < before)),
    );
    expect(model.stateDict()).toEqual(weights[best]);
  });

  test("counts values, not batches", () => {
    const { model } = createModel();
    const trainer = new Trainer(model, { loss: mseLoss(), optimizer: sgd() });
    const [a, b] = [createBatch(3), { ...createBatch(9, 4), lengths: [9, 1, 2] }];
    const [lossA, lossB] = [trainer.evaluate([a]), trainer.evaluate([b])];
    expect(trainer.evaluate([a, b])).toBeCloseTo((9 * lossA + 12 * lossB) / 21, 6);
  });
});

describe("sequences of several lengths", () => {
  test("padding does not matter, in x or target", () => {
    const { model } = createModel();
    const trainer = new Trainer(model, { loss: mseLoss(), optimizer: sgd({ lr: 0.1 }) });
    const batch = { ...createBatch(6), lengths: [6, 2, 4] };
    const spoil = ({ data, shape }: Tensor): Tensor => ({
      shape,
      data: data.map((value, k) => {
        const row = Math.floor(k / (shape[2] as number));
        return Math.floor(row / B) < (batch.lengths[row % B] as number) ? value : Number.NaN;
      }),
    });
    const before = model.stateDict();
    const want = { loss: trainer.step(batch).loss, grads: model.gradients() };
    model.loadStateDict(before);
    expect(trainer.step({ ...batch, x: spoil(batch.x), target: spoil(batch.target) }).loss).toBe(want.loss);
    expect(model.gradients()).toEqual(want.grads);
    const alone = batch.lengths.map((length, b) => {
      const one = (tensor: Tensor): Tensor => {
        const n = tensor.shape[2] as number;
        const rows = Array.from({ length }, (_, t) => [...tensor.data.subarray((t * B + b) * n, (t * B + b + 1) * n)]);
        return { data: Float32Array.from(rows.flat()), shape: [length, 1, n] };
      };
      model.loadStateDict(before);
      return length * trainer.evaluate([{ x: one(batch.x), target: one(batch.target) }]);
    });
    expect(want.loss).toBeCloseTo(alone.reduce((a, b) => a + b) / 12, 5);
  });

  test("lastStep takes each sequence's own", () => {
    const core = createCore();
    const lstm = new LSTM(core, { inputSize: I, hiddenSize: H });
    const model = new Sequential([lstm, lastStep()]);
    const x = createBatch(6).x;
    const target = randomTensor(createRandom(2), [B, H]);
    const trainer = new Trainer(model, { loss: mseLoss(), optimizer: sgd() });
    const lengths = [6, 2, 4];
    const before = model.stateDict();
    const { loss } = trainer.step({ x, target, lengths });
    const grads = lstm.gradients();
    model.loadStateDict(before);
    model.zeroGrad();
    const { hn } = lstm.forward(x, { lengths });
    const want = mseLoss().forward(core, { data: hn.data, shape: [B, H] }, target);
    lstm.backward({ hn: { data: want.gradient.data, shape: hn.shape } });
    expect(loss).toBe(want.loss);
    expect(lstm.gradients()).toEqual(grads);
    expect(() => trainer.step({ x, target, lengths: [6, 0, 4] })).toThrow(
      "lengths[1]: expected at least one step, got 0",
    );
  });
});

describe("what cannot be trained", () => {
  const loss = mseLoss();
  const optimizer = adam();
  const create = (options: Partial<TrainerOptions>, model = createModel().model) =>
    new Trainer(model, { loss, optimizer, ...options });
  test.each<[string, () => unknown]>([
    ["loss: expected a loss such as mseLoss(), got a function", () => create({ loss: mseLoss as never })],
    ['reduction: expected mean or sum to train, got "none"', () => create({ loss: mseLoss({ reduction: "none" }) })],
    ["clipValue: expected none beside clipNorm 1, got 2", () => create({ clipNorm: 1, clipValue: 2 })],
    ["clipStep: expected a number above 0, got 0", () => create({ clipStep: 0 })],
    ["tbptt.k2: expected at least k1 5, got 4", () => create({ tbptt: { k1: 5, k2: 4 } })],
    [
      "tbptt: expected neither checkpointing nor accumulate beside it",
      () => create({ tbptt: { k1: 5, k2: 5 }, accumulate: 2 }),
    ],
    [
      "model: expected layers that run forwards, to go in parts, got LSTM that does not",
      () => create({ checkpointing: true }, createModel({ direction: "reverse" }).model),
    ],
    [
      "model: expected a recurrent layer, to go in parts along time, got none",
      () => create({ checkpointing: true }, createModel().linear as never),
    ],
    [
      "groups[0].match: expected to match a parameter that no earlier group has, got none of",
      () => create({ optimizer: adam({ groups: [{ match: /nothing/, lr: 1 }] }) }),
    ],
    ["groups[0].lr: expected a number above 0, got -1", () => adam({ groups: [{ match: /bias/, lr: -1 }] })],
    [
      'groups[0].match: expected a RegExp or a function, got "bias"',
      () => adam({ groups: [{ match: "bias" as never }] }),
    ],
    [
      "lengths[1]: expected a whole number from 0 to 6, got 7",
      () => create({}).step({ ...createBatch(6), lengths: [1, 7, 2] }),
    ],
  ])("%s", (message, call) => {
    expect(call).toThrow(message);
  });

  test("a loss or a gradient that is not finite: the parameters stay, and the sentence says where", async () => {
    const { model } = createModel();
    const trainer = create({ optimizer: sgd({ lr: 1e30 }) }, model);
    let last = model.stateDict();
    const run = async () => {
      for await (const _ of trainer.fit([createBatch(6)], { epochs: 50 })) last = model.stateDict();
    };
    await expect(run()).rejects.toMatchObject({
      code: "ERR_NON_FINITE",
      message: expect.stringMatching(
        /^training: expected a finite (loss|gradient), got .* in update \d+, first seen in .*; try a lower learning rate or clipNorm: 1(, or smaller targets)?$/,
      ),
    });
    expect(model.stateDict()).toEqual(last);
  });

  test("a validation loss that is not finite, or such parameters: said at once, and not saved", async () => {
    const { model } = createModel();
    const trainer = create({ optimizer: sgd({ lr: 1e39 }), clipNorm: 1 }, model);
    const ends: unknown[] = [];
    const run = async () => {
      for await (const { end } of trainer.fit([createBatch(6)], { epochs: 1, validation: [createBatch(6)] }))
        ends.push(end);
    };
    const message =
      /^training: expected a finite validation loss, got .* after update 1, first seen in parameter 0\.weight/;
    await expect(run()).rejects.toMatchObject({ code: "ERR_NON_FINITE", message: expect.stringMatching(message) });
    expect(ends).toEqual([]);
    expect(() => trainer.save()).toThrow(
      expect.objectContaining({
        code: "ERR_NON_FINITE",
        message: expect.stringMatching(
          /^training: expected finite parameters, got others after update 1, first seen in/,
        ),
      }),
    );
  });
});
