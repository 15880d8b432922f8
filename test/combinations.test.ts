// Features that meet: each works alone, and must work, or be refused in one sentence, together.
import {
  Conv1d,
  GRU,
  Linear,
  LSTM,
  lastStep,
  loadSync,
  MinGRU,
  Residual,
  RNN,
  Sequential,
  type Tensor,
} from "lstm-wasm";
import { GradientFlow } from "lstm-wasm/flow";
import { decodeSafetensors, encodeSafetensors } from "lstm-wasm/io";
import { adamW, mseLoss, sgd, Trainer, type TrainerOptions } from "lstm-wasm/train";
import { describe, expect, test } from "vitest";
import { createRandom, randomTensor } from "./support/random.ts";

const core = loadSync();
const tensor = (shape: number[], ...data: number[]): Tensor => ({ data: Float32Array.from(data), shape });
const sine = (...shape: number[]): Tensor => ({
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, k) => Math.sin(k)),
  shape,
});

describe("a stream beside DropConnect", () => {
  test.each([LSTM, GRU, RNN])("takes the weights without a mask, whatever pass came last: %o", (Cell) => {
    using layer = new Cell(core, { inputSize: 1, hiddenSize: 4, weightDropout: 0.5, seed: 1 });
    const x = tensor([4, 1, 1], 1, 1, 1, 1);
    const play = () => {
      using stream = layer.stream();
      return x.data.map((_, t) => stream.step(x.data.subarray(t, t + 1))[0] as number);
    };
    const want = play();
    layer.backward({ output: layer.forward(x, { training: true }).output });
    expect(play()).toEqual(want);
    expect(layer.forward(x).hn.data[0]).toBe(want[3]);
  });

  test("between a pass forward and the one back changes no gradient", () => {
    const gradients = [false, true].map((streams) => {
      using layer = new LSTM(core, { inputSize: 2, hiddenSize: 6, weightDropout: 0.5, seed: 1 });
      const { output } = layer.forward(sine(5, 2, 2), { training: true });
      if (streams) layer.stream().step(new Float32Array(2));
      layer.backward({ output });
      return layer.gradients();
    });
    expect(gradients[1]).toEqual(gradients[0]);
  });
});

describe("sequences in parts", () => {
  const loss = (T: number, options: Partial<TrainerOptions>) => {
    const model = new Sequential([new LSTM(core, { inputSize: 1, hiddenSize: 3, seed: 1 }), lastStep()]);
    using trainer = new Trainer(model, { loss: mseLoss(), optimizer: sgd(), ...options });
    return trainer.step({ x: sine(T, 2, 1), target: { data: new Float32Array(6), shape: [2, 3] } }).loss;
  };

  test.each([1, 2, 5, 6])("a model of the last step, over %i steps at most in one part", (T) => {
    const whole = loss(T, {});
    for (const options of [{ checkpointing: 6 }, { checkpointing: true }, { tbptt: { k1: 3, k2: 6 } }])
      expect(loss(T, options), JSON.stringify(options)).toBeCloseTo(whole, 6);
  });

  test.each(["recurrentDropout", "inputDropout", "weightDropout"])(
    "%s: one mask for all parts of a sequence",
    (name) => {
      const [whole, ...parts] = [{}, { checkpointing: 8 }, { checkpointing: 2 }, { checkpointing: 3 }].map(
        (options) => {
          const layer = new LSTM(core, { inputSize: 2, hiddenSize: 6, seed: 1, [name]: 0.5 });
          using trainer = new Trainer(layer, { loss: mseLoss(), optimizer: sgd(), ...options });
          return [1, 2].map(() => trainer.step({ x: sine(8, 2, 2), target: sine(8, 2, 6) }).loss);
        },
      );
      for (const losses of parts) expect(losses[0]).toBeCloseTo(whole?.[0] as number, 6);
    },
  );
});

describe("lengths", () => {
  const train = (layer: LSTM, x: Tensor, lengths?: number[]) => {
    const model = new Sequential([layer, new Linear(core, { inFeatures: 3, outFeatures: 1 })]);
    using trainer = new Trainer(model, { loss: mseLoss(), optimizer: sgd() });
    const target = { data: x.data, shape: [...x.shape.slice(0, -1), 1] };
    return trainer.step({ x, target, ...(lengths && { lengths }) });
  };

  test("with goBackwards, whose steps come out the other way round, are refused", () => {
    const layer = new LSTM(core, { inputSize: 1, hiddenSize: 3, goBackwards: true });
    expect(() => train(layer, sine(4, 1, 1), [3])).toThrow(
      "lengths: expected none in a model with goBackwards, got [3]",
    );
  });

  test("of one sequence without a batch are refused", () => {
    const layer = new LSTM(core, { inputSize: 1, hiddenSize: 3 });
    expect(() => train(layer, sine(4, 1), [3])).toThrow(
      "lengths: expected none for one sequence without a batch, got [3]",
    );
    expect(train(layer, sine(4, 1)).loss).toBeGreaterThan(0);
  });
});

