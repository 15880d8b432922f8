import { slstmCellBackward, slstmCellForward } from "../cells/slstm";
import { Cell } from "../sequence";
import { createSequence } from "./sequence";
import { buffer, copy, expectBits, expectClose, get, put, random, zeros } from "./support";

function sigmoid(x: f64): f64 {
  return 1.0 / (1.0 + Math.exp(-x));
}

const WIDTHS: i32[] = [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 31];

/** A state n that is above 0, and 0 in every fifth unit. */
function counts(n: i32): usize {
  const at = random(n, 8, 0.9);
  for (let k = 0; k < n; k++) put(at, k, k % 5 == 3 ? 0.0 : <f32>(get(at, k) + 1.0));
  return at;
}

describe("slstmCellForward", () => {
  test("is equations (2) to (6), and may run in place", () => {
    for (let w = 0; w < WIDTHS.length; w++) {
      const H = WIDTHS[w];
      const B = 1 + (w % 3);
      const n = B * H;
      const s = createSequence(Cell.SLSTM, 1, B, 1, H);
      const a = random(4 * n, 1, 3.0);
      const cPrev = random(n, 2);
      const nPrev = counts(n);
      const mPrev = random(n, 4, 2.0);
      const gates = copy(a, 4 * n);
      const h = buffer(n);
      const c = buffer(n);
      const nn = buffer(n);
      const m = buffer(n);
      const slope = buffer(n);
      const preact = buffer(4 * n);
      slstmCellForward(s, h, c, nn, m, gates, slope, preact, cPrev, nPrev, mPrev, B);
      const wantGates = new Float64Array(4 * n);
      const wantH = new Float64Array(n);
      const wantC = new Float64Array(n);
      const wantN = new Float64Array(n);
      const wantM = new Float64Array(n);
      const wantSlope = new Float64Array(n);
      for (let b = 0; b < B; b++) {
        for (let u = 0; u < H; u++) {
          const at = b * 4 * H + u;
          const k = b * H + u;
          const l = Math.log(sigmoid(get(a, at + H))) + get(mPrev, k);
          const first = get(nPrev, k) == 0.0;
          wantM[k] = first ? get(a, at) : max(l, get(a, at));
          const i = Math.exp(get(a, at) - wantM[k]);
          const f = first ? 0.0 : Math.exp(l - wantM[k]);
          wantGates[at] = i;
          wantGates[at + H] = f;
          wantGates[at + 2 * H] = Math.tanh(get(a, at + 2 * H));
          wantGates[at + 3 * H] = sigmoid(get(a, at + 3 * H));
          wantC[k] = f * get(cPrev, k) + i * wantGates[at + 2 * H];
          wantN[k] = f * get(nPrev, k) + i;
          wantH[k] = (wantGates[at + 3 * H] * wantC[k]) / wantN[k];
          wantSlope[k] = sigmoid(-get(a, at + H));
        }
      }
      // Differences of numbers up to 5 are off by 2⁻²¹, and so is what they are exponents of.
      expectClose(gates, wantGates, 1e-6, "gates");
      expectClose(m, wantM, 6e-7, "m");
      expectClose(c, wantC, 2e-6, "c");
      expectClose(nn, wantN, 3e-6, "n");
      expectClose(h, wantH, 2e-6, "h");
      expectClose(slope, wantSlope, 2e-7, "slope");
      expectBits(preact, a, 4 * n, "preact");

      const inC = copy(cPrev, n);
      const inN = copy(nPrev, n);
      const inM = copy(mPrev, n);
      slstmCellForward(s, h, inC, inN, inM, copy(a, 4 * n), slope, 0, inC, inN, inM, B);
      expectBits(inC, c, n, "c in place");
      expectBits(inN, nn, n, "n in place");
      expectBits(inM, m, n, "m in place");
    }
  });

  test("large arguments do not overflow", () => {
    const s = createSequence(Cell.SLSTM, 1, 1, 1, 2);
    const h = buffer(2);
    const c = zeros(2);
    const n = zeros(2);
    const m = zeros(2);
    for (let step = 0; step < 3; step++) {
      const gates = zeros(8);
      put(gates, 0, step == 1 ? 500.0 : -500.0);
      put(gates, 1, step == 1 ? -500.0 : 500.0);
      put(gates, 4, 1.0);
      put(gates, 5, 1.0);
      slstmCellForward(s, h, c, n, m, gates, buffer(2), 0, c, n, m, 1);
      expectClose(h, new Float64Array(2).fill(0.5 * Math.tanh(1.0)), 1e-6, "h");
    }
  });
});

