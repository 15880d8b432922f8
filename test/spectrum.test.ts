// Spectral norm and radius, as the flow's report gives them of W_hh.
import { RNN } from "lstm-wasm";
import { describe, expect, test } from "vitest";
import { apply, spectralNorm, spectralRadius } from "../bindings/flow/spectrum.ts";
import { createCore } from "./support/cores.ts";
import { createRandom } from "./support/random.ts";

const core = createCore();

describe("the spectrum of a matrix", () => {
  const radius = (A: number[], n: number) => spectralRadius(core, Float32Array.from(A), n);
  test("of a rotation, of ±λ, of a shear, of nothing, of one that is nilpotent", () => {
    const [c, s] = [0.9 * Math.cos(1), 0.9 * Math.sin(1)];
    expect(radius([c, -s, s, c], 2)).toBeCloseTo(0.9, 6);
    expect(spectralNorm([c, -s, s, c], 2, 2)).toBeCloseTo(0.9, 6);
    expect(radius([0, 3, 3, 0], 2)).toBeCloseTo(3, 6);
    expect(radius([2, 0, 0, 0, -2, 0, 0, 0, 1], 3)).toBeCloseTo(2, 6);
    expect(radius([0, 0, 0, 0], 2)).toBe(0);
    expect(radius([0, 1, 0, 0], 2)).toBe(0);
    expect(spectralNorm([0, 1, 0, 0], 2, 2)).toBeCloseTo(1, 6);
    expect(radius([0.5, 8, 0, 0.25], 2)).toBeCloseTo(0.5, 5);
    expect(spectralNorm([3, 0, 0, 5, 4, 0], 3, 2)).toBeCloseTo(5, 6);
    expect(radius([Number.NaN, 0, 0, 1], 2)).toBeNaN();
    expect(radius([1e-39, 0, 0, 1e-39], 2)).toBeCloseTo(0, 12);
  });

  test("of matrices whose eigenvalues all have the same modulus", () => {
    for (const n of [3, 4, 17]) {
      const turns = Array.from({ length: n * n }, (_, k) => Number((Math.floor(k / n) + 1) % n === k % n));
      expect(radius(turns, n)).toBeCloseTo(1, 5);
    }
    for (const hiddenSize of [4, 8, 33]) {
      using layer = new RNN(core, { inputSize: 1, hiddenSize, recurrentInit: "orthogonal", seed: 1 });
      expect(radius([...(layer.stateDict().weight_hh_l0?.data ?? [])], hiddenSize)).toBeCloseTo(1, 5);
    }
  });

  test("of random matrices: the growth of a high power", () => {
    const n = 12;
    for (let seed = 1; seed <= 5; seed++) {
      const random = createRandom(seed);
      const A = Float64Array.from({ length: n * n }, random);
      let x = Float64Array.from({ length: n }, () => random());
      let log = 0;
      const rounds = 4000;
      for (let k = 0; k < rounds; k++) {
        x = apply(A, x, n, n) as typeof x;
        const size = Math.hypot(...x);
        log += Math.log(size);
        x = x.map((value) => value / size);
      }
      expect(radius([...A], n)).toBeCloseTo(Math.exp(log / rounds), 2);
    }
  });
});
