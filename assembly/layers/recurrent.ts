// The loop over time and back-propagation through it, for every cell, both directions, and sequences of any
// length. What a cell does in a step is in `stepForward` and `stepBackward`; its equations are in cells/.
import { GruPart, gruCellBackward, gruCellForward } from "../cells/gru";
import { lstmCellBackward, lstmCellForward, lstmNormBackward, lstmNormForward } from "../cells/lstm";
import { minGruCellBackward, minGruCellForward } from "../cells/min-gru";
import { minLstmCellBackward, minLstmCellForward } from "../cells/min-lstm";
import { rnnCellBackward, rnnCellForward } from "../cells/rnn";
import { slstmCellBackward, slstmCellForward } from "../cells/slstm";
import { flowAlong, flowInto, flowStart, flowStep } from "../flow";
import { columnSums, gemm, gemmTN, pack, packedSize } from "../math/gemm";
import { EPSILON, normBackward, normForward } from "../math/norm";
import { add, addRest, blend, clipValue, multiply, multiplyAdd } from "../math/vector";
import { Cell, Sequence, slot } from "../sequence";

/** Gates of a cell: one hexadecimal digit for each, the last one the LSTM's. */
export function gateCount(cell: i32): i32 {
  return (0x324134 >> (cell << 2)) & 15;
}

/** Packs the weights for the forward pass, and adds up the two biases where the cell only needs their sum. */
export function recurrentPackForward(sequence: usize): void {
  const s = changetype<Sequence>(sequence);
  const N = gateCount(s.cell) * s.H;
  const bytes = <usize>N << 2;
  pack(s.wih, s.weightIh, sizeof<f32>(), <usize>s.I << 2, s.I, N);
  const row = <usize>s.R << 2;
  const first = splits(s) ? 2 * s.H : N;
  if (s.weightHh) pack(s.whh, s.weightHh, sizeof<f32>(), row, s.R, first);
  if (first < N) pack(secondPart(s.whh, s.R, first), s.weightHh + <usize>first * row, sizeof<f32>(), row, s.R, s.H);
  if (s.weightHr) pack(s.whr, s.weightHr, sizeof<f32>(), <usize>s.H << 2, s.H, s.R);
  if (s.cell == Cell.GRU) {
    copyOrZero(s.bias, s.biasIh, bytes);
    copyOrZero(s.biasRec, s.biasHh, bytes);
  } else if (s.biasHh) add(s.bias, s.biasIh, s.biasHh, N);
  else copyOrZero(s.bias, s.biasIh, bytes);
}

/** Whether W_hh takes part in a step twice: a GRU's that resets before the product, whose rows for n wait for r. */
function splits(s: Sequence): bool {
  return s.cell == Cell.GRU && !s.resetAfter;
}

/** Whether W_hh·h gets another gradient than W_ih·x. */
function hasRec(s: Sequence): bool {
  return s.cell == Cell.GRU ? s.resetAfter != 0 : s.gainHh != 0;
}

/** Address behind a packed matrix. */
function secondPart(packed: usize, K: i32, N: i32): usize {
  return packed + (<usize>packedSize(K, N) << 2);
}

/** Packs the weights for the backward pass. */
export function recurrentPackBackward(sequence: usize): void {
  const s = changetype<Sequence>(sequence);
  const N = gateCount(s.cell) * s.H;
  pack(s.wihT, s.weightIh, <usize>s.I << 2, sizeof<f32>(), N, s.I);
  const row = <usize>s.R << 2;
  const first = splits(s) ? 2 * s.H : N;
  if (s.weightHh) pack(s.whhT, s.weightHh, row, sizeof<f32>(), first, s.R);
  if (first < N) pack(secondPart(s.whhT, first, s.R), s.weightHh + <usize>first * row, row, sizeof<f32>(), s.H, s.R);
  if (s.weightHr) pack(s.whrT, s.weightHr, <usize>s.H << 2, sizeof<f32>(), s.R, s.H);
}

