import { clipFactor } from "../train/clip";
import { mseLoss } from "../train/loss";
import { adamStep } from "../train/optimizer";
import { buffer, expectClose, get, random, values, zeros } from "./support";

describe("mseLoss", () => {
  test("is the mean of squares, with its gradient", () => {
    for (let n = 1; n <= 9; n++) {
      const p = random(n, 1);
      const y = random(n, 2);
      const d = buffer(n);
      let want = 0.0;
      const wantD = new Float64Array(n);
      for (let k = 0; k < n; k++) {
        want += (get(p, k) - get(y, k)) ** 2 / <f64>n;
        wantD[k] = (2.0 * (get(p, k) - get(y, k))) / <f64>n;
      }
      expect<bool>(abs(mseLoss(d, p, y, n) - want) <= 3e-7 * want).toBe(true);
      expectClose(d, wantD, 5e-7, "d");
      expect<f64>(mseLoss(0, p, y, n)).toBe(mseLoss(d, p, y, n));
    }
  });
});

describe("clipFactor", () => {
  test("is PyTorch's", () => {
    expect<f64>(clipFactor(0.5, 1.0)).toBe(1.0);
    expect<f64>(clipFactor(0.0, 1.0)).toBe(1.0);
    expect<f64>(clipFactor(4.0, 1.0)).toBe(1.0 / (4.0 + 1e-6));
  });
});

describe("adamStep", () => {
  test("is PyTorch's rule, for some steps at every length", () => {
    for (let n = 1; n <= 9; n++) {
      const p = random(n, 1);
      const m = zeros(n);
      const v = zeros(n);
      const wantP = values(p, n);
      const wantM = new Float64Array(n);
      const wantV = new Float64Array(n);
      let power1 = 1.0;
      let power2 = 1.0;
      for (let step = 1; step <= 5; step++) {
        const g = random(n, 10 + step);
        power1 *= 0.9;
        power2 *= 0.999;
        for (let k = 0; k < n; k++) {
          wantM[k] = 0.9 * wantM[k] + 0.1 * get(g, k);
          wantV[k] = 0.999 * wantV[k] + 0.001 * get(g, k) ** 2;
          wantP[k] -= ((0.01 / (1.0 - power1)) * wantM[k]) / (Math.sqrt(wantV[k]) / Math.sqrt(1.0 - power2) + 1e-8);
        }
        adamStep(p, m, v, g, 0.01, 0.9, 0.999, 1e-8, power1, power2, n);
      }
      // Five steps of 0.01, each right to a few units in 2⁻²⁴ of a value of 1.
      expectClose(p, wantP, 6e-7, "p");
      expectClose(m, wantM, 3e-7, "m");
      expectClose(v, wantV, 1e-8, "v");
    }
  });
});
