// GradientFlow of models in training: with a Trainer, and measured beside it.
import { GRU, Linear, LSTM, LSTMCell, lastStep, RNN, Sequential, type Tensor } from "lstm-wasm";
import { GradientFlow } from "lstm-wasm/flow";
import { adam, mseLoss, sgd, Trainer } from "lstm-wasm/train";
import { describe, expect, test, vi } from "vitest";
import { spectralNorm } from "../bindings/flow/spectrum.ts";
import { createCore } from "./support/cores.ts";
import { createRandom, randomTensor } from "./support/random.ts";

const core = createCore();
const at = <T>(values: readonly T[] | null | undefined, k: number): T => (values as readonly T[])[k] as T;

describe("a model in training", () => {
  const create = () => {
    const lstm = new LSTM(core, { inputSize: 2, hiddenSize: 4, seed: 1 });
    return new Sequential([lstm, lastStep(), new Linear(core, { inFeatures: 4, outFeatures: 1, seed: 2 })]);
  };
  const random = createRandom(9);
  const batch = { x: randomTensor(random, [6, 3, 2]), target: randomTensor(random, [3, 1]) };

  test("reports with every third update, and changes nothing", async () => {
    const runs = [];
    for (const watched of [false, true]) {
      const model = create();
      const flow = watched ? { flow: new GradientFlow(model, { every: 3 }) } : {};
      const trainer = new Trainer(model, { loss: mseLoss(), optimizer: adam({ lr: 0.1 }), clipNorm: 0.3, ...flow });
      const steps = [];
      for await (const step of trainer.fit([batch, batch, batch, batch], { epochs: 2 })) steps.push(step);
      runs.push({ steps, weights: model.stateDict() });
    }
    const [off, on] = runs as [(typeof runs)[number], (typeof runs)[number]];
    expect(on.weights).toEqual(off.weights);
    expect(on.steps.map(({ flow }) => flow !== null)).toEqual([true, false, false, true, false, false, true, false]);
    expect(off.steps.every(({ flow }) => flow === null)).toBe(true);
    const report = on.steps[6]?.flow;
    expect(report?.slices.map(({ name, cell, steps, batch }) => [name, cell, steps, batch])).toEqual([
      ["0.l0", "LSTM", 6, 3],
    ]);
    expect(report?.clipRate).toBeCloseTo(on.steps.slice(0, 7).filter(({ clipped }) => clipped).length / 7, 12);
    expect(Object.keys(report?.updateRatios ?? {})).toEqual(Object.keys(on.weights));
    // Adam's first step moves every weight by lr.
    const first = on.steps[0]?.flow?.updateRatios?.["0.weight_hh_l0"] as number;
    const { data } = create().stateDict()["0.weight_hh_l0"] as Tensor;
    expect(first).toBeCloseTo((0.1 * Math.sqrt(data.length)) / Math.hypot(...data), 3);
  });

  test("windows of truncated back-propagation are as long as what was gone back through", () => {
    const lstm = new LSTM(core, { inputSize: 2, hiddenSize: 4, seed: 1 });
    const model = new Sequential([lstm, new Linear(core, { inFeatures: 4, outFeatures: 1, seed: 2 })]);
    const flow = new GradientFlow(model);
    const trainer = new Trainer(model, { loss: mseLoss(), optimizer: adam(), tbptt: { k1: 2, k2: 4 }, flow });
    const { flow: report } = trainer.step({ x: batch.x, target: randomTensor(random, [6, 3, 1]) });
    expect(report?.slices[0]?.steps).toBe(4);
  });

  test("stop() ends the reports of a Trainer", () => {
    for (const every of [1, 3]) {
      const model = create();
      const flow = new GradientFlow(model, { every });
      const trainer = new Trainer(model, { loss: mseLoss(), optimizer: adam(), flow });
      expect(trainer.step(batch).flow).not.toBeNull();
      flow.stop();
      for (let k = 0; k < 4; k++) expect(trainer.step(batch).flow).toBeNull();
      expect(at(model.layers, 0)).toMatchObject({ measuresFlow: 0 });
    }
  });

  test("another flow of the same model comes and goes", () => {
    const model = create();
    const flow = new GradientFlow(model);
    const trainer = new Trainer(model, { loss: mseLoss(), optimizer: adam(), flow });
    trainer.step(batch);
    {
      using other = new GradientFlow(model);
      other.measure(batch, mseLoss());
    }
    expect(trainer.step(batch).flow).not.toBeNull();
    flow.stop();
    flow.stop();
    expect(at(model.layers, 0)).toMatchObject({ measuresFlow: 0 });
  });

  test("an update that fails leaves no report behind", () => {
    const model = create();
    const flow = new GradientFlow(model);
    const trainer = new Trainer(model, { loss: mseLoss(), optimizer: adam(), flow });
    const step = vi.spyOn(trainer.optimizer, "step").mockImplementation(() => {
      throw new Error("no step");
    });
    expect(() => trainer.step(batch)).toThrow("no step");
    step.mockRestore();
    flow.stop();
    expect(trainer.step(batch).flow).toBeNull();
  });

  test("reports on the weights that the pass ran with", () => {
    const model = create();
    const flow = new GradientFlow(model);
    const trainer = new Trainer(model, { loss: mseLoss(), optimizer: sgd({ lr: 3e38, momentum: 0 }), flow });
    const { data } = model.stateDict()["0.weight_hh_l0"] as Tensor;
    const { flow: report } = trainer.step(batch);
    expect(report?.nonFinite).toBeNull();
    expect(at(report?.slices, 0).spectrum.norm).toBeCloseTo(spectralNorm(data, 16, 4), 6);
  });

  test("a training that ends with numbers that are not finite says where they began", () => {
    const relu = new RNN(core, { inputSize: 2, hiddenSize: 4, nonlinearity: "relu", seed: 1 });
    const weights = relu.stateDict();
    relu.loadStateDict({ ...weights, weight_hh_l0: { data: new Float32Array(16).fill(1e12), shape: [4, 4] } });
    const model = new Sequential([relu, lastStep(), new Linear(core, { inFeatures: 4, outFeatures: 1, seed: 2 })]);
    const step = (options: object) => () =>
      new Trainer(model, { loss: mseLoss(), optimizer: adam(), ...options }).step(batch);
    expect(step({})).toThrow(/first seen in the model's output; try/);
    using flow = new GradientFlow(model);
    expect(step({ flow })).toThrow(/first seen in h of 0\.l0 at step 4; try a lower learning rate/);
    // Of a head that overflows though every state is finite, gradients tell nothing.
    relu.loadStateDict(weights);
    const head = model.layers[2] as Linear;
    head.loadStateDict({ ...head.stateDict(), weight: { data: new Float32Array(4).fill(3e38), shape: [1, 4] } });
    expect(step({ flow })).toThrow(/first seen in the (model's output|loss of a finite output); try/);
  });

  test("measure() leaves gradients, random numbers and weights as they were", () => {
    const model = create();
    model.forward(batch.x);
    model.backward(randomTensor(random, [3, 1]));
    const before = { gradients: model.gradients(), weights: model.stateDict() };
    const flow = new GradientFlow(model);
    const first = flow.measure(batch, mseLoss());
    expect({ gradients: model.gradients(), weights: model.stateDict() }).toEqual(before);
    expect(flow.measure(batch, mseLoss())).toEqual(first);
    flow.stop();
  });

  test("of a loss at every step the last one alone is measured, or the growth at each", () => {
    const lstm = new LSTM(core, { inputSize: 2, hiddenSize: 4, seed: 1 });
    const model = new Sequential([lstm, new Linear(core, { inFeatures: 4, outFeatures: 1, seed: 2 })]);
    const flow = new GradientFlow(model);
    const each = { x: batch.x, target: randomTensor(random, [6, 3, 1]) };
    const [last, all] = [flow.measure(each, mseLoss()), flow.measure(each, mseLoss(), { losses: "all" })];
    expect([last.slices[0]?.basis, all.slices[0]?.basis]).toEqual(["norm", "growth"]);
    expect(last.verdict).not.toContain("growth");
    expect(all.verdict).toMatch(/(% of it is left|times as large), by the growth at each step/);
    // The same as a model that answers once, whose target is that of the last step.
    const once = new Sequential([lstm, lastStep(), model.layers[1] as Linear]);
    const target = { data: each.target.data.slice(-3), shape: [3, 1] };
    const { slices } = new GradientFlow(once).measure({ x: batch.x, target }, mseLoss());
    expect(slices[0]?.carried).toEqual(last.slices[0]?.carried);
    const { ratios = [], carried } = at(all.slices, 0);
    expect(carried.total[6]).toBeCloseTo(
      ratios.reduce((a, b) => a * b),
      12,
    );
    // Of sequences that end earlier it is their own last step.
    const short = flow.measure({ ...each, lengths: [6, 2, 4] }, mseLoss());
    expect(at(short.slices, 0).dh.map((norm) => norm > 0)).toEqual(new Array(6).fill(true));
  });

  test("a cell, layers within layers", () => {
    const cell = new LSTMCell(core, { inputSize: 2, hiddenSize: 3 });
    const flow = new GradientFlow(cell);
    const { h } = cell.forward(randomTensor(random, [2, 2]));
    cell.backward({ h });
    expect(flow.report().slices).toMatchObject([{ name: "l0", steps: 1, batch: 2 }]);
    const nested = new Sequential([new Sequential([new GRU(core, { inputSize: 2, hiddenSize: 2 })]), lastStep()]);
    const outer = new GradientFlow(nested);
    expect(outer.measure({ x: batch.x, target: randomTensor(random, [3, 2]) }, mseLoss()).slice).toBe("0.0.l0");
  });
});