function copyOrZero(to: usize, from: usize, bytes: usize): void {
  if (from) memory.copy(to, from, bytes);
  else memory.fill(to, 0, bytes);
}

/** Runs all steps. */
export function recurrentForward(sequence: usize): void {
  const s = changetype<Sequence>(sequence);
  const N = gateCount(s.cell) * s.H;
  const wide = <usize>N << 2;
  if (s.gainIh) {
    memory.fill(s.hatIh, 0, <usize>(s.T * s.B) * wide);
    gemm(s.hatIh, wide, s.hatIh, wide, s.x, <usize>s.I << 2, s.wih, s.T * s.B, N, s.I);
    normForward(s.gates, s.hatIh, s.scaleIh, s.hatIh, s.gainIh, s.bias, s.T * s.B, N, EPSILON);
  } else gemm(s.gates, wide, s.bias, 0, s.x, <usize>s.I << 2, s.wih, s.T * s.B, N, s.I);
  for (let n = 0; n < s.T; n++) {
    if (s.reverse) stepForward(s, s.T - 1 - n, s.T - n, s.T - 1 - n);
    else stepForward(s, n, n, n + 1);
  }
}

/** Step t: from slot `prev` of the tapes to slot `next`. */
function stepForward(s: Sequence, t: i32, prev: i32, next: i32): void {
  const H = s.H;
  const N = gateCount(s.cell) * H;
  const wide = <usize>N << 2;
  const narrow = <usize>s.R << 2;
  let hPrev = s.at(s.h, prev, 0, s.R);
  if (s.hMask) {
    const masked = s.at(s.hMasked, t, 0, s.R);
    multiply(masked, hPrev, s.hMask, s.B * s.R);
    hPrev = masked;
  }
  if (s.cell != Cell.GRU) {
    const gates = s.at(s.gates, t, 0, N);
    if (s.gainHh) {
      memory.fill(s.rec, 0, <usize>s.B * wide);
      gemm(s.rec, wide, s.rec, wide, hPrev, narrow, s.whh, s.B, N, s.R);
      normForward(gates, s.at(s.hatHh, t, 0, N), s.at(s.scaleHh, t, 0, 1), s.rec, s.gainHh, 0, s.B, N, EPSILON);
    } else if (s.weightHh) gemm(gates, wide, gates, wide, hPrev, narrow, s.whh, s.B, N, s.R);
    rowsForward(s, t, prev, next, GruPart.ALL);
  } else if (s.resetAfter) {
    gemm(s.rec, wide, s.biasRec, 0, hPrev, narrow, s.whh, s.B, N, s.R);
    rowsForward(s, t, prev, next, GruPart.ALL);
  } else {
    const block = <usize>(2 * H) << 2;
    gemm(s.rec, wide, s.biasRec, 0, hPrev, narrow, s.whh, s.B, 2 * H, H);
    rowsForward(s, t, prev, next, GruPart.GATES);
    const rh = s.at(s.kept, t, 0, H);
    gemm(s.rec + block, wide, s.biasRec + block, 0, rh, narrow, secondPart(s.whh, H, 2 * H), s.B, H, H);
    rowsForward(s, t, prev, next, GruPart.OUTPUT);
  }
}

/** The cell for the rows that take step t; the others hold their state. */
function rowsForward(s: Sequence, t: i32, prev: i32, next: i32, part: i32): void {
  for (let b = 0; b < s.B; ) {
    const rows = validRows(s, t, b);
    if (rows) cellForward(s, t, prev, next, b, rows, part);
    else holdForward(s, t, prev, next, b);
    b += max(rows, 1);
  }
}

/** How many rows from row b on take step t, without a gap: all of them without a mask, none where row b holds. */
function validRows(s: Sequence, t: i32, b: i32): i32 {
  if (!s.mask) return s.B - b;
  const mask = s.mask + t * s.B;
  let end = b;
  while (end < s.B && load<u8>(mask + end)) end++;
  return end - b;
}

