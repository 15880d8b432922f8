import { dropoutForward } from "../layers/dropout";
import { linearBackward, linearForward } from "../layers/linear";
import { packedSize, scratchSize } from "../math/gemm";
import { buffer, copy, expectClose, expectGuards, get, random, sumTolerance, values, zeros } from "./support";

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
  test("keeps or scales, and says which", () => {
    const n = 20001;
    const x = random(n, 1);
    const y = copy(x, n);
    const mask = buffer(n);
    dropoutForward(y, mask, 0.25, 3, 4, n);
    let dropped = 0;
    let right = true;
    for (let k = 0; k < n; k++) {
      if (get(mask, k) == 0.0) dropped++;
      else if (abs(get(mask, k) - 4.0 / 3.0) > 1e-6) right = false;
      if (get(y, k) != <f64>(<f32>(get(x, k) * get(mask, k)))) right = false;
    }
    expect<bool>(right).toBe(true);
    // Five standard deviations around a quarter.
    expect<bool>(abs(<f64>dropped / <f64>n - 0.25) < 0.0154).toBe(true);
    expectGuards(y, n, "x");
    expectGuards(mask, n, "mask");
  });
});
