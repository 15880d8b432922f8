// Every refusal of the public API, one by one: its class, its code, its sentence; and that what refused still works.
import {
  GRU,
  Linear,
  LSTM,
  lastStep,
  load,
  loadSync,
  MinGRU,
  MinLSTM,
  RNN,
  Sequential,
  SLSTM,
  type Tensor,
} from "lstm-wasm";
import { encodeSafetensors } from "lstm-wasm/io";
import { adam, dataLoader, mseLoss, Trainer } from "lstm-wasm/train";
import { describe, expect, test } from "vitest";
import { createCore } from "./support/cores.ts";
import { createRandom, randomTensor } from "./support/random.ts";

const core = createCore();
const lstm = new LSTM(core, { inputSize: 3, hiddenSize: 4 });
const linear = new Linear(core, { inFeatures: 4, outFeatures: 2 });
const x = randomTensor(createRandom(1), [5, 2, 3]);
const trainer = new Trainer(linear, { loss: mseLoss(), optimizer: adam() });
const zeros = (...shape: number[]): Tensor => ({ data: new Float32Array(shape.reduce((a, b) => a * b)), shape });
const state = lstm.stateDict();
const bad = (options: object) => () => new LSTM(core, { inputSize: 3, hiddenSize: 4, ...options });
const withNaN = { data: x.data.map((value, k) => (k === 10 ? Number.NaN : value)), shape: x.shape };

type Row = [name: string, call: () => unknown, code: "TYPE" | "RANGE", message: string];