/** Everything of step t behind the recurrent product, for some rows from b on. */
function cellForward(s: Sequence, t: i32, prev: i32, next: i32, b: i32, rows: i32, part: i32): void {
  const H = s.H;
  const N = gateCount(s.cell) * H;
  const gates = s.at(s.gates, t, b, N);
  const preact = s.preact ? s.at(s.preact, t, b, N) : 0;
  const h = s.at(s.h, next, b, s.R);
  const kept = s.at(s.kept, t, b, H);
  if (s.cell == Cell.RNN) {
    rnnCellForward(s, h, gates, preact, rows * H);
  } else if (s.cell == Cell.GRU) {
    // r·h₋ goes into W_hn, so recurrent dropout applies to it; z·h₋ does not.
    const hPrev = part == GruPart.GATES && s.hMask ? s.at(s.hMasked, t, b, H) : s.at(s.h, prev, b, H);
    gruCellForward(part, s, h, gates, kept, preact, s.at(s.rec, 0, b, N), hPrev, rows);
  } else if (s.cell == Cell.SLSTM) {
    const c = s.at(s.c, next, b, H);
    const n = s.at(s.n, next, b, H);
    const m = s.at(s.m, next, b, H);
    const cPrev = s.at(s.c, prev, b, H);
    const nPrev = s.at(s.n, prev, b, H);
    const mPrev = s.at(s.m, prev, b, H);
    slstmCellForward(s, h, c, n, m, gates, kept, preact, cPrev, nPrev, mPrev, rows);
  } else if (s.cell == Cell.MIN_GRU) {
    minGruCellForward(s, h, gates, preact, s.at(s.h, prev, b, H), rows);
  } else if (s.cell == Cell.MIN_LSTM) {
    minLstmCellForward(s, h, gates, kept, preact, s.at(s.h, prev, b, H), rows);
  } else {
    const m = s.wide ? s.at(s.wide, t, b, H) : h;
    const c = s.at(s.c, next, b, H);
    lstmCellForward(s, m, c, gates, kept, preact, s.at(s.c, prev, b, H), rows);
    if (s.gainC) lstmNormForward(s, m, kept, s.at(s.hatC, t, b, H), s.at(s.scaleC, t, b, 1), gates, c, rows);
    if (s.wide) {
      const row = <usize>s.R << 2;
      memory.fill(h, 0, <usize>rows * row);
      gemm(h, row, h, row, m, <usize>H << 2, s.whr, rows, s.R, H);
    }
  }
  if (s.zone && part != GruPart.GATES) blend(h, h, s.at(s.h, prev, b, s.R), s.at(s.zone, t, b, s.R), rows * s.R);
}

/** Row b keeps its state through step t. */
function holdForward(s: Sequence, t: i32, prev: i32, next: i32, b: i32): void {
  const state = <usize>s.H << 2;
  memory.copy(s.at(s.h, next, b, s.R), s.at(s.h, prev, b, s.R), <usize>s.R << 2);
  if (s.c) memory.copy(s.at(s.c, next, b, s.H), s.at(s.c, prev, b, s.H), state);
  if (s.n) memory.copy(s.at(s.n, next, b, s.H), s.at(s.n, prev, b, s.H), state);
  if (s.m) memory.copy(s.at(s.m, next, b, s.H), s.at(s.m, prev, b, s.H), state);
  // Finite values for the products over all steps, where these rows' gradients are 0; and for who looks at the step.
  const wide = <usize>(gateCount(s.cell) * s.H) << 2;
  memory.fill(s.at(s.kept, t, b, s.H), 0, state);
  memory.fill(s.gates + <usize>(t * s.B + b) * wide, 0, wide);
  if (s.preact) memory.fill(s.preact + <usize>(t * s.B + b) * wide, 0, wide);
  if (s.wide) memory.fill(s.at(s.wide, t, b, s.H), 0, state);
}

