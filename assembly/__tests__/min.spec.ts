// minGRU and minLSTM: their equations in float64.
import { minGruCellBackward, minGruCellForward } from "../cells/min-gru";
import { minLstmCellBackward, minLstmCellForward } from "../cells/min-lstm";
import { Cell } from "../sequence";
import { createSequence } from "./sequence";
import { buffer, copy, expectBits, expectClose, get, put, random } from "./support";

function sigmoid(x: f64): f64 {
  return 1.0 / (1.0 + Math.exp(-x));
}

/** g of equation (2g). */
function positive(x: f64): f64 {
  return x < 0 ? sigmoid(x) : x + 0.5;
}

const WIDTHS: i32[] = [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 31];

describe("minGRU", () => {
  test("forward is equations (2) and (3), backward (4) and (5)", () => {
    for (let w = 0; w < 2 * WIDTHS.length; w++) {
      const H = WIDTHS[w >> 1];
      const B = 1 + (w % 3);
      const n = B * H;
      const s = createSequence(Cell.MIN_GRU, 1, B, 1, H);
      s.positive = w & 1;
      const a = random(2 * n, 1, 3.0);
      const hPrev = random(n, 2);
      const dh = random(n, 3);
      const given = random(n, 4);
      const gates = copy(a, 2 * n);
      const preact = buffer(2 * n);
      const h = buffer(n);
      const dhPrev = copy(given, n);
      minGruCellForward(s, h, gates, preact, hPrev, B);
      const da = copy(gates, 2 * n);
      minGruCellBackward(s, dhPrev, da, dh, hPrev, B);
      const wantGates = new Float64Array(2 * n);
      const wantH = new Float64Array(n);
      const wantDa = new Float64Array(2 * n);
      const wantPrev = new Float64Array(n);
      for (let b = 0; b < B; b++) {
        for (let u = 0; u < H; u++) {
          const at = b * 2 * H + u;
          const k = b * H + u;
          const z = sigmoid(get(a, at));
          const an = get(a, at + H);
          const c = s.positive ? positive(an) : an;
          wantGates[at] = z;
          wantGates[at + H] = c;
          wantH[k] = (1.0 - z) * get(hPrev, k) + z * c;
          wantDa[at] = get(dh, k) * (c - get(hPrev, k)) * z * (1.0 - z);
          wantDa[at + H] = get(dh, k) * z * (s.positive && an < 0 ? c * (1.0 - c) : 1.0);
          wantPrev[k] = get(given, k) + get(dh, k) * (1.0 - z);
        }
      }
      expectClose(gates, wantGates, 4e-7, "gates");
      expectClose(h, wantH, 6e-7, "h");
      expectBits(preact, a, 2 * n, "preact");
      expectClose(da, wantDa, 6e-7, "da");
      expectClose(dhPrev, wantPrev, 3e-7, "dhPrev");
    }
  });
});

describe("minLSTM", () => {
  test("forward is equations (2) to (4), backward (5) and (6)", () => {
    for (let w = 0; w < 2 * WIDTHS.length; w++) {
      const H = WIDTHS[w >> 1];
      const B = 1 + (w % 3);
      const n = B * H;
      const s = createSequence(Cell.MIN_LSTM, 1, B, 1, H);
      s.positive = w & 1;
      const a = random(3 * n, 1, 3.0);
      const hPrev = random(n, 2);
      const dh = random(n, 3);
      const given = random(n, 4);
      const gates = copy(a, 3 * n);
      const kept = buffer(n);
      const preact = buffer(3 * n);
      const h = buffer(n);
      const dhPrev = copy(given, n);
      minLstmCellForward(s, h, gates, kept, preact, hPrev, B);
      const da = copy(gates, 3 * n);
      minLstmCellBackward(s, dhPrev, da, dh, kept, hPrev, B);
      const wantGates = new Float64Array(3 * n);
      const wantH = new Float64Array(n);
      const wantKept = new Float64Array(n);
      const wantDa = new Float64Array(3 * n);
      const wantPrev = new Float64Array(n);
      for (let b = 0; b < B; b++) {
        for (let u = 0; u < H; u++) {
          const at = b * 3 * H + u;
          const k = b * H + u;
          const f = sigmoid(get(a, at));
          const i = sigmoid(get(a, at + H));
          const an = get(a, at + 2 * H);
          const c = s.positive ? positive(an) : an;
          const p = f / (f + i);
          wantGates[at] = f;
          wantGates[at + H] = i;
          wantGates[at + 2 * H] = c;
          wantKept[k] = p;
          wantH[k] = p * get(hPrev, k) + (1.0 - p) * c;
          const dp = get(dh, k) * (get(hPrev, k) - c);
          const sum = f + i;
          wantDa[at] = ((dp * i) / (sum * sum)) * f * (1.0 - f);
          wantDa[at + H] = ((-dp * f) / (sum * sum)) * i * (1.0 - i);
          wantDa[at + 2 * H] = get(dh, k) * (1.0 - p) * (s.positive && an < 0 ? c * (1.0 - c) : 1.0);
          wantPrev[k] = get(given, k) + get(dh, k) * p;
        }
      }
      expectClose(gates, wantGates, 4e-7, "gates");
      expectClose(kept, wantKept, 4e-7, "p");
      expectClose(h, wantH, 2e-6, "h");
      expectBits(preact, a, 3 * n, "preact");
      expectClose(da, wantDa, 2e-6, "da");
      expectClose(dhPrev, wantPrev, 5e-7, "dhPrev");
    }
  });

  test("gates too small for float32 still have their share", () => {
    const s = createSequence(Cell.MIN_LSTM, 1, 1, 1, 2);
    const gates = buffer(6);
    const hPrev = buffer(2);
    for (let u = 0; u < 2; u++) {
      put(gates, u, u ? -200.0 : -300.0);
      put(gates, 2 + u, -200.0);
      put(gates, 4 + u, 1.0);
      put(hPrev, u, 3.0);
    }
    const h = buffer(2);
    minLstmCellForward(s, h, gates, buffer(2), 0, hPrev, 1);
    const want = new Float64Array(2);
    want[0] = 1.0;
    want[1] = 2.0;
    expectClose(h, want, 1e-6, "h");
  });
});