describe("layers of a Sequential", () => {
  const linear = new Linear(core, { inFeatures: 4, outFeatures: 4 });
  test.each([
    ["twice", () => new Sequential([linear, linear]), "got Linear twice"],
    ["twice, one of them inside", () => new Sequential([linear, new Residual([linear])]), "got Linear twice"],
    [
      "the last step of a batch",
      () => new Sequential([new LSTM(core, { inputSize: 2, hiddenSize: 1, batchFirst: true }), lastStep()]),
      "layers: expected all to take time along the same axis, got LSTM with batchFirst true and LastStep with false",
    ],
    [
      "a convolution over a batch",
      () =>
        new Sequential([
          new Conv1d(core, { inChannels: 2, outChannels: 2, kernelSize: 3 }),
          new GRU(core, { inputSize: 2, hiddenSize: 1, batchFirst: true }),
        ]),
      "got Conv1d with batchFirst false and GRU with true",
    ],
  ])("%s: refused", (_, create, message) => {
    expect(create).toThrow(message);
  });

  test("one tap of a convolution has no axis of time", () => {
    const conv = new Conv1d(core, { inChannels: 2, outChannels: 2, kernelSize: 1 });
    const lstm = new LSTM(core, { inputSize: 2, hiddenSize: 1, batchFirst: true });
    expect(new Sequential([conv, lstm]).forward(sine(3, 5, 2)).shape).toEqual([3, 5, 1]);
  });
});

test("a snapshot of another cell or other widths with as many values is refused", () => {
  const stream = new LSTM(core, { inputSize: 1, hiddenSize: 6 }).stream();
  const others = [
    new GRU(core, { inputSize: 1, hiddenSize: 6, numLayers: 2 }),
    new GRU(core, { inputSize: 1, hiddenSize: 12 }),
    new MinGRU(core, { inputSize: 1, hiddenSize: 12 }),
    new LSTM(core, { inputSize: 1, hiddenSize: 3, numLayers: 2 }),
  ].map((layer) => layer.stream());
  for (const [k, from] of others.entries())
    for (const [j, to] of [stream, ...others].entries())
      if (k + 1 !== j) expect(() => to.restore(from.snapshot()), `${k} to ${j}`).toThrow("got others or damaged ones");
});

test("an optimizer whose layer is disposed writes nowhere", () => {
  const layer = new LSTM(core, { inputSize: 2, hiddenSize: 3 });
  const optimizer = adamW({ lr: 0.1, weightDecay: 0.5 })(core, layer.parameters);
  layer.dispose();
  using other = new LSTM(core, { inputSize: 2, hiddenSize: 3, seed: 2 });
  const before = other.stateDict();
  expect(() => optimizer.step()).toThrow("weight_ih_l0: expected a parameter in use, got a disposed one");
  expect(other.stateDict()).toEqual(before);
});

test("a tensor with the name of the prototype", () => {
  const tensors = Object.fromEntries([
    ["__proto__", sine(2)],
    ["a", sine(1)],
  ]);
  expect(Object.keys(decodeSafetensors(encodeSafetensors(tensors)).tensors)).toEqual(["__proto__", "a"]);
});

test("a view of the output is an input and a gradient, though memory grows meanwhile", () => {
  const fresh = loadSync();
  const a = new LSTM(fresh, { inputSize: 2, hiddenSize: 64 });
  const b = new LSTM(fresh, { inputSize: 64, hiddenSize: 64 });
  const x = randomTensor(createRandom(1), [200, 8, 2]);
  const copied = b.forward(a.forward(x).output).output;
  const again = loadSync();
  const [c, d] = [
    new LSTM(again, { inputSize: 2, hiddenSize: 64 }),
    new LSTM(again, { inputSize: 64, hiddenSize: 64 }),
  ];
  const { output } = d.forward(c.forward(x, { view: true }).output, { view: true });
  expect(output.data).toEqual(copied.data);
  expect(d.backward({ output }).input.data).toEqual(b.backward({ output: copied }).input.data);
});

test("measuring once leaves a flow that was stopped stopped", () => {
  using layer = new RNN(core, { inputSize: 1, hiddenSize: 2 });
  const flow = new GradientFlow(layer);
  flow.stop();
  flow.measure({ x: sine(3, 1, 1), target: sine(3, 1, 2) }, mseLoss());
  expect(layer.measuresFlow).toBe(0);
});