/** Back-propagates through all steps of a `recurrentForward`, and adds up the gradients of the parameters. */
export function recurrentBackward(sequence: usize): void {
  const s = changetype<Sequence>(sequence);
  const T = s.T;
  const N = gateCount(s.cell) * s.H;
  const TB = T * s.B;
  // Slots: the initial state, the last one, and the first of the T that steps wrote or read.
  const initial = s.reverse ? T : 0;
  const last = T - initial;
  const written = s.at(0, s.reverse ? 0 : 1, 0, s.R);
  const read = s.at(0, s.reverse ? 1 : 0, 0, s.R);

  memory.fill(s.at(s.dh, initial, 0, s.R), 0, (<usize>s.B * s.R) << 2);
  const dhLast = s.at(s.dh, last, 0, s.R);
  if (s.dhn) add(dhLast, dhLast, s.dhn, s.B * s.R);
  if (s.flow) flowStart(s, last);
  let later = last;
  for (let n = 0; n < T; n++) {
    const t = s.reverse ? n : T - 1 - n;
    const prev = s.reverse ? t + 1 : t;
    const next = s.reverse ? t : t + 1;
    if (s.flow) flowStep(s, t, prev, next, later);
    stepBackward(s, t, prev, next);
    later = next;
  }
  if (s.flow) flowStep(s, -1, 0, initial, later);

  const wide = <usize>N << 2;
  // What the gradient of the gates is to W_ih·x, and to W_hh·h.
  let dInput = s.gates;
  if (s.gainIh) {
    normBackward(s.dHatIh, s.dGainIh, 0, s.gates, s.hatIh, s.scaleIh, s.gainIh, false, TB, N);
    dInput = s.dHatIh;
  }
  if (s.dx) {
    const row = <usize>s.I << 2;
    if (!s.addDx) memory.fill(s.dx, 0, <usize>TB * row);
    gemm(s.dx, row, s.dx, row, dInput, wide, s.wihT, TB, s.I, N);
  }
  const dRec = hasRec(s) ? s.dRec : s.gates;
  const h = s.hMask ? s.hMasked : s.h + read;
  gemmTN(s.dWeightIh, dInput, wide, s.x, s.panels, N, s.I, TB);
  if (splits(s)) {
    const block = <usize>(2 * s.H) << 2;
    gemmTN(s.dWeightHh, dRec, wide, h, s.panels, 2 * s.H, s.R, TB);
    gemmTN(s.dWeightHh + block * s.R, dRec + block, wide, s.kept, s.panels, s.H, s.R, TB);
  } else if (s.weightHh) gemmTN(s.dWeightHh, dRec, wide, h, s.panels, N, s.R, TB);
  // dL/d(the projection's result): dL/dh, or what of it went past zoneout.
  if (s.wide) gemmTN(s.dWeightHr, s.zone ? s.dhZone : s.dh + written, <usize>s.R << 2, s.wide, s.panels, s.R, s.H, TB);
  if (!s.dBiasIh) return;
  if (s.cell != Cell.GRU || dRec == s.gates) {
    columnSums(s.dBiasIh, s.dBiasHh, s.gates, TB, N);
  } else {
    columnSums(s.dBiasIh, 0, s.gates, TB, N);
    columnSums(s.dBiasHh, 0, dRec, TB, N);
  }
}

/** Step t, backwards: from slot `next` of the gradients to slot `prev`. */
function stepBackward(s: Sequence, t: i32, prev: i32, next: i32): void {
  const H = s.H;
  const N = gateCount(s.cell) * H;
  const wide = <usize>N << 2;
  const narrow = <usize>s.R << 2;
  const dhPrev = s.hMask ? s.dhMasked : s.at(s.dh, prev, 0, s.R);
  const gates = s.at(s.gates, t, 0, N);
  if (s.hMask) memory.fill(dhPrev, 0, <usize>s.B * narrow);
  if (splits(s)) {
    rowsBackward(s, t, prev, next, GruPart.OUTPUT);
    memory.fill(s.dWide, 0, <usize>s.B * narrow);
    const whnT = secondPart(s.whhT, 2 * H, H);
    gemm(s.dWide, narrow, s.dWide, narrow, gates + (<usize>(2 * H) << 2), wide, whnT, s.B, H, H);
    rowsBackward(s, t, prev, next, GruPart.GATES);
    gemm(dhPrev, narrow, dhPrev, narrow, gates, wide, s.whhT, s.B, H, 2 * H);
  } else {
    rowsBackward(s, t, prev, next, GruPart.ALL);
    const dRec = hasRec(s) ? s.at(s.dRec, t, 0, N) : gates;
    if (s.gainHh) {
      const hat = s.at(s.hatHh, t, 0, N);
      normBackward(dRec, s.dGainHh, 0, gates, hat, s.at(s.scaleHh, t, 0, 1), s.gainHh, false, s.B, N);
    }
    if (s.weightHh) gemm(dhPrev, narrow, dhPrev, narrow, dRec, wide, s.whhT, s.B, s.R, N);
  }
  if (s.hMask) multiplyAdd(s.at(s.dh, prev, 0, s.R), dhPrev, s.hMask, s.B * s.R);
}

