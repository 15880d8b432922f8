import { lstmCellBackward, lstmCellForward } from "../cells/lstm";
import { Cell } from "../sequence";
import { createSequence } from "./sequence";
import { buffer, copy, expectBits, expectClose, get, random } from "./support";

function sigmoid(x: f64): f64 {
  return 1.0 / (1.0 + Math.exp(-x));
}

/** The gates' blocks of a row, and the tail of one to three units behind full vectors. */
const WIDTHS: i32[] = [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 31];

describe("lstmCellForward", () => {
  test("is equations (2) to (4), and may run in place", () => {
    for (let w = 0; w < WIDTHS.length; w++) {
      const H = WIDTHS[w];
      const B = 1 + (w % 3);
      const n = B * H;
      const s = createSequence(Cell.LSTM, 1, B, 1, H);
      const a = random(4 * n, 1, 3.0);
      const cPrev = random(n, 2);
      const gates = copy(a, 4 * n);
      const h = buffer(n);
      const c = buffer(n);
      const tanhC = buffer(n);
      const preact = buffer(4 * n);
      lstmCellForward(s, h, c, gates, tanhC, preact, cPrev, B);
      const wantGates = new Float64Array(4 * n);
      const wantC = new Float64Array(n);
      const wantT = new Float64Array(n);
      const wantH = new Float64Array(n);
      for (let b = 0; b < B; b++) {
        for (let u = 0; u < H; u++) {
          const at = b * 4 * H + u;
          const k = b * H + u;
          const i = sigmoid(get(a, at));
          const f = sigmoid(get(a, at + H));
          const g = Math.tanh(get(a, at + 2 * H));
          const o = sigmoid(get(a, at + 3 * H));
          wantGates[at] = i;
          wantGates[at + H] = f;
          wantGates[at + 2 * H] = g;
          wantGates[at + 3 * H] = o;
          wantC[k] = f * get(cPrev, k) + i * g;
          wantT[k] = Math.tanh(wantC[k]);
          wantH[k] = o * wantT[k];
        }
      }
      // A gate is off by 2 units in 2⁻²⁴, c by those of two products.
      expectClose(gates, wantGates, 2.4e-7, "gates");
      expectClose(c, wantC, 6e-7, "c");
      expectClose(tanhC, wantT, 8e-7, "tanhC");
      expectClose(h, wantH, 1e-6, "h");
      expectBits(preact, a, 4 * n, "preact");

      const inPlace = copy(cPrev, n);
      lstmCellForward(s, h, inPlace, copy(a, 4 * n), tanhC, 0, inPlace, B);
      expectBits(inPlace, c, n, "c in place");
    }
  });
});

describe("lstmCellBackward", () => {
  test("is equations (5) to (7), and may run in place", () => {
    for (let w = 0; w < WIDTHS.length; w++) {
      const H = WIDTHS[w];
      const B = 1 + (w % 3);
      const n = B * H;
      const s = createSequence(Cell.LSTM, 1, B, 1, H);
      const gates = random(4 * n, 1);
      const tanhC = random(n, 2);
      const cPrev = random(n, 3);
      const c = random(n, 6);
      const dh = random(n, 4);
      const direct = random(n, 5);
      const dc = copy(direct, n);
      const dcPrev = buffer(n);
      const da = copy(gates, 4 * n);
      lstmCellBackward(s, dcPrev, dc, da, dh, tanhC, 0, c, cPrev, 0, 0, B);
      const wantDa = new Float64Array(4 * n);
      const wantDc = new Float64Array(n);
      const wantPrev = new Float64Array(n);
      for (let b = 0; b < B; b++) {
        for (let u = 0; u < H; u++) {
          const at = b * 4 * H + u;
          const k = b * H + u;
          const i = get(gates, at);
          const f = get(gates, at + H);
          const g = get(gates, at + 2 * H);
          const o = get(gates, at + 3 * H);
          const t = get(tanhC, k);
          const d = get(direct, k) + get(dh, k) * o * (1.0 - t * t);
          wantDc[k] = d;
          wantPrev[k] = d * f;
          wantDa[at] = d * g * i * (1.0 - i);
          wantDa[at + H] = d * get(cPrev, k) * f * (1.0 - f);
          wantDa[at + 2 * H] = d * i * (1.0 - g * g);
          wantDa[at + 3 * H] = get(dh, k) * t * o * (1.0 - o);
        }
      }
      expectClose(dc, wantDc, 5e-7, "dc");
      expectClose(dcPrev, wantPrev, 7e-7, "dcPrev");
      expectClose(da, wantDa, 1e-6, "da");

      const inPlace = copy(direct, n);
      lstmCellBackward(s, inPlace, inPlace, copy(gates, 4 * n), dh, tanhC, 0, c, cPrev, 0, 0, B);
      expectBits(inPlace, dcPrev, n, "dcPrev in place");
    }
  });
});
