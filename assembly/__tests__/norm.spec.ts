import { EPSILON, normBackward, normForward } from "../math/norm";
import { buffer, expectClose, get, random, values, zeros } from "./support";

const WIDTHS: i32[] = [1, 2, 3, 4, 5, 8, 9, 17];

describe("layer normalisation", () => {
  test("y = gain·x̂ + shift, or added to what is there, and back", () => {
    for (let w = 0; w < WIDTHS.length; w++) {
      const n = WIDTHS[w];
      const rows = 3;
      const x = random(rows * n, 1);
      const gain = random(n, 2);
      const shift = random(n, 3);
      const dy = random(rows * n, 4);
      const y = buffer(rows * n);
      const hat = buffer(rows * n);
      const scale = buffer(rows);
      const added = random(rows * n, 5);
      const wantAdded = values(added, rows * n);
      const wantY = new Float64Array(rows * n);
      const wantHat = new Float64Array(rows * n);
      const wantScale = new Float64Array(rows);
      const wantDx = new Float64Array(rows * n);
      const wantGain = new Float64Array(n);
      const wantShift = new Float64Array(n);
      for (let b = 0; b < rows; b++) {
        let mean = 0.0;
        let variance = 0.0;
        for (let k = 0; k < n; k++) mean += get(x, b * n + k) / <f64>n;
        for (let k = 0; k < n; k++) variance += (get(x, b * n + k) - mean) ** 2 / <f64>n;
        const r = 1.0 / Math.sqrt(variance + EPSILON);
        wantScale[b] = r;
        let even = 0.0;
        let along = 0.0;
        for (let k = 0; k < n; k++) {
          const at = b * n + k;
          wantHat[at] = (get(x, at) - mean) * r;
          wantY[at] = get(gain, k) * wantHat[at] + get(shift, k);
          wantAdded[at] += get(gain, k) * wantHat[at];
          wantGain[k] += get(dy, at) * wantHat[at];
          wantShift[k] += get(dy, at);
          even += (get(dy, at) * get(gain, k)) / <f64>n;
          along += (get(dy, at) * get(gain, k) * wantHat[at]) / <f64>n;
        }
        for (let k = 0; k < n; k++) {
          const at = b * n + k;
          wantDx[at] = r * (get(dy, at) * get(gain, k) - even - wantHat[at] * along);
        }
      }
      // 1/√(variance + ε) is at most 316, for one value alone; everything behind it is off by as much more.
      const atol = n < 3 ? 1e-4 : 4e-6;
      normForward(y, hat, scale, x, gain, shift, rows, n, EPSILON);
      expectClose(y, wantY, atol, "y");
      expectClose(hat, wantHat, atol, "hat");
      expectClose(scale, wantScale, 4e-5, "scale");
      normForward(added, hat, scale, x, gain, 0, rows, n, EPSILON);
      expectClose(added, wantAdded, atol, "added");
      const dx = buffer(rows * n);
      const dGain = zeros(n);
      const dShift = zeros(n);
      normBackward(dx, dGain, dShift, dy, hat, scale, gain, false, rows, n);
      expectClose(dx, wantDx, 30.0 * atol, "dx");
      expectClose(dGain, wantGain, 10.0 * atol, "dGain");
      expectClose(dShift, wantShift, 1e-6, "dShift");
      normBackward(dx, dGain, 0, dy, hat, scale, gain, true, rows, n);
      for (let k = 0; k < rows * n; k++) wantDx[k] *= 2.0;
      expectClose(dx, wantDx, 60.0 * atol, "dx added");
    }
  });
});