/** The cell, backwards, for the rows that took step t; the others' gradients pass unchanged. */
function rowsBackward(s: Sequence, t: i32, prev: i32, next: i32, part: i32): void {
  for (let b = 0; b < s.B; ) {
    const rows = validRows(s, t, b);
    if (rows) cellBackward(s, t, prev, next, b, rows, part);
    else if (part != GruPart.GATES) holdBackward(s, t, prev, next, b);
    b += max(rows, 1);
  }
}

/** Everything of step t before the recurrent product, backwards, for some rows from b on. */
function cellBackward(s: Sequence, t: i32, prev: i32, next: i32, b: i32, rows: i32, part: i32): void {
  const H = s.H;
  const N = gateCount(s.cell) * H;
  const gates = s.at(s.gates, t, b, N);
  const preact = s.at(s.preact, t, b, N);
  const kept = s.at(s.kept, t, b, H);
  let dh = s.at(s.dh, next, b, s.R);
  if (s.zone && part != GruPart.GATES) dh = zoneBackward(s, t, prev, next, b, rows);
  if (s.cell == Cell.RNN) {
    rnnCellBackward(s, gates, dh, preact, rows * H);
  } else if (s.cell == Cell.GRU) {
    const d = part == GruPart.GATES ? s.at(s.dWide, 0, b, H) : dh;
    const masked = part == GruPart.GATES && s.hMask != 0;
    const dhPrev = masked ? s.at(s.dhMasked, 0, b, H) : s.at(s.dh, prev, b, H);
    const hPrev = masked ? s.at(s.hMasked, t, b, H) : s.at(s.h, prev, b, H);
    gruCellBackward(part, s, dhPrev, gates, s.at(s.dRec, t, b, N), d, kept, preact, hPrev, flowAlong(s, next, b), rows);
  } else if (s.cell == Cell.SLSTM) {
    const dcPrev = slot(s, s.dc, prev, b);
    const dnPrev = slot(s, s.dn, prev, b);
    const dmPrev = slot(s, s.dm, prev, b);
    const dc = slot(s, s.dc, next, b);
    const dn = slot(s, s.dn, next, b);
    const c = s.at(s.c, next, b, H);
    const n = s.at(s.n, next, b, H);
    const cPrev = s.at(s.c, prev, b, H);
    const nPrev = s.at(s.n, prev, b, H);
    const dm = slot(s, s.dm, next, b);
    slstmCellBackward(s, dcPrev, dnPrev, dmPrev, dc, dn, dm, gates, dh, kept, c, n, cPrev, nPrev, flowAlong(s, next, b), flowInto(s, next, b), rows);
  } else if (s.cell == Cell.MIN_GRU) {
    minGruCellBackward(s, s.at(s.dh, prev, b, H), gates, dh, s.at(s.h, prev, b, H), rows);
  } else if (s.cell == Cell.MIN_LSTM) {
    minLstmCellBackward(s, s.at(s.dh, prev, b, H), gates, dh, kept, s.at(s.h, prev, b, H), rows);
  } else {
    const p = flowAlong(s, next, b);
    let e = flowInto(s, next, b);
    let dm = dh;
    if (s.wide) {
      dm = unproject(s, s.at(s.dWide, 0, b, H), dh, rows);
      if (e) e = unproject(s, s.at(s.flowC, 1, b + 1, H), e, rows);
    }
    const c = s.at(s.c, next, b, H);
    if (s.gainC) {
      const dNorm = s.at(s.dNormC, 0, b, H);
      const hat = s.at(s.hatC, t, b, H);
      const scale = s.at(s.scaleC, t, b, 1);
      lstmNormBackward(s, slot(s, s.dc, next, b), s.dGainC, s.dShiftC, dNorm, dm, kept, hat, scale, gates, rows);
      if (e) lstmNormBackward(s, p, s.at(s.flowC, 1, 0, H), 0, dNorm, e, kept, hat, scale, gates, rows);
    }
    const dcPrev = slot(s, s.dc, prev, b);
    const cPrev = s.at(s.c, prev, b, H);
    lstmCellBackward(s, dcPrev, slot(s, s.dc, next, b), gates, dm, kept, preact, c, cPrev, p, e, rows);
  }
  // The other cells bound da themselves.
  if (s.cell >= Cell.SLSTM && s.clipStep > 0) clipValue(gates, s.clipStep, rows * N);
}

