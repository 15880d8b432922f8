// The oracle's gradients against central finite differences, in float64, with every option.
import { describe, expect, test } from "vitest";
import { type Inputs, run, type Spec, type Values } from "./reference/recurrent.ts";
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
  const G = { LSTM: 4, GRU: 3, RNN: 1 }[cell];
  const parameters: Record<string, Values> = {};
  for (let layer = 0; layer < L; layer++)
    for (let d = 0; d < D; d++) {
      const suffix = `_l${layer}${d === 1 || spec.reverse ? "_reverse" : ""}`;
      parameters[`weight_ih${suffix}`] = fill(G * H, layer ? D * R : I);
      parameters[`weight_hh${suffix}`] = fill(G * H, R);
      parameters[`bias_ih${suffix}`] = fill(G * H);
      parameters[`bias_hh${suffix}`] = fill(G * H);
      if (projSize) parameters[`weight_hr${suffix}`] = fill(R, H);
      if (spec.peephole) parameters[`weight_ph${suffix}`] = fill(3 * H);
      if (spec.layerNorm) {
        parameters[`weight_ln_ih${suffix}`] = fill(G * H);
        parameters[`weight_ln_hh${suffix}`] = fill(G * H);
        parameters[`weight_ln_c${suffix}`] = fill(H);
        parameters[`bias_ln_c${suffix}`] = fill(H);
      }
    }
  const states = { h0: fill(L * D, B, R), ...(cell === "LSTM" ? { c0: fill(L * D, B, H) } : {}) };
  return { x: fill(T, B, I), ...states, lengths: spec.lengths, mask: spec.mask, parameters };
}

describe("finite differences", () => {
  test.each(Object.keys(SPECS))("%s", (name) => {
    const spec = SPECS[name] as Spec;
    const inputs = createInputs(name);
    const random = createRandom(99);
    const first = run(spec, inputs);
    const cotangents = {
      output: first.output.map(random),
      hn: first.hn.map(random),
      ...(spec.cell === "LSTM" ? { cn: first.cn.map(random) } : {}),
    };
    const loss = () => {
      const { output, hn, cn } = run(spec, inputs);
      const dot = (a: Float64Array, b: Float64Array | undefined) =>
        b ? a.reduce((sum, value, k) => sum + value * (b[k] as number), 0) : 0;
      return dot(output, cotangents.output) + dot(hn, cotangents.hn) + dot(cn, cotangents.cn);
    };
    const grads = first.backward(cotangents);
    const given: Record<string, Values | undefined> = {
      x: inputs.x,
      h0: inputs.h0,
      c0: inputs.c0,
      ...inputs.parameters,
    };
    const checked = expectFiniteDifferences(loss, grads, given);
    expect(checked).toBeGreaterThan(30);
  });
});
