// The loop's own rules; that its numbers are right at every size is proven against the float64 oracle, through the bindings.
import {
  recurrentBackward,
  recurrentForward,
  recurrentPackBackward,
  recurrentPackForward,
  recurrentStep,
} from "../layers/recurrent";
import { Cell, Sequence } from "../sequence";
import { createSequence } from "./sequence";
import { buffer, copy, expectBits, expectGuards, get, put, values } from "./support";

const CELLS: i32[] = [Cell.LSTM, Cell.GRU, Cell.RNN];

function gates(cell: i32): i32 {
  return cell == Cell.LSTM ? 4 : cell == Cell.GRU ? 3 : 1;
}

function forward(s: Sequence): void {
  recurrentPackForward(changetype<usize>(s));
  recurrentForward(changetype<usize>(s));
}

function backward(s: Sequence): void {
  if (s.c) for (let k = 0; k < s.B * s.H; k++) put(s.dc, (s.keepDc ? (s.reverse ? 0 : s.T) : 0) * s.B * s.H + k, 0.25);
  recurrentPackBackward(changetype<usize>(s));
  recurrentBackward(changetype<usize>(s));
}

/** Nothing was written around any buffer that the passes write. */
function expectAllGuards(s: Sequence): void {
  const n = s.T * s.B;
  const N = gates(s.cell) * s.H;
  expectGuards(s.h, (s.T + 1) * s.B * s.R, "h");
  if (s.c) expectGuards(s.c, (s.T + 1) * s.B * s.H, "c");
  expectGuards(s.gates, n * N, "gates");
  expectGuards(s.kept, n * s.H, "kept");
  if (s.wide) expectGuards(s.wide, n * s.H, "m");
  expectGuards(s.dh, (s.T + 1) * s.B * s.R, "dh");
  expectGuards(s.dc, (s.T + 1) * s.B * s.H, "dc");
  expectGuards(s.dx, n * s.I, "dx");
  expectGuards(s.dWeightIh, N * s.I, "dWeightIh");
  expectGuards(s.dWeightHh, N * s.R, "dWeightHh");
  expectGuards(s.dBiasIh, N, "dBiasIh");
  expectGuards(s.dBiasHh, N, "dBiasHh");
}

function expectNumbers(at: usize, n: i32, what: string): void {
  let numbers = true;
  for (let k = 0; k < n; k++) if (isNaN(get(at, k))) numbers = false;
  expect<bool>(numbers).toBe(true, what + ": NaN left");
}

