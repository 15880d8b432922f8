import { GruPart, gruCellBackward, gruCellForward } from "../cells/gru";
import { Cell } from "../sequence";
import { createSequence } from "./sequence";
import { buffer, copy, expectClose, get, random, values } from "./support";

function sigmoid(x: f64): f64 {
  return 1.0 / (1.0 + Math.exp(-x));
}

const WIDTHS: i32[] = [1, 2, 3, 4, 5, 7, 8, 9, 17];

describe("the GRU cell", () => {
  test("is equations (2) to (4), forwards", () => {
    for (let w = 0; w < WIDTHS.length; w++) {
      const H = WIDTHS[w];
      const B = 1 + (w % 3);
      const n = B * H;
      const s = createSequence(Cell.GRU, 1, B, 1, H);
      const p = random(3 * n, 1, 2.0);
      const q = random(3 * n, 2, 2.0);
      const hPrev = random(n, 3);
      const gates = copy(p, 3 * n);
      const h = buffer(n);
      const kept = buffer(n);
      const preact = buffer(3 * n);
      gruCellForward(GruPart.ALL, s, h, gates, kept, preact, q, hPrev, B);
      const wantGates = new Float64Array(3 * n);
      const wantPre = new Float64Array(3 * n);
      const wantH = new Float64Array(n);
      const wantKept = new Float64Array(n);
      for (let b = 0; b < B; b++) {
        for (let u = 0; u < H; u++) {
          const at = b * 3 * H + u;
          const k = b * H + u;
          wantPre[at] = get(p, at) + get(q, at);
          wantPre[at + H] = get(p, at + H) + get(q, at + H);
          const r = sigmoid(wantPre[at]);
          const z = sigmoid(wantPre[at + H]);
          wantPre[at + 2 * H] = get(p, at + 2 * H) + r * get(q, at + 2 * H);
          const v = Math.tanh(wantPre[at + 2 * H]);
          wantGates[at] = r;
          wantGates[at + H] = z;
          wantGates[at + 2 * H] = v;
          wantKept[k] = get(q, at + 2 * H);
          wantH[k] = (1.0 - z) * v + z * get(hPrev, k);
        }
      }
      expectClose(preact, wantPre, 1e-6, "preact");
      expectClose(gates, wantGates, 1e-6, "gates");
      expectClose(kept, wantKept, 0.0, "kept");
      expectClose(h, wantH, 1e-6, "h");
    }
  });

  test("is equations (5) to (8), backwards", () => {
    for (let w = 0; w < WIDTHS.length; w++) {
      const H = WIDTHS[w];
      const B = 1 + (w % 3);
      const n = B * H;
      const s = createSequence(Cell.GRU, 1, B, 1, H);
      const gates = random(3 * n, 1);
      const kept = random(n, 2);
      const hPrev = random(n, 3);
      const dh = random(n, 4);
      const dhPrev = random(n, 5);
      const wantPrev = values(dhPrev, n);
      const dp = copy(gates, 3 * n);
      const dq = buffer(3 * n);
      gruCellBackward(GruPart.ALL, s, dhPrev, dp, dq, dh, kept, 0, hPrev, 0, B);
      const wantDp = new Float64Array(3 * n);
      const wantDq = new Float64Array(3 * n);
      for (let b = 0; b < B; b++) {
        for (let u = 0; u < H; u++) {
          const at = b * 3 * H + u;
          const k = b * H + u;
          const r = get(gates, at);
          const z = get(gates, at + H);
          const v = get(gates, at + 2 * H);
          const d = get(dh, k);
          const dpn = d * (1.0 - z) * (1.0 - v * v);
          wantDp[at] = dpn * get(kept, k) * r * (1.0 - r);
          wantDp[at + H] = d * (get(hPrev, k) - v) * z * (1.0 - z);
          wantDp[at + 2 * H] = dpn;
          wantDq[at] = wantDp[at];
          wantDq[at + H] = wantDp[at + H];
          wantDq[at + 2 * H] = dpn * r;
          wantPrev[k] += d * z;
        }
      }
      expectClose(dp, wantDp, 2e-6, "dp");
      expectClose(dq, wantDq, 2e-6, "dq");
      expectClose(dhPrev, wantPrev, 5e-7, "dhPrev");
    }
  });
});