/** Gradients of rows before their projection. */
function unproject(s: Sequence, to: usize, dh: usize, rows: i32): usize {
  const row = <usize>s.H << 2;
  memory.fill(to, 0, <usize>rows * row);
  gemm(to, row, to, row, dh, <usize>s.R << 2, s.whrT, rows, s.H, s.R);
  return to;
}

/** What of dh reaches the cell of some rows behind zoneout; the rest goes on to the step before. */
function zoneBackward(s: Sequence, t: i32, prev: i32, next: i32, b: i32, rows: i32): usize {
  const n = rows * s.R;
  const dh = s.at(s.dh, next, b, s.R);
  const dhPrev = s.at(s.dh, prev, b, s.R);
  const cell = s.at(s.dhZone, t, b, s.R);
  multiply(cell, dh, s.at(s.zone, t, b, s.R), n);
  addRest(dhPrev, dh, cell, n);
  return cell;
}

/** Row b held its state through step t: its gradients pass unchanged, and the gates get none. */
function holdBackward(s: Sequence, t: i32, prev: i32, next: i32, b: i32): void {
  const N = gateCount(s.cell) * s.H;
  const dhPrev = s.at(s.dh, prev, b, s.R);
  add(dhPrev, dhPrev, s.at(s.dh, next, b, s.R), s.R);
  const state = <usize>s.H << 2;
  if (s.c && s.keepDc) memory.copy(slot(s, s.dc, prev, b), slot(s, s.dc, next, b), state);
  if (s.n && s.keepDc) memory.copy(slot(s, s.dn, prev, b), slot(s, s.dn, next, b), state);
  if (s.m && s.keepDc) memory.copy(slot(s, s.dm, prev, b), slot(s, s.dm, next, b), state);
  memory.fill(s.at(s.gates, t, b, N), 0, <usize>N << 2);
  if (s.zone) memory.fill(s.at(s.dhZone, t, b, s.R), 0, <usize>s.R << 2);
  if (hasRec(s)) memory.fill(s.at(s.dRec, t, b, N), 0, <usize>N << 2);
}

/**
 * One streaming step, T = B = 1, forwards: the same kernels, and so the same bits, as a step of `recurrentForward`. The new
 * state moves to slot 0.
 */
export function recurrentStep(sequence: usize): void {
  recurrentForward(sequence);
  const s = changetype<Sequence>(sequence);
  memory.copy(s.h, s.at(s.h, 1, 0, s.R), <usize>s.R << 2);
  const state = <usize>s.H << 2;
  if (s.c) memory.copy(s.c, s.at(s.c, 1, 0, s.H), state);
  if (s.n) memory.copy(s.n, s.at(s.n, 1, 0, s.H), state);
  if (s.m) memory.copy(s.m, s.at(s.m, 1, 0, s.H), state);
}