const CONSTRUCTION: Row[] = [
  [
    "no options",
    () => new LSTM(core, undefined as never),
    "TYPE",
    "options: expected an object of options, got undefined",
  ],
  [
    "an unknown option",
    bad({ hidden: 3 }),
    "TYPE",
    'options: expected options among inputSize, hiddenSize, numLayers, bias, batchFirst, dropout, zoneout, inputDropout, recurrentDropout, weightDropout, bidirectional, direction, goBackwards, seed, kernelInit, recurrentInit, biasInit, projSize, peephole, forgetBias, coupled, layerNorm, gateClip, cellClip, activations, got "hidden"',
  ],
  ["no size", bad({ inputSize: undefined }), "TYPE", "inputSize: expected a whole number, got undefined"],
  ["a size of 0", bad({ inputSize: 0 }), "RANGE", "inputSize: expected a whole number of at least 1, got 0"],
  ["a negative size", bad({ hiddenSize: -4 }), "RANGE", "hiddenSize: expected a whole number of at least 1, got -4"],
  ["half a size", bad({ hiddenSize: 2.5 }), "RANGE", "hiddenSize: expected a whole number of at least 1, got 2.5"],
  ["NaN", bad({ hiddenSize: Number.NaN }), "RANGE", "hiddenSize: expected a whole number of at least 1, got NaN"],
  ["a text", bad({ hiddenSize: "4" }), "TYPE", 'hiddenSize: expected a whole number, got "4"'],
  ["no layers", bad({ numLayers: 0 }), "RANGE", "numLayers: expected a whole number of at least 1, got 0"],
  ["a flag that is none", bad({ bias: 1 }), "TYPE", "bias: expected true or false, got 1"],
  [
    "a direction that is none",
    bad({ bidirectional: "yes" }),
    "TYPE",
    'bidirectional: expected true or false, got "yes"',
  ],
  ["a dropout of 1", bad({ dropout: 1 }), "RANGE", "dropout: expected a number in [0, 1), got 1"],
  ["a negative dropout", bad({ dropout: -0.1 }), "RANGE", "dropout: expected a number in [0, 1), got -0.1"],
  [
    "an unknown initialiser",
    bad({ recurrentInit: "xavier" }),
    "RANGE",
    'recurrentInit: expected one of uniform, orthogonal, got "xavier"',
  ],
  [
    "a forget bias without biases",
    bad({ forgetBias: 1, bias: false }),
    "RANGE",
    "forgetBias: expected none without biases, got 1",
  ],
  [
    "a forget bias of a gate that has none",
    bad({ forgetBias: 1, coupled: true }),
    "RANGE",
    "forgetBias: expected none beside coupled, where f is 1 − i, got 1",
  ],
  ["activations of null", bad({ activations: null }), "TYPE", "activations: expected an object with f, g, h, got null"],
  [
    "backwards and forwards",
    bad({ goBackwards: true, direction: "forward" }),
    "RANGE",
    'direction: expected none beside goBackwards, got "forward"',
  ],
  [
    "a seed too large",
    bad({ seed: 2 ** 33 }),
    "RANGE",
    "seed: expected a whole number up to 2147483647, got 8589934592",
  ],
  ["a forget bias of NaN", bad({ forgetBias: Number.NaN }), "RANGE", "forgetBias: expected a number, got NaN"],
  ["a zoneout of 1", bad({ zoneout: 1 }), "RANGE", "zoneout: expected a number in [0, 1), got 1"],
  [
    "a weight dropout that is none",
    bad({ weightDropout: "0.1" }),
    "TYPE",
    'weightDropout: expected a number in [0, 1), got "0.1"',
  ],
  ["a negative seed", bad({ seed: -1 }), "RANGE", "seed: expected a whole number of at least 0, got -1"],
  [
    "a projection as wide as the state",
    bad({ projSize: 4 }),
    "RANGE",
    "projSize: expected less than hiddenSize 4, got 4",
  ],
  [
    "a projection of a GRU",
    () => new GRU(core, { inputSize: 3, hiddenSize: 4, projSize: 2 } as never),
    "TYPE",
    "projSize: expected only in an LSTM, got 2 in GRU",
  ],
  ["a GRU's option", bad({ resetAfter: false }), "TYPE", "resetAfter: expected only in a GRU, got false in LSTM"],
  [
    "dropout of recurrent weights that there are not",
    () => new MinGRU(core, { inputSize: 3, hiddenSize: 4, recurrentDropout: 0.1 } as never),
    "TYPE",
    "recurrentDropout: expected only in a layer with recurrent weights, got 0.1 in MinGRU",
  ],
  [
    "activations of an sLSTM",
    () => new SLSTM(core, { inputSize: 3, hiddenSize: 4, activations: { f: "tanh" } } as never),
    "TYPE",
    "activations: expected only in an LSTM, a GRU or an RNN, got an Object in SLSTM",
  ],
  [
    "a flag of a MinLSTM that is none",
    () => new MinLSTM(core, { inputSize: 3, hiddenSize: 4, positive: 1 as never }),
    "TYPE",
    "positive: expected true or false, got 1",
  ],
  [
    "an unknown nonlinearity",
    () => new RNN(core, { inputSize: 3, hiddenSize: 4, nonlinearity: "sin" as never }),
    "RANGE",
    'nonlinearity: expected "tanh" or "relu", got "sin"',
  ],
  [
    "Linear without a size",
    () => new Linear(core, { inFeatures: 0, outFeatures: 1 }),
    "RANGE",
    "inFeatures: expected a whole number of at least 1, got 0",
  ],
  [
    "Sequential of nothing",
    () => new Sequential([]),
    "RANGE",
    "layers: expected at least one layer with parameters, got []",
  ],
  [
    "Sequential of something else",
    () => new Sequential([lstm, 3 as never]),
    "TYPE",
    "layers[1]: expected a layer, or a function that makes one such as lastStep(), got 3",
  ],
  [
    "Sequential of lastStep without its brackets",
    () => new Sequential([lstm, lastStep as never]),
    "TYPE",
    "layers[1]: expected a layer, or a function that makes one such as lastStep(), got a function",
  ],
  [
    "Sequential of a class",
    () => new Sequential([lstm, Linear as never]),
    "TYPE",
    "layers[1]: expected a layer, or a function that makes one such as lastStep(), got a function",
  ],
  [
    "a core that is not there yet",
    () => new LSTM(load() as never, { inputSize: 3, hiddenSize: 4 }),
    "TYPE",
    "core: expected what load() resolves to, got a Promise",
  ],
  [
    "no core",
    () => new Linear(undefined as never, { inFeatures: 4, outFeatures: 1 }),
    "TYPE",
    "core: expected what load() resolves to, got undefined",
  ],
  [
    "Trainer of an array",
    () => new Trainer([linear] as never, { loss: mseLoss(), optimizer: adam() }),
    "TYPE",
    "model: expected a layer, got [a Linear]",
  ],
  [
    "Sequential across cores",
    () => new Sequential([lstm, new Linear(loadSync(), { inFeatures: 4, outFeatures: 1 })]),
    "RANGE",
    "layers[1]: expected a layer on the core of the others, got one on another core",
  ],
  ["a learning rate of 0", () => adam({ lr: 0 }), "RANGE", "lr: expected a number above 0, got 0"],
  [
    "a learning rate that is none",
    () => adam({ lr: "0.1" as never }),
    "TYPE",
    'lr: expected a number above 0, got "0.1"',
  ],
  ["a beta of 1", () => adam({ betas: [0.9, 1] }), "RANGE", "betas[1]: expected a number in [0, 1), got 1"],
  ["one beta", () => adam({ betas: 0.9 as never }), "TYPE", "betas: expected two numbers, got 0.9"],
  ["an eps of 0", () => adam({ eps: 0 }), "RANGE", "eps: expected a number above 0, got 0"],
  [
    "a clip of 0",
    () => new Trainer(linear, { loss: mseLoss(), optimizer: adam(), clipNorm: 0 }),
    "RANGE",
    "clipNorm: expected a number above 0, got 0",
  ],
];

