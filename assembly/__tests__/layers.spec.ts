import { activationBackward, activationForward } from "../math/activation";
import { conv1dBackward, conv1dForward } from "../layers/conv1d";
import { dropoutMask } from "../layers/dropout";
import { embeddingBackward, embeddingForward, firstBadIndex } from "../layers/embedding";
import { linearBackward, linearForward } from "../layers/linear";
import { activate4, Activation, slope4 } from "../math/activation";
import { packedSize, scratchSize } from "../math/gemm";
import { buffer, copy, expectBits, expectClose, expectGuards, get, put, random, sumTolerance, values, zeros } from "./support";

const SIZES: i32[] = [1, 3, 4, 5, 8, 9, 17];

describe("linear", () => {
  test("y = x·Wᵀ + b, and its three gradients", () => {
    for (let w = 0; w < SIZES.length; w++) {
      const M = SIZES[w];
      const I = SIZES[(w + 2) % SIZES.length];
      const O = SIZES[(w + 4) % SIZES.length];
      const x = random(M * I, 1);
      const weight = random(O * I, 2);
      const bias = random(O, 3);
      const dy = random(M * O, 4);
      const y = buffer(M * O);
      const dx = buffer(M * I);
      const dWeight = random(O * I, 5);
      const dBias = random(O, 6);
      const panels = buffer(max(packedSize(I, O), max(packedSize(O, I), scratchSize(I))));
      const wantY = new Float64Array(M * O);
      const wantDx = new Float64Array(M * I);
      const wantDw = values(dWeight, O * I);
      const wantDb = values(dBias, O);
      for (let m = 0; m < M; m++) {
        for (let o = 0; o < O; o++) {
          let sum = get(bias, o);
          for (let i = 0; i < I; i++) {
            sum += get(x, m * I + i) * get(weight, o * I + i);
            wantDx[m * I + i] += get(dy, m * O + o) * get(weight, o * I + i);
            wantDw[o * I + i] += get(dy, m * O + o) * get(x, m * I + i);
          }
          wantY[m * O + o] = sum;
          wantDb[o] += get(dy, m * O + o);
        }
      }
      linearForward(y, x, weight, bias, panels, M, I, O);
      expectClose(y, wantY, sumTolerance(I), "y");
      linearBackward(dx, dWeight, dBias, dy, x, weight, panels, M, I, O);
      expectClose(dx, wantDx, sumTolerance(O), "dx");
      expectClose(dWeight, wantDw, sumTolerance(M), "dWeight");
      expectClose(dBias, wantDb, sumTolerance(M), "dBias");
      expectGuards(panels, max(packedSize(I, O), max(packedSize(O, I), scratchSize(I))), "panels");
      const alone = zeros(O * I);
      linearBackward(0, alone, 0, dy, x, weight, panels, M, I, O);
      expectGuards(alone, O * I, "dWeight alone");
    }
  });
});

describe("dropout", () => {
  test("masks are 0, or what is kept", () => {
    const n = 20001;
    const mask = buffer(n);
    dropoutMask(mask, 0.25, 4.0 / 3.0, 3, 4, n);
    let dropped = 0;
    let right = true;
    for (let k = 0; k < n; k++) {
      if (get(mask, k) == 0.0) dropped++;
      else if (get(mask, k) != <f64>(<f32>(4.0 / 3.0))) right = false;
    }
    expect<bool>(right).toBe(true);
    // Five standard deviations around a quarter.
    expect<bool>(abs(<f64>dropped / <f64>n - 0.25) < 0.0154).toBe(true);
    expectGuards(mask, n, "mask");
  });
});

describe("embedding", () => {
  test("rows by their numbers, and their gradients but the padding row's", () => {
    const N = 5;
    for (let w = 0; w < SIZES.length; w++) {
      const D = SIZES[w];
      const M = 7;
      const x = buffer(M);
      for (let m = 0; m < M; m++) {
        const row = (3 * m) % N;
        put(x, m, <f32>row);
      }
      const weight = random(N * D, 1);
      const dy = random(M * D, 2);
      const y = buffer(M * D);
      const dWeight = random(N * D, 3);
      const padded = copy(dWeight, N * D);
      const want = values(dWeight, N * D);
      const wantPadded = values(dWeight, N * D);
      for (let m = 0; m < M; m++) {
        const row = (3 * m) % N;
        for (let d = 0; d < D; d++) {
          want[row * D + d] += get(dy, m * D + d);
          if (row != 3) wantPadded[row * D + d] += get(dy, m * D + d);
        }
      }
      embeddingForward(y, x, weight, M, D);
      for (let m = 0; m < M; m++) {
        const row = (3 * m) % N;
        expectBits(y + (<usize>(m * D) << 2), weight + (<usize>(row * D) << 2), D, "row");
      }
      expectGuards(y, M * D, "y");
      embeddingBackward(dWeight, dy, x, -1, M, D);
      expectClose(dWeight, want, sumTolerance(2), "dWeight");
      embeddingBackward(padded, dy, x, 3, M, D);
      expectClose(padded, wantPadded, sumTolerance(2), "dWeight with padding");
    }
  });

  test("finds the first number that is none of a row", () => {
    const bad: f32[] = [5.0, -1.0, 0.5, 4.5, f32.NaN, f32.POSITIVE_INFINITY, f32.NEGATIVE_INFINITY, 1e30];
    for (let k = 0; k < bad.length; k++) {
      const x = zeros(6);
      put(x, 1, 4.0);
      put(x, 2, -0.0);
      expect<i32>(firstBadIndex(x, 6, 5)).toBe(-1);
      put(x, 5, bad[k]);
      expect<i32>(firstBadIndex(x, 5, 5)).toBe(-1);
      expect<i32>(firstBadIndex(x, 6, 5)).toBe(5);
      put(x, 3, bad[k]);
      expect<i32>(firstBadIndex(x, 6, 5)).toBe(3);
    }
  });
});

