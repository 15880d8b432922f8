// Stopping and resuming: the same bits as never having stopped, and nothing lost when something is wrong.
import { Linear, LSTM, Sequential } from "lstm-wasm";
import { decodeSafetensors, encodeSafetensors } from "lstm-wasm/io";
import { adam, type FitStep, mseLoss, sgd, Trainer } from "lstm-wasm/train";
import { describe, expect, test } from "vitest";
import { createCore } from "./support/cores.ts";
import { createRandom, randomTensor } from "./support/random.ts";
import { createRun, RUNS } from "./support/runs.ts";

describe.each(Object.keys(RUNS))("%s", (name) => {
  const all = async () => {
    const { run, model, trainer } = createRun(createCore(), name);
    const steps: FitStep[] = [];
    const files: Uint8Array[] = [];
    for await (const step of trainer.fit(run.batches, run.fit)) {
      steps.push(step);
      files.push(trainer.save());
    }
    return { steps, files, weights: model.stateDict(), last: trainer.save() };
  };

  test("stopped anywhere, it goes on with the same bits", async () => {
    const whole = await all();
    expect(whole.steps.length).toBeGreaterThan(5);
    for (const [k, file] of whole.files.entries()) {
      const { run, model, trainer } = createRun(createCore(), name);
      trainer.load(file);
      const steps: FitStep[] = [];
      for await (const step of trainer.fit(run.batches, run.fit)) steps.push(step);
      expect(steps, `after update ${k}`).toEqual(whole.steps.slice(k + 1));
      expect(model.stateDict()).toEqual(whole.weights);
      expect(trainer.save()).toEqual(whole.last);
    }
  });

  test("loading leaves what saving writes", async () => {
    const { files } = await all();
    for (const file of files) {
      const { trainer } = createRun(createCore(), name);
      trainer.load(file);
      expect(trainer.save()).toEqual(file);
    }
  });
});

describe("what does not fit is refused, and nothing changes", () => {
  const x = randomTensor(createRandom(1), [4, 2, 3]);
  const target = randomTensor(createRandom(2), [4, 2, 1]);
  const create = (hiddenSize = 6, optimizer = adam()) => {
    const core = createCore();
    const lstm = new LSTM(core, { inputSize: 3, hiddenSize });
    const model = new Sequential([lstm, new Linear(core, { inFeatures: hiddenSize, outFeatures: 1 })]);
    return { model, trainer: new Trainer(model, { loss: mseLoss(), optimizer }) };
  };
  const saved = async () => {
    const { trainer } = create();
    for await (const _ of trainer.fit([{ x, target }], { epochs: 2 }));
    return trainer.save({ note: "mine" });
  };
  /** The file with other metadata. */
  const edit = (file: Uint8Array, change: (training: Record<string, unknown>) => unknown) => {
    const { tensors, metadata } = decodeSafetensors(file);
    const training = JSON.parse(metadata.training as string);
    change(training);
    return encodeSafetensors(tensors as never, { ...metadata, training: JSON.stringify(training) });
  };

  test.each<[string, (file: Uint8Array) => [Uint8Array, Trainer, Sequential]]>([
    ["checkpoint: 0.weight_ih_l0: expected shape [32,3], got [24,3]", (file) => [file, ...split(create(8))]],
    ["checkpoint: expected optimizer sgd, got adam", (file) => [file, ...split(create(6, sgd()))]],
    ["safetensors: expected", (file) => [file.slice(0, -4), ...split(create())]],
    [
      'checkpoint: expected format "lstm-wasm checkpoint 1", got undefined',
      () => [encodeSafetensors({}), ...split(create())],
    ],
    [
      "checkpoint: expected steps to be a whole number, got -1",
      (file) => [edit(file, (t) => Object.assign(t, { steps: -1 })), ...split(create())],
    ],
    [
      "checkpoint: expected learning rates to be 1 numbers, got [1,2]",
      (file) => [edit(file, (t) => Object.assign(t, { rates: [1, 2] })), ...split(create())],
    ],
    [
      'checkpoint: expected draws to be 3 whole numbers, got "x"',
      (file) => [edit(file, (t) => Object.assign(t, { draws: "x" })), ...split(create())],
    ],
    [
      "checkpoint: expected progress to be a place in the data, got null",
      (file) => [edit(file, (t) => Object.assign(t, { progress: null })), ...split(create())],
    ],
    [
      "checkpoint: expected best to be a loss and an epoch, got 7",
      (file) => [edit(file, (t) => Object.assign(t, { best: 7 })), ...split(create())],
    ],
  ])("%s", async (message, prepare) => {
    const [file, trainer, model] = prepare(await saved());
    const before = [model.stateDict(), trainer.save()];
    expect(() => trainer.load(file)).toThrow(message);
    expect([model.stateDict(), trainer.save()]).toEqual(before);
  });

  test("other data", async () => {
    const file = await saved();
    const { trainer, model } = create();
    trainer.load(file);
    const before = model.stateDict();
    const other = { x, target: { ...target, data: target.data.map((value) => value + 1e-6) } };
    const run = async () => {
      for await (const _ of trainer.fit([other], { epochs: 3 }));
    };
    await expect(run()).rejects.toMatchObject({
      code: "ERR_DATA",
      message: "batches: expected the data that the checkpoint was made with, got another batch 0 in epoch 1",
    });
    expect(model.stateDict()).toEqual(before);
  });

  test("metadata of the caller is kept", async () => {
    expect(decodeSafetensors(await saved()).metadata.note).toBe("mine");
  });
});

const split = ({ trainer, model }: { trainer: Trainer; model: Sequential }): [Trainer, Sequential] => [trainer, model];
