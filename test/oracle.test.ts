// The oracle's gradients against central finite differences, in float64, with every option.
import { describe, expect, test } from "vitest";
import { GATES, type Inputs, run, type Spec, STATES, type Values } from "./reference/recurrent.ts";
import { expectFiniteDifferences } from "./support/finite-differences.ts";
import { createRandom } from "./support/random.ts";

const T = 3;
const B = 2;
const I = 2;
const H = 3;
const base = { inputSize: I, hiddenSize: H };

const SPECS: Record<
  string,
  Spec & {
    readonly lengths?: readonly number[];
    readonly mask?: readonly number[];
    readonly peephole?: boolean;
    readonly layerNorm?: boolean;
  }
> = {
  lstm: { ...base, cell: "LSTM" },
  "lstm, two layers, two directions, projected": {
    ...base,
    cell: "LSTM",
    numLayers: 2,
    bidirectional: true,
    projSize: 2,
  },
  "lstm, lengths": { ...base, cell: "LSTM", bidirectional: true, lengths: [3, 1] },
  "lstm, mask with a gap": { ...base, cell: "LSTM", mask: [1, 0, 0, 1, 1, 1] },
  "lstm, reverse": { ...base, cell: "LSTM", reverse: true },
  "lstm, peepholes": { ...base, cell: "LSTM", peephole: true },
  "lstm, coupled": { ...base, cell: "LSTM", coupled: true, peephole: true },
  "lstm, clips": { ...base, cell: "LSTM", gateClip: 0.4, cellClip: 0.3, peephole: true },
  "lstm, other activations": {
    ...base,
    cell: "LSTM",
    activations: [{ f: { name: "hardSigmoid" }, g: { name: "softsign" }, h: { name: "elu", alpha: 0.7 } }],
  },
  "lstm, layer norm": { ...base, cell: "LSTM", layerNorm: true, projSize: 2 },
  gru: { ...base, cell: "GRU" },
  "gru, reset before": { ...base, cell: "GRU", resetAfter: false, bidirectional: true },
  "gru, clip, other activations": {
    ...base,
    cell: "GRU",
    gateClip: 0.5,
    activations: [{ f: { name: "softplus" }, g: { name: "scaledTanh", alpha: 1.7, beta: 0.6 } }],
  },
  rnn: { ...base, cell: "RNN", numLayers: 2 },
  slstm: { ...base, cell: "SLSTM" },
  "slstm, two layers, two directions, lengths": {
    ...base,
    cell: "SLSTM",
    numLayers: 2,
    bidirectional: true,
    lengths: [3, 1],
  },
  "slstm, mask with a gap": { ...base, cell: "SLSTM", mask: [1, 0, 0, 1, 1, 1] },
  "min gru": { ...base, cell: "MinGRU", bidirectional: true },
  "min gru, positive": { ...base, cell: "MinGRU", positive: true, numLayers: 2, lengths: [3, 1] },
  "min lstm": { ...base, cell: "MinLSTM", numLayers: 2, lengths: [3, 1] },
  "min lstm, positive": { ...base, cell: "MinLSTM", positive: true, bidirectional: true },
  "rnn, leaky relu": { ...base, cell: "RNN", activations: [{ f: { name: "leakyRelu", alpha: 0.2 } }] },
};

/** Inputs for a spec, in float64. */
function createInputs(name: string): Inputs {
  const spec = SPECS[name] as (typeof SPECS)[string];
  const random = createRandom(name.length);
  const fill = (...shape: number[]): Values => ({
    data: Float64Array.from({ length: shape.reduce((a, b) => a * b) }, random),
    shape,
  });
  const { numLayers: L = 1, bidirectional, projSize = 0, cell } = spec;
  const D = bidirectional ? 2 : 1;
  const R = projSize || H;
  const G = GATES[cell];
  const recurrent = !cell.startsWith("Min");
  const parameters: Record<string, Values> = {};
  for (let layer = 0; layer < L; layer++)
    for (let d = 0; d < D; d++) {
      const suffix = `_l${layer}${d === 1 || spec.reverse ? "_reverse" : ""}`;
      parameters[`weight_ih${suffix}`] = fill(G * H, layer ? D * R : I);
      if (recurrent) parameters[`weight_hh${suffix}`] = fill(G * H, R);
      parameters[`bias_ih${suffix}`] = fill(G * H);
      if (recurrent) parameters[`bias_hh${suffix}`] = fill(G * H);
      if (projSize) parameters[`weight_hr${suffix}`] = fill(R, H);
      if (spec.peephole) parameters[`weight_ph${suffix}`] = fill(3 * H);
      if (spec.layerNorm) {
        parameters[`weight_ln_ih${suffix}`] = fill(G * H);
        parameters[`weight_ln_hh${suffix}`] = fill(G * H);
        parameters[`weight_ln_c${suffix}`] = fill(H);
        parameters[`bias_ln_c${suffix}`] = fill(H);
      }
    }
  const states = Object.fromEntries(
    STATES[cell].map((state) => {
      const values = fill(L * D, B, state === "h" ? R : H);
      // What n counts is not below 0; near 0 a difference would be taken across it.
      const data = state === "n" ? Float64Array.from(values.data, (n) => Math.abs(n) + 0.1) : values.data;
      return [`${state}0`, { ...values, data }];
    }),
  );
  return { x: fill(T, B, I), ...states, lengths: spec.lengths, mask: spec.mask, parameters };
}

describe("finite differences", () => {
  test.each(Object.keys(SPECS))("%s", (name) => {
    const spec = SPECS[name] as Spec;
    const inputs = createInputs(name);
    const random = createRandom(99);
    const first = run(spec, inputs);
    const names = ["output", ...STATES[spec.cell].map((state) => `${state}n` as const)] as const;
    const cotangents = Object.fromEntries(names.map((name) => [name, first[name].map(random)]));
    const loss = () => {
      const results = run(spec, inputs);
      const dot = (a: Float64Array, b: Float64Array | undefined) =>
        b ? a.reduce((sum, value, k) => sum + value * (b[k] as number), 0) : 0;
      return names.reduce((sum, name) => sum + dot(results[name], cotangents[name]), 0);
    };
    const grads = first.backward(cotangents);
    const given: Record<string, Values | undefined> = {
      ...{ x: inputs.x, h0: inputs.h0, c0: inputs.c0, n0: inputs.n0, m0: inputs.m0 },
      ...inputs.parameters,
    };
    const checked = expectFiniteDifferences(loss, grads, given);
    expect(checked).toBeGreaterThan(30);
  });
});