const CALLS: Row[] = [
  [
    "no tensor",
    () => lstm.forward(undefined as never),
    "TYPE",
    "x: expected a tensor { data, shape: [...] }, got undefined",
  ],
  [
    "an array",
    () => lstm.forward(new Float32Array(30) as never),
    "TYPE",
    "x: expected a tensor { data, shape: [...] }, got a Float32Array",
  ],
  [
    "a width that does not fit",
    () => lstm.forward(zeros(5, 2, 4)),
    "RANGE",
    "x: expected shape [T,B,3] or [T,3], got [5,2,4]",
  ],
  [
    "a negative size",
    () => lstm.forward({ data: new Float32Array(6), shape: [-1, -2, 3] }),
    "RANGE",
    "x: expected shape [...], got [-1,-2,3]",
  ],
  [
    "no steps",
    () => lstm.forward({ data: new Float32Array(0), shape: [0, 2, 3] }),
    "RANGE",
    "x: expected shape [...], got [0,2,3]",
  ],
  [
    "another length",
    () => lstm.forward({ data: new Float32Array(29), shape: [5, 2, 3] }),
    "RANGE",
    "x: expected [5,2,3], 30 values, got 29",
  ],
  [
    "float64",
    () => lstm.forward({ data: new Float64Array(30) as never, shape: [5, 2, 3] }),
    "TYPE",
    "x: expected a Float32Array, got a Float64Array",
  ],
  ["NaN", () => lstm.forward(withNaN), "RANGE", "x: expected finite values, got NaN at [1,1,1]"],
  [
    "an unknown option",
    () => lstm.forward(x, { h: x } as never),
    "TYPE",
    'forward options: expected options among h0, c0, lengths, mask, zeroOutputForMask, training, record, view, got "h"',
  ],
  ...["training", "record", "view", "zeroOutputForMask"].map(
    (name): Row => [
      `${name} that is no flag`,
      () => lstm.forward(x, { [name]: "no" } as never),
      "TYPE",
      `${name}: expected true or false, got "no"`,
    ],
  ),
  [
    "a record of gradients that is no flag",
    () => {
      lstm.forward(x);
      lstm.backward({}, { record: 1 } as never);
    },
    "TYPE",
    "record: expected true or false, got 1",
  ],
  [
    "states of another batch",
    () => lstm.forward(x, { h0: zeros(1, 3, 4) }),
    "RANGE",
    "h0: expected shape [1,2,4], got [1,3,4]",
  ],
  [
    "a cell state of another width",
    () => lstm.forward(x, { c0: zeros(1, 2, 5) }),
    "RANGE",
    "c0: expected shape [1,2,4], got [1,2,5]",
  ],
  ["lengths of another batch", () => lstm.forward(x, { lengths: [5] }), "RANGE", "lengths: expected 2 numbers, got 1"],
  [
    "lengths that are none",
    () => lstm.forward(x, { lengths: 5 as never }),
    "TYPE",
    "lengths: expected an array of 2 numbers, got 5",
  ],
  [
    "a length above T",
    () => lstm.forward(x, { lengths: [5, 6] }),
    "RANGE",
    "lengths[1]: expected a whole number from 0 to 5, got 6",
  ],
  [
    "a negative length",
    () => lstm.forward(x, { lengths: [-1, 5] }),
    "RANGE",
    "lengths[0]: expected a whole number from 0 to 5, got -1",
  ],
  [
    "NaN in a valid step",
    () => lstm.forward(withNaN, { lengths: [5, 2] }),
    "RANGE",
    "x: expected finite values, got NaN at step 1 of sequence 1",
  ],
  [
    "a cell state of a GRU",
    () => new GRU(core, { inputSize: 3, hiddenSize: 4 }).forward(x, { c0: zeros(1, 2, 4) } as never),
    "TYPE",
    'got "c0"',
  ],
  [
    "a count below 0",
    () =>
      new SLSTM(core, { inputSize: 3, hiddenSize: 4 }).forward(x, {
        n0: { data: Float32Array.of(0, 1, 2, -3, 4, 5, 6, 7), shape: [1, 2, 4] },
      }),
    "RANGE",
    "n0: expected values of at least 0, got -3",
  ],
  [
    "a missing parameter",
    () => lstm.loadStateDict({ weight_ih_l0: state.weight_ih_l0 as Tensor }),
    "RANGE",
    'state dict: expected "weight_hh_l0", got only ["weight_ih_l0"]',
  ],
  [
    "one parameter too many",
    () => lstm.loadStateDict({ ...state, extra: x }),
    "RANGE",
    'state dict: expected only ["weight_ih_l0","weight_hh_l0","bias_ih_l0","bias_hh_l0"], got "extra"',
  ],
  [
    "a parameter of another shape",
    () => lstm.loadStateDict({ ...state, bias_hh_l0: zeros(15) }),
    "RANGE",
    "bias_hh_l0: expected shape [16], got [15]",
  ],
  [
    "a parameter with NaN",
    () => lstm.loadStateDict({ ...state, bias_hh_l0: { data: new Float32Array(16).fill(Number.NaN), shape: [16] } }),
    "RANGE",
    "bias_hh_l0: expected finite values, got NaN at [0]",
  ],
  [
    "no parameters",
    () => lstm.loadStateDict(null as never),
    "TYPE",
    "state dict: expected an object of tensors, got null",
  ],
  [
    "an array that was transferred",
    () => {
      const { data, shape } = zeros(2, 4);
      structuredClone(data.buffer, { transfer: [data.buffer] });
      linear.forward({ data, shape });
    },
    "RANGE",
    "x: expected [2,4], 8 values, got an empty or detached buffer (transferred elsewhere)",
  ],
  ["samples that are none", () => dataLoader([null as never]), "TYPE", "samples[0]: expected { x, target }, got null"],
  [
    "samples without targets",
    () => dataLoader([{ x } as never]),
    "TYPE",
    "samples[0].target: expected a tensor { data, shape: [] }, got undefined",
  ],
  [
    "an evaluation of one batch",
    () => trainer.evaluate({ x: zeros(1, 4), target: zeros(1, 2) } as never),
    "TYPE",
    "batches: expected an array of batches, or the like, got an Object",
  ],
  [
    "a file of nothing",
    () => encodeSafetensors(undefined as never),
    "TYPE",
    "tensors: expected an object of tensors, got undefined",
  ],
  [
    "metadata of null",
    () => encodeSafetensors(state, null as never),
    "TYPE",
    "metadata: expected an object of strings, got null",
  ],
  ["a width of Linear", () => linear.forward(zeros(2, 5)), "RANGE", "x: expected shape [...,4], got [2,5]"],
];

