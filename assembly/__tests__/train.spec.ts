import { clipValue } from "../math/vector";
import { clipFactor } from "../train/clip";
import { crossEntropy, ElementLoss, elementLoss, logSoftmaxForward } from "../train/loss";
import { adamStep, rmspropStep, sgdStep } from "../train/optimizer";
import { buffer, copy, expectClose, get, put, random, values, zeros } from "./support";

describe("elementLoss", () => {
  test("is PyTorch's MSE, MAE, Huber and BCE with logits, with their gradients, row by row", () => {
    const kinds: i32[] = [ElementLoss.MSE, ElementLoss.MAE, ElementLoss.HUBER, ElementLoss.BCE];
    for (let k = 0; k < kinds.length; k++) {
      const kind = kinds[k];
      for (let n = 1; n <= 9; n++) {
        const rows = 3;
        const p = random(rows * n, 1, 3.0);
        const y = random(rows * n, 2, 0.5);
        const mask = heap.alloc(rows);
        store<u8>(mask, 1);
        store<u8>(mask + 1, 0);
        store<u8>(mask + 2, 1);
        // What is left out may hold anything.
        for (let j = n; j < 2 * n; j++) put(y, j, f32.NaN);
        const losses = buffer(rows * n);
        const d = buffer(rows * n);
        const want = new Float64Array(rows * n);
        const wantD = new Float64Array(rows * n);
        let total = 0.0;
        for (let j = 0; j < rows * n; j++) {
          if (j >= n && j < 2 * n) continue;
          const x = get(p, j);
          const t = get(y, j);
          const e = x - t;
          if (kind == ElementLoss.MSE) {
            want[j] = e * e;
            wantD[j] = 2.0 * e;
          } else if (kind == ElementLoss.MAE) {
            want[j] = abs(e);
            wantD[j] = e > 0.0 ? 1.0 : e < 0.0 ? -1.0 : 0.0;
          } else if (kind == ElementLoss.HUBER) {
            want[j] = abs(e) <= 0.7 ? 0.5 * e * e : <f64>(<f32>0.7) * (abs(e) - 0.5 * <f64>(<f32>0.7));
            wantD[j] = max(-0.7, min(0.7, e));
          } else {
            const q = 1.0 / (1.0 + Math.exp(-x));
            want[j] = -(0.7 * t * Math.log(q) + (1.0 - t) * Math.log(1.0 - q));
            wantD[j] = -0.7 * t * (1.0 - q) + (1.0 - t) * q;
          }
          wantD[j] *= 0.25;
          total += want[j];
        }
        const got = elementLoss(losses, d, p, y, mask, kind, 0.7, 0.25, rows, n);
        expect<bool>(abs(got - 0.25 * total) <= 2e-6 * (1.0 + abs(total))).toBe(true);
        expectClose(losses, want, 4e-6, "losses");
        expectClose(d, wantD, 1e-6, "d");
        expect<f64>(elementLoss(losses, 0, p, y, mask, kind, 0.7, 0.25, rows, n)).toBe(got);
      }
    }
  });

  test("BCE keeps its digits far from 0", () => {
    const p = buffer(2);
    const y = buffer(2);
    put(p, 0, 40.0);
    put(y, 0, 1.0);
    put(p, 1, -300.0);
    put(y, 1, 1.0);
    const losses = buffer(2);
    elementLoss(losses, 0, p, y, 0, ElementLoss.BCE, 1.0, 1.0, 1, 2);
    expect<bool>(abs(get(losses, 0) / Math.exp(-40.0) - 1.0) < 1e-6).toBe(true);
    expect<f64>(get(losses, 1)).toBe(300.0);
  });
});

describe("crossEntropy", () => {
  test("is PyTorch's, with weights and smoothing, and its gradient", () => {
    for (let C = 1; C <= 9; C++) {
      for (let kind = 0; kind < 3; kind++) {
        const rows = 4;
        const smoothing = kind == 2 ? 0.1 : 0.0;
        const x = random(rows * C, 1, 4.0);
        const weight = kind == 0 ? 0 : random(C, 2, 0.5);
        for (let c = 0; c < C && weight != 0; c++) put(weight, c, <f32>(get(weight, c) + 1.0));
        const y = buffer(rows);
        const mask = heap.alloc(rows);
        for (let r = 0; r < rows; r++) {
          put(y, r, <f32>((r * 5) % C));
          store<u8>(mask + r, r == 2 ? 0 : 1);
        }
        put(y, 2, f32.NaN);
        const logP = buffer(rows * C);
        const losses = buffer(rows);
        const want = new Float64Array(rows);
        const wantLogP = new Float64Array(rows * C);
        const wantD = new Float64Array(rows * C);
        for (let r = 0; r < rows; r++) {
          let sum = 0.0;
          for (let c = 0; c < C; c++) sum += Math.exp(get(x, r * C + c));
          for (let c = 0; c < C; c++) wantLogP[r * C + c] = get(x, r * C + c) - Math.log(sum);
          if (r == 2) continue;
          for (let c = 0; c < C; c++) {
            const w = weight ? get(weight, c) : 1.0;
            const share = (c == <i32>get(y, r) ? w * (1.0 - smoothing) : 0.0) + (smoothing / <f64>C) * w;
            want[r] -= share * wantLogP[r * C + c];
            for (let k = 0; k < C; k++)
              wantD[r * C + k] += 0.5 * share * (Math.exp(wantLogP[r * C + k]) - (k == c ? 1.0 : 0.0));
          }
        }
        logSoftmaxForward(logP, x, rows, C);
        expectClose(logP, wantLogP, 3e-6, "logP");
        crossEntropy(losses, logP, logP, y, mask, weight, <f32>smoothing, 0.5, rows, C);
        expectClose(losses, want, 4e-6, "losses");
        expectClose(logP, wantD, 1e-6, "d");
      }
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

describe("clipValue", () => {
  test("holds values within the limit and says whether any was outside", () => {
    for (let n = 1; n <= 9; n++) {
      const x = random(n, 3, 1.0);
      put(x, n - 1, 2.0);
      const want = values(x, n);
      for (let k = 0; k < n; k++) want[k] = max(-0.5, min(0.5, want[k]));
      const y = copy(x, n);
      expect<i32>(clipValue(y, 3.0, n)).toBe(0);
      expect<i32>(clipValue(x, 0.5, n)).toBe(1);
      expectClose(x, want, 0.0, "x");
    }
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