describe("slstmCellBackward", () => {
  test("is equations (7) to (11), and may run in place", () => {
    for (let w = 0; w < WIDTHS.length; w++) {
      const H = WIDTHS[w];
      const B = 1 + (w % 3);
      const n = B * H;
      const s = createSequence(Cell.SLSTM, 1, B, 1, H);
      const gates = random(4 * n, 1);
      for (let b = 0; b < B; b++) {
        // Either gate is 1.
        for (let u = 0; u < H; u++) put(gates, b * 4 * H + u + (u % 2 ? H : 0), 1.0);
      }
      const slope = random(n, 2);
      const c = random(n, 3);
      const nn = counts(n);
      for (let k = 0; k < n; k++) put(nn, k, <f32>(get(nn, k) + 1.0));
      const cPrev = random(n, 5);
      const nPrev = random(n, 6);
      const dh = random(n, 7);
      const givenC = random(n, 9);
      const givenN = random(n, 10);
      const dm = random(n, 11);
      const dc = copy(givenC, n);
      const dn = copy(givenN, n);
      const dcPrev = buffer(n);
      const dnPrev = buffer(n);
      const dmPrev = buffer(n);
      const da = copy(gates, 4 * n);
      slstmCellBackward(s, dcPrev, dnPrev, dmPrev, dc, dn, dm, da, dh, slope, c, nn, cPrev, nPrev, 0, 0, B);
      const want = new Float64Array(4 * n);
      const wantDc = new Float64Array(n);
      const wantDn = new Float64Array(n);
      const wantPrevC = new Float64Array(n);
      const wantPrevN = new Float64Array(n);
      const wantPrevM = new Float64Array(n);
      for (let b = 0; b < B; b++) {
        for (let u = 0; u < H; u++) {
          const at = b * 4 * H + u;
          const k = b * H + u;
          const i = get(gates, at);
          const f = get(gates, at + H);
          const z = get(gates, at + 2 * H);
          const o = get(gates, at + 3 * H);
          const q = get(c, k) / get(nn, k);
          const dq = get(dh, k) * o;
          wantDc[k] = get(givenC, k) + dq / get(nn, k);
          wantDn[k] = get(givenN, k) - (dq * q) / get(nn, k);
          const given = (wantDc[k] * z + wantDn[k]) * i;
          const past = (wantDc[k] * get(cPrev, k) + wantDn[k] * get(nPrev, k)) * f;
          wantPrevM[k] = f == 1.0 ? get(dm, k) - given : past;
          want[at] = f == 1.0 ? given : get(dm, k) - past;
          want[at + H] = wantPrevM[k] * get(slope, k);
          want[at + 2 * H] = wantDc[k] * i * (1.0 - z * z);
          want[at + 3 * H] = get(dh, k) * q * o * (1.0 - o);
          wantPrevC[k] = wantDc[k] * f;
          wantPrevN[k] = wantDn[k] * f;
        }
      }
      expectClose(dc, wantDc, 5e-7, "dc");
      expectClose(dn, wantDn, 5e-7, "dn");
      expectClose(dcPrev, wantPrevC, 7e-7, "dcPrev");
      expectClose(dnPrev, wantPrevN, 7e-7, "dnPrev");
      expectClose(dmPrev, wantPrevM, 2e-6, "dmPrev");
      expectClose(da, want, 2e-6, "da");

      const inC = copy(givenC, n);
      const inN = copy(givenN, n);
      const inM = copy(dm, n);
      slstmCellBackward(s, inC, inN, inM, inC, inN, inM, copy(gates, 4 * n), dh, slope, c, nn, cPrev, nPrev, 0, 0, B);
      expectBits(inC, dcPrev, n, "dcPrev in place");
      expectBits(inN, dnPrev, n, "dnPrev in place");
      expectBits(inM, dmPrev, n, "dmPrev in place");
    }
  });
});