describe.each([
  ["construction", CONSTRUCTION],
  ["calls", CALLS],
] as const)("%s", (_, rows) => {
  test.each(rows)("%s", (_, call, code, message) => {
    expect(call).toThrow(code === "TYPE" ? TypeError : RangeError);
    expect(call).toThrow(message);
    expect(call).toThrow(expect.objectContaining({ code: `ERR_ARGUMENT_${code}` }));
  });
});

test("after all of that everything works as before", () => {
  expect(lstm.stateDict()).toEqual(state);
  const { output } = lstm.forward(x);
  expect(new LSTM(core, { inputSize: 3, hiddenSize: 4 }).forward(x).output).toEqual(output);
});

describe("a rejected call keeps what the last good one left", () => {
  test("forward, a bad forward, backward", () => {
    const want = () => {
      lstm.zeroGrad();
      lstm.forward(x);
      return lstm.backward({ hn: { data: new Float32Array(8).fill(1), shape: [1, 2, 4] } }).input;
    };
    const first = want();
    lstm.zeroGrad();
    lstm.forward(x);
    expect(() => lstm.forward(zeros(5, 2, 4))).toThrow();
    expect(() => lstm.forward(withNaN)).toThrow();
    expect(() => lstm.backward({ hn: zeros(1, 2, 5) })).toThrow("hn: expected shape [1,2,4], got [1,2,5]");
    expect(() => lstm.backward({ output: withNaN })).toThrow("output: expected shape [5,2,4], got [5,2,3]");
    expect(lstm.backward({ hn: { data: new Float32Array(8).fill(1), shape: [1, 2, 4] } }).input).toEqual(first);
  });
});