test("what comes instead is named as it is said", () => {
  const lstm = new LSTM(core, { inputSize: 1, hiddenSize: 1 });
  const got = (value: object) => () => lstm.forward(value as Tensor);
  expect(got(lstm)).toThrow("got an LSTM");
  expect(got(new RNN(core, { inputSize: 1, hiddenSize: 1 }))).toThrow("got an RNN");
  expect(got(new Linear(core, { inFeatures: 1, outFeatures: 1 }))).toThrow("got a Linear");
  expect(got(new Uint8Array(1))).toThrow("got a Uint8Array");
});

describe("predictions with lengths", () => {
  const create = () =>
    new Sequential([
      new Conv1d(core, { inChannels: 2, outChannels: 3, kernelSize: 3, padding: 1, seed: 3 }),
      new GRU(core, { inputSize: 3, hiddenSize: 4, bidirectional: true, seed: 1 }),
      lastStep({ bidirectional: true }),
      new Linear(core, { inFeatures: 8, outFeatures: 2, seed: 2 }),
    ]);

  test("are those of each sequence alone, whatever the padding holds", () => {
    using model = create();
    const x = sine(5, 3, 2);
    const lengths = [5, 2, 4];
    lengths.forEach((length, b) => {
      for (let t = length; t < 5; t++) x.data.fill(Number.NaN, (t * 3 + b) * 2, (t * 3 + b) * 2 + 2);
    });
    const { data } = model.forward(x, { lengths });
    lengths.forEach((length, b) => {
      const alone = Float32Array.from(
        { length: 2 * length },
        (_, k) => x.data[(k >> 1) * 6 + b * 2 + (k & 1)] as number,
      );
      const want = model.forward({ data: alone, shape: [length, 1, 2] }).data;
      for (const k of [0, 1]) expect(data[2 * b + k]).toBeCloseTo(want[k] as number, 6);
    });
    expect(() => model.forward(x, { lengths: [5, 2] })).toThrow("lengths: expected 3 numbers, got 2");
    x.data[0] = Number.NaN;
    expect(() => model.forward(x, { lengths })).toThrow("x: expected finite values, got NaN at [0,0,0]");
  });

  test("go back to the steps they came from", () => {
    const lengths = [3, 2];
    using layer = new GRU(core, { inputSize: 2, hiddenSize: 4, bidirectional: true, seed: 1 });
    using last = new Sequential([layer, lastStep({ bidirectional: true })]);
    const x = sine(3, 2, 2);
    const dLast = sine(2, 8);
    last.forward(x, { lengths });
    const got = last.backward(dLast).data;
    const { hn } = layer.forward(x, { lengths });
    const dHn = { data: new Float32Array(16), shape: [2, 2, 4] };
    for (let k = 0; k < 16; k++)
      dHn.data[(k >> 2) % 2 ? 8 + 4 * (k >> 3) + (k & 3) : 4 * (k >> 3) + (k & 3)] = dLast.data[k] as number;
    expect([...last.forward(x, { lengths }).data]).toEqual(
      [0, 1].flatMap((b) => [...hn.data.subarray(4 * b, 4 * b + 4), ...hn.data.subarray(8 + 4 * b, 12 + 4 * b)]),
    );
    layer.forward(x, { lengths });
    expect(layer.backward({ hn: dHn }).input.data).toEqual(got);
  });

  test("behind two directions lastStep is told which end is meant", () => {
    const layer = new LSTM(core, { inputSize: 2, hiddenSize: 3, bidirectional: true });
    expect(() => new Sequential([layer, lastStep()])).toThrow(
      "bidirectional: expected true (the reverse direction where",
    );
    const x = sine(4, 2, 2);
    const { output, hn } = layer.forward(x);
    const begins = new Sequential([layer, lastStep({ bidirectional: false })]).forward(x);
    expect(begins.data).toEqual(output.data.slice(-12));
    const ends = new Sequential([layer, lastStep({ bidirectional: true })]).forward(x);
    expect(ends.data.subarray(3, 6)).toEqual(hn.data.subarray(6, 9));
  });
});

test("sizes that do not meet name the layer", () => {
  const model = new Sequential([
    new Linear(core, { inFeatures: 2, outFeatures: 3 }),
    new Linear(core, { inFeatures: 4, outFeatures: 1 }),
  ]);
  expect(() => model.forward(sine(1, 2))).toThrow("layers[1], Linear: x: expected shape [...,4], got [1,3]");
});

test("a core that was forgotten", () => {
  expect(() => new LSTM({ inputSize: 1, hiddenSize: 1 } as never, undefined as never)).toThrow(
    "core: expected what load() resolves to, got an Object",
  );
});