describe("conv1d", () => {
  test("sums over its taps, and the three gradients, for every stride, dilation and padding", () => {
    for (let w = 0; w < 42; w++) {
      const B = SIZES[w % 3];
      const I = SIZES[(w + 2) % SIZES.length];
      const O = SIZES[(w + 5) % SIZES.length];
      const K = 1 + (w % 4);
      const stride = 1 + (w % 3);
      const dilation = 1 + (w % 2);
      const padding = w % 6;
      const T = 7 + dilation * (K - 1) + (w % 2);
      // Steps of output with the same padding behind, or without.
      const U = (T + (w % 2 ? padding : 2 * padding) - dilation * (K - 1) - 1) / stride + 1;
      const x = random(T * B * I, 1);
      const weight = random(O * I * K, 2);
      const bias = random(O, 3);
      const dy = random(U * B * O, 4);
      const dWeight = random(O * I * K, 5);
      const dBias = random(O, 6);
      const wantY = new Float64Array(U * B * O);
      const wantDx = new Float64Array(T * B * I);
      const wantDw = values(dWeight, O * I * K);
      const wantDb = values(dBias, O);
      for (let u = 0; u < U; u++) {
        for (let b = 0; b < B; b++) {
          for (let o = 0; o < O; o++) {
            const out = (u * B + b) * O + o;
            wantY[out] = get(bias, o);
            wantDb[o] += get(dy, out);
            for (let k = 0; k < K; k++) {
              const t = stride * u + dilation * k - padding;
              if (t < 0 || t >= T) continue;
              for (let i = 0; i < I; i++) {
                const at = (t * B + b) * I + i;
                const weightAt = (o * I + i) * K + k;
                wantY[out] += get(x, at) * get(weight, weightAt);
                wantDx[at] += get(dy, out) * get(weight, weightAt);
                wantDw[weightAt] += get(dy, out) * get(x, at);
              }
            }
          }
        }
      }
      const y = buffer(U * B * O);
      const dx = buffer(T * B * I);
      const size = max(packedSize(I, O), max(packedSize(O, I), scratchSize(I)));
      const panels = buffer(size);
      const dTap = buffer(O * I);
      conv1dForward(y, x, weight, bias, panels, T, U, B, I, O, K, stride, dilation, padding);
      expectClose(y, wantY, sumTolerance(I * K), "y");
      conv1dBackward(dx, dWeight, dBias, dy, x, weight, dTap, panels, T, U, B, I, O, K, stride, dilation, padding);
      expectClose(dx, wantDx, sumTolerance(O * K), "dx");
      expectClose(dWeight, wantDw, sumTolerance(U * B), "dWeight");
      expectClose(dBias, wantDb, sumTolerance(U * B), "dBias");
      expectGuards(panels, size, "panels");
      expectGuards(dTap, O * I, "dTap");
      const alone = zeros(O * I * K);
      conv1dBackward(0, alone, 0, dy, x, weight, dTap, panels, T, U, B, I, O, K, stride, dilation, padding);
      expectGuards(alone, O * I * K, "dWeight alone");
    }
  });

  test("a tap that never meets x adds nothing, however far off it is", () => {
    const y = buffer(2);
    const x = random(3, 1);
    const bias = random(1, 2);
    const weight = random(2, 3);
    const panels = buffer(packedSize(1, 1));
    conv1dForward(y, x, weight, bias, panels, 3, 2, 1, 1, 1, 2, 1, i32.MAX_VALUE, i32.MAX_VALUE);
    const want = new Float64Array(2);
    for (let u = 0; u < 2; u++) want[u] = get(bias, 0) + get(weight, 1) * get(x, u);
    expectClose(y, want, sumTolerance(1), "y");
  });
});

describe("activation", () => {
  test("is the cells' function and slope, over arrays of any length", () => {
    for (let kind = 0; kind < Activation.APART; kind++) {
      for (let w = 0; w < SIZES.length; w++) {
        const n = SIZES[w];
        const x = random(n, 1, 2.0);
        const dy = random(n, 2);
        const y = buffer(n);
        const dx = buffer(n);
        activationForward(y, x, kind, 0.75, 0.5, n);
        activationBackward(dx, dy, y, kind, 0.75, 0.5, n);
        const wantY = new Float64Array(n);
        const wantDx = new Float64Array(n);
        for (let k = 0; k < n; k++) {
          const v = activate4(kind, 0.75, 0.5, f32x4.splat(<f32>get(x, k)));
          wantY[k] = f32x4.extract_lane(v, 0);
          wantDx[k] = <f32>get(dy, k) * f32x4.extract_lane(slope4(kind, 0.75, 0.5, v), 0);
        }
        expectClose(y, wantY, 0.0, "y");
        expectClose(dx, wantDx, 0.0, "dx");
      }
    }
  });
});