describe("forward and backward", () => {
  test("write all of their outputs and nothing else", () => {
    for (let k = 0; k < 3; k++) {
      for (let H = 1; H <= 9; H += 4) {
        for (let projected = 0; projected < 2; projected++) {
          if (projected && (CELLS[k] != Cell.LSTM || H == 1)) continue;
          const s = createSequence(CELLS[k], 3, 2, 5, H, projected ? H - 1 : 0);
          s.keepDc = 1;
          forward(s);
          backward(s);
          expectAllGuards(s);
          expectNumbers(s.h, 4 * 2 * s.R, "h");
          expectNumbers(s.gates, 3 * 2 * gates(s.cell) * H, "da");
          expectNumbers(s.dh, 4 * 2 * s.R, "dh");
          expectNumbers(s.dx, 3 * 2 * 5, "dx");
          if (s.c) expectNumbers(s.dc, 4 * 2 * H, "dc");
        }
      }
    }
  });

  test("one slot for dc gives the bits of one for every step", () => {
    const many = createSequence(Cell.LSTM, 4, 2, 3, 5);
    const one = createSequence(Cell.LSTM, 4, 2, 3, 5);
    many.keepDc = 1;
    forward(many);
    forward(one);
    backward(many);
    backward(one);
    expectBits(many.dc, one.dc, 2 * 5, "dc0");
    expectBits(many.dx, one.dx, 4 * 2 * 3, "dx");
    expectBits(many.dWeightHh, one.dWeightHh, 20 * 5, "dWeightHh");
  });

  test("the reverse direction is the forward one over turned steps", () => {
    for (let k = 0; k < 3; k++) {
      const T = 4;
      const B = 2;
      const I = 3;
      const H = 5;
      const s = createSequence(CELLS[k], T, B, I, H);
      const r = createSequence(CELLS[k], T, B, I, H);
      r.reverse = 1;
      for (let t = 0; t < T; t++) {
        memory.copy(r.at(r.x, t, 0, I), s.at(s.x, T - 1 - t, 0, I), (B * I) << 2);
        memory.copy(r.at(r.dh, t, 0, H), s.at(s.dh, T - t, 0, H), (B * H) << 2);
      }
      memory.copy(r.at(r.h, T, 0, H), s.h, (B * H) << 2);
      if (s.c) memory.copy(r.at(r.c, T, 0, H), s.c, (B * H) << 2);
      forward(s);
      forward(r);
      backward(s);
      backward(r);
      for (let t = 0; t <= T; t++) {
        expectBits(r.at(r.h, T - t, 0, H), s.at(s.h, t, 0, H), B * H, "h");
        expectBits(r.at(r.dh, T - t, 0, H), s.at(s.dh, t, 0, H), B * H, "dh");
      }
      for (let t = 0; t < T; t++) expectBits(r.at(r.dx, T - 1 - t, 0, I), s.at(s.dx, t, 0, I), B * I, "dx");
    }
  });

  test("a row that the mask leaves out keeps its state and passes its gradient on", () => {
    for (let k = 0; k < 3; k++) {
      const T = 3;
      const B = 2;
      const s = createSequence(CELLS[k], T, B, 3, 5);
      const N = gates(s.cell) * 5;
      s.mask = heap.alloc(T * B);
      memory.fill(s.mask, 1, T * B);
      // Row 1 holds at step 1: a gap.
      store<u8>(s.mask + 3, 0);
      forward(s);
      expectBits(s.at(s.h, 2, 1, 5), s.at(s.h, 1, 1, 5), 5, "h held");
      if (s.c) expectBits(s.at(s.c, 2, 1, 5), s.at(s.c, 1, 1, 5), 5, "c held");
      const given = values(s.at(s.dh, 1, 1, 5), 5);
      s.keepDc = 1;
      backward(s);
      for (let u = 0; u < 5; u++) {
        // The step before the gap receives its own output's gradient and all that reached the gap.
        const sum = <f64>(<f32>(given[u] + get(s.at(s.dh, 2, 1, 5), u)));
        expect<f64>(get(s.at(s.dh, 1, 1, 5), u)).toBe(sum);
      }
      for (let u = 0; u < N; u++) expect<f64>(get(s.at(s.gates, 1, 1, N), u)).toBe(0.0);
      for (let u = 0; u < 3; u++) expect<f64>(get(s.at(s.dx, 1, 1, 3), u)).toBe(0.0);
      expectAllGuards(s);
    }
  });

  test("dx may be left out, or added to", () => {
    const s = createSequence(Cell.GRU, 2, 2, 3, 5);
    forward(s);
    const taped = copy(s.gates, 2 * 2 * 15);
    const dh = copy(s.dh, 3 * 2 * 5);
    backward(s);
    const once = values(s.dx, 12);
    memory.copy(s.gates, taped, (2 * 2 * 15) << 2);
    memory.copy(s.dh, dh, (3 * 2 * 5) << 2);
    s.addDx = 1;
    backward(s);
    for (let k = 0; k < 12; k++) expect<bool>(abs(get(s.dx, k) - 2.0 * once[k]) <= 1e-6).toBe(true);
    memory.copy(s.gates, taped, (2 * 2 * 15) << 2);
    memory.copy(s.dh, dh, (3 * 2 * 5) << 2);
    const kept = copy(s.dx, 12);
    const dx = s.dx;
    s.dx = 0;
    backward(s);
    expectBits(dx, kept, 12, "dx");
  });
});

describe("recurrentStep", () => {
  test("has the bits of the whole sequence", () => {
    for (let k = 0; k < 3; k++) {
      const T = 5;
      const whole = createSequence(CELLS[k], T, 1, 3, 6);
      const step = createSequence(CELLS[k], 1, 1, 3, 6);
      memory.copy(step.h, whole.h, 6 << 2);
      if (step.c) memory.copy(step.c, whole.c, 6 << 2);
      forward(whole);
      recurrentPackForward(changetype<usize>(step));
      for (let t = 0; t < T; t++) {
        step.x = whole.at(whole.x, t, 0, 3);
        recurrentStep(changetype<usize>(step));
        expectBits(step.h, whole.at(whole.h, t + 1, 0, 6), 6, "h");
      }
    }
  });
});
