import { clipFactor } from "../train/clip";
import { mseLoss } from "../train/loss";
import { adamStep, rmspropStep, sgdStep } from "../train/optimizer";
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

/** Five steps at every length, each of 0.01 of a value of 1: right to a few units in 2⁻²⁴. */
const STEPS: i32 = 5;
const TOLERANCE: f64 = 6e-7;

describe("adamStep", () => {
  test("is PyTorch's rule, without decay, with it, and decoupled", () => {
    for (let n = 1; n <= 9; n++) {
      for (let kind = 0; kind < 3; kind++) {
        const decay = kind == 0 ? 0.0 : 0.05;
        const p = random(n, 1);
        const m = zeros(n);
        const v = zeros(n);
        const wantP = values(p, n);
        const wantM = new Float64Array(n);
        const wantV = new Float64Array(n);
        let power1 = 1.0;
        let power2 = 1.0;
        for (let step = 1; step <= STEPS; step++) {
          const g = random(n, 10 + step);
          power1 *= 0.9;
          power2 *= 0.999;
          for (let k = 0; k < n; k++) {
            const d = get(g, k) + (kind == 1 ? decay * wantP[k] : 0.0);
            if (kind == 2) wantP[k] -= 0.01 * decay * wantP[k];
            wantM[k] = 0.9 * wantM[k] + 0.1 * d;
            wantV[k] = 0.999 * wantV[k] + 0.001 * d ** 2;
            wantP[k] -= ((0.01 / (1.0 - power1)) * wantM[k]) / (Math.sqrt(wantV[k]) / Math.sqrt(1.0 - power2) + 1e-8);
          }
          adamStep(p, m, v, g, 0.01, 0.9, 0.999, 1e-8, decay, kind == 2, power1, power2, n);
        }
        expectClose(p, wantP, TOLERANCE, "p");
        expectClose(m, wantM, 3e-7, "m");
        expectClose(v, wantV, 1e-8, "v");
      }
    }
  });
});

describe("sgdStep", () => {
  test("is PyTorch's rule, with and without momentum, dampening, Nesterov's way and decay", () => {
    for (let n = 1; n <= 9; n++) {
      for (let kind = 0; kind < 4; kind++) {
        const momentum = kind == 0 ? 0.0 : 0.9;
        const dampening = kind == 2 ? 0.3 : 0.0;
        const decay = kind == 3 ? 0.0 : 0.05;
        const p = random(n, 1);
        const b = kind == 0 ? 0 : buffer(n);
        const wantP = values(p, n);
        const wantB = new Float64Array(n);
        for (let step = 1; step <= STEPS; step++) {
          const g = random(n, 10 + step);
          for (let k = 0; k < n; k++) {
            const d = get(g, k) + decay * wantP[k];
            wantB[k] = step == 1 ? d : momentum * wantB[k] + (1.0 - dampening) * d;
            wantP[k] -= 0.01 * (kind == 0 ? d : kind == 3 ? d + momentum * wantB[k] : wantB[k]);
          }
          sgdStep(p, b, g, 0.01, momentum, dampening, decay, kind == 3, step == 1, n);
        }
        expectClose(p, wantP, TOLERANCE, "p");
        if (b) expectClose(b, wantB, 2e-6, "b");
      }
    }
  });
});

describe("rmspropStep", () => {
  test("is PyTorch's rule, with and without centering, momentum and decay", () => {
    for (let n = 1; n <= 9; n++) {
      for (let kind = 0; kind < 4; kind++) {
        const centered = (kind & 1) != 0;
        const momentum = kind & 2 ? 0.9 : 0.0;
        const decay = kind == 3 ? 0.05 : 0.0;
        const p = random(n, 1);
        const v = zeros(n);
        const a = centered ? zeros(n) : 0;
        const b = momentum != 0.0 ? zeros(n) : 0;
        const wantP = values(p, n);
        const wantV = new Float64Array(n);
        const wantA = new Float64Array(n);
        const wantB = new Float64Array(n);
        for (let step = 1; step <= STEPS; step++) {
          const g = random(n, 10 + step);
          for (let k = 0; k < n; k++) {
            const d = get(g, k) + decay * wantP[k];
            wantV[k] = 0.99 * wantV[k] + 0.01 * d ** 2;
            wantA[k] = 0.99 * wantA[k] + 0.01 * d;
            const spread = centered ? wantV[k] - wantA[k] ** 2 : wantV[k];
            wantB[k] = momentum * wantB[k] + d / (Math.sqrt(spread) + 1e-3);
            wantP[k] -= 0.001 * wantB[k];
          }
          rmspropStep(p, v, a, b, g, 0.001, 0.99, 1e-3, momentum, decay, n);
        }
        // A small g is divided by a small root: its error grows up to tenfold.
        expectClose(p, wantP, 10.0 * TOLERANCE, "p");
        expectClose(v, wantV, 1e-8, "v");
        if (a) expectClose(a, wantA, 1e-8, "a");
      }
    }
  });
});