describe("calls at the wrong moment", () => {
  const expectState = (call: () => unknown, code: string, message: string) => {
    expect(call).toThrow(message);
    expect(call).toThrow(expect.objectContaining({ name: "StateError", code }));
  };

  test("backward without forward, and twice", () => {
    const layer = new LSTM(core, { inputSize: 3, hiddenSize: 4 });
    const text = "LSTM: expected one forward before each backward, got a backward without it";
    expectState(() => layer.backward({}), "ERR_NO_FORWARD", text);
    layer.forward(x);
    layer.backward({});
    expectState(() => layer.backward({}), "ERR_NO_FORWARD", text);
    expectState(
      () => new Linear(core, { inFeatures: 1, outFeatures: 1 }).backward(x),
      "ERR_NO_FORWARD",
      "Linear: expected one forward",
    );
  });

  test("everything after dispose", () => {
    const layer = new LSTM(core, { inputSize: 3, hiddenSize: 4 });
    const model = new Sequential([layer, lastStep(), new Linear(core, { inFeatures: 4, outFeatures: 1 })]);
    const trainer = new Trainer(model, { loss: mseLoss(), optimizer: adam() });
    layer.forward(x);
    model.dispose();
    model.dispose();
    const text = "LSTM: expected a layer in use, got a disposed one";
    expectState(() => layer.forward(x), "ERR_DISPOSED", text);
    expectState(() => layer.backward({}), "ERR_DISPOSED", text);
    expectState(() => layer.stateDict(), "ERR_DISPOSED", text);
    expectState(() => layer.loadStateDict(state), "ERR_DISPOSED", text);
    expectState(() => layer.gradients(), "ERR_DISPOSED", text);
    expectState(() => layer.zeroGrad(), "ERR_DISPOSED", text);
    expectState(() => layer.stream(), "ERR_DISPOSED", text);
    expectState(
      () => trainer.step({ x, target: zeros(2, 1) }),
      "ERR_DISPOSED",
      "Sequential: expected a layer in use, got a disposed one",
    );
    const other = new Trainer(linear, { loss: mseLoss(), optimizer: adam() });
    other.dispose();
    expectState(() => other.step({ x: zeros(1, 4), target: zeros(1, 2) }), "ERR_DISPOSED", "got a disposed one");
  });
});
