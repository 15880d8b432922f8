// Gradient flow: the kernels' norms and paths against products of Jacobians in float64, and finite differences.
import { describe, expect, test } from "vitest";
import { identity, product, pullBack, stepJacobian, sum } from "./reference/jacobians.ts";
import { type Inputs, run, type Spec, type Values } from "./reference/recurrent.ts";
import type { Dims } from "./support/against-oracle.ts";
import { BUILDS, createCore } from "./support/cores.ts";
import { flowDifferences } from "./support/flow-against-oracle.ts";
import { createRandom } from "./support/random.ts";

const sizes = { T: 5, B: 3, I: 4, H: 6 };
const HOLES = [1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1, 0, 1];

const TABLE: [string, Dims][] = (["LSTM", "GRU", "RNN", "SLSTM", "MinGRU", "MinLSTM"] as const).flatMap(
  (cell): [string, Dims][] => [
    [`${cell}, loss at every step`, { cell, ...sizes }],
    [`${cell}, loss at the last step`, { cell, ...sizes, T: 9, give: ["hn"] }],
    [`${cell}, one sequence, one unit`, { cell, T: 4, B: 1, I: 1, H: 1, give: ["hn"] }],
    [`${cell}, no whole vectors`, { cell, T: 3, B: 5, I: 2, H: 7 }],
    [`${cell}, whole vectors`, { cell, T: 3, B: 2, I: 2, H: 8, give: ["hn"] }],
    [`${cell}, one vector and a part`, { cell, T: 3, B: 1, I: 2, H: 7, give: ["hn"] }],
    [`${cell}, two directions`, { cell, ...sizes, bidirectional: true }],
    [`${cell}, one step`, { cell, ...sizes, T: 1 }],
    [`${cell}, reverse`, { cell, ...sizes, options: { direction: "reverse" } }],
    [`${cell}, reverse, an even number of steps`, { cell, ...sizes, T: 6, options: { direction: "reverse" } }],
    [`${cell}, lengths`, { cell, ...sizes, bidirectional: true, lengths: [5, 2, 4] }],
    [`${cell}, a mask with gaps`, { cell, ...sizes, mask: HOLES }],
    [`${cell}, zoneout`, { cell, ...sizes, noise: { zoneout: 0.4 }, training: true }],
    [`${cell}, zoneout and a mask`, { cell, ...sizes, noise: { zoneout: 0.4 }, mask: HOLES }],
  ],
);
TABLE.push(
  ["projection", { cell: "LSTM", ...sizes, projSize: 4 }],
  [
    "projection, two directions, lengths",
    { cell: "LSTM", ...sizes, projSize: 3, bidirectional: true, lengths: [3, 5, 1] },
  ],
  ["loss of the last cell state", { cell: "LSTM", ...sizes, give: ["cn"] }],
  ["peepholes", { cell: "LSTM", ...sizes, options: { peephole: true } }],
  ["coupled, peepholes", { cell: "LSTM", ...sizes, options: { coupled: true, peephole: true } }],
  ["projection, zoneout", { cell: "LSTM", ...sizes, projSize: 4, noise: { zoneout: 0.3 } }],
  ["projection, peepholes", { cell: "LSTM", ...sizes, projSize: 4, options: { peephole: true } }],
  ["layer norm, zoneout", { cell: "LSTM", ...sizes, noise: { zoneout: 0.3 }, options: { layerNorm: true } }],
  ["clipped cells, a mask", { cell: "LSTM", ...sizes, mask: HOLES, options: { cellClip: 0.3 } }],
  [
    "other activations",
    {
      ...{ cell: "LSTM", ...sizes, bidirectional: true },
      options: { activations: [{ f: { name: "hardSigmoid" }, g: { name: "softsign" }, h: { name: "elu" } }, {}] },
    },
  ],
  ["clipped cells", { cell: "LSTM", ...sizes, options: { cellClip: 0.3 } }],
  ["layer norm", { cell: "LSTM", ...sizes, options: { layerNorm: true } }],
  ["layer norm, projection, mask", { cell: "LSTM", ...sizes, projSize: 4, mask: HOLES, options: { layerNorm: true } }],
  ["reset before", { cell: "GRU", ...sizes, options: { resetAfter: false } }],
  ["reset before, zoneout", { cell: "GRU", ...sizes, options: { resetAfter: false }, noise: { zoneout: 0.3 } }],
);

describe.each(BUILDS)("%s: norms and paths against products of Jacobians", (build) => {
  const core = createCore(build);
  test.each(TABLE)("%s", (_, dims) => {
    expect(flowDifferences(core, dims)).toEqual([]);
  });
});

describe("the Jacobians put together by hand", () => {
  const spec = (cell: Spec["cell"]): Spec => ({ cell, inputSize: 2, hiddenSize: 3 });
  test.each(["LSTM", "GRU", "RNN"] as const)(
    "%s: their product is what finite differences of the oracle give",
    (cell) => {
      const T = 4;
      const H = 3;
      const G = { LSTM: 4, GRU: 3, RNN: 1 }[cell];
      const random = createRandom(7);
      const fill = (...shape: number[]): Values => ({
        data: Float64Array.from({ length: shape.reduce((a, b) => a * b) }, random),
        shape,
      });
      const parameters = {
        weight_ih_l0: fill(G * H, 2),
        weight_hh_l0: fill(G * H, H),
        bias_ih_l0: fill(G * H),
        bias_hh_l0: fill(G * H),
      };
      const S = cell === "LSTM" ? 2 * H : H;
      const inputs = (state: Float64Array): Inputs => ({
        ...{ x, parameters, h0: { data: state.slice(0, H), shape: [1, 1, H] } },
        ...(S > H && { c0: { data: state.slice(H), shape: [1, 1, H] } }),
      });
      const x = fill(T, 1, 2);
      const state = fill(S).data as Float64Array;
      const result = run(spec(cell), inputs(state));
      // J = J_T ⋯ J_1
      let J = identity(S);
      let before = { h: [...state.slice(0, H)], c: [...state.slice(H)] };
      for (let t = 0; t < T; t++) {
        const { direct, recurrent } = stepJacobian(
          spec(cell),
          inputs(state),
          result,
          { slice: 0, suffix: "_l0", t, b: 0 },
          before,
        );
        J = product(sum(direct, recurrent), J);
        const names = result.record[0]?.[t]?.[0];
        before = { h: [...(names?.h?.v ?? [])], c: [...(names?.c?.v ?? [])] };
      }
      const end = (from: Float64Array) => {
        const { hn, cn } = run(spec(cell), inputs(from));
        return S > H ? [...hn, ...cn] : [...hn];
      };
      for (let j = 0; j < S; j++) {
        const shifted = (by: number) => end(state.map((value, k) => (k === j ? value + by : value)));
        const [plus, minus] = [shifted(1e-5), shifted(-1e-5)];
        for (let i = 0; i < S; i++)
          expect(J[i]?.[j]).toBeCloseTo(((plus[i] as number) - (minus[i] as number)) / 2e-5, 8);
      }
      // And the gradient that the oracle's differentiation gives the first state.
      const cotangent = end(state).map(() => random());
      const { h0, c0 } = result.backward({ hn: cotangent.slice(0, H), cn: cotangent.slice(H) });
      pullBack(cotangent, J).forEach((value, k) => {
        expect(value).toBeCloseTo([...(h0 ?? []), ...(c0 ?? [])][k] as number, 12);
      });
    },
  );
});
