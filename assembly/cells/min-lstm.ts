// THE minLSTM EQUATIONS (Feng et al. 2024, Were RNNs All We Needed?, arXiv 2410.01201, section 3.2; gate order f, i, n, where
// n is the paper's h̃). As in minGRU, all steps of (1) are one product, and what is left is a scan.
// Held against what readers quote of the paper, word for word (version 1) or in notes (version 3), and its listings.
//
// forward
//   a = W_ih·x + b_ih                                                 (1)
//   f = σ(a_f)   i = σ(a_i)   n = a_n                                 (2)
//   p = f / (f + i)                                                   (3)  so that the scale of h does not depend on time
//   h = p·h₋ + (1 − p)·n                                              (4)
// p is worked out as σ(log f − log i), which f and i too small for float32 do not harm.
//
// backward; d… is the total derivative of the loss, along every later path
//   dq = dh·(h₋ − n)·p(1 − p)   dn = dh·(1 − p)   dh₋ = dh·p + …      (5)  from 4; q = log f − log i
//   da_f = dq·(1 − f)   da_i = −dq·(1 − i)   da_n = dn                (6)  from 3 and 2
//   dx = W_ihᵀ·da   dW_ih = Σ da·xᵀ   db_ih = Σ da                    (7)  from 1, over t and the batch
//
// options: positive (2g) and clipStep, as in minGRU
import { sigmoid, softplus4 } from "../math/activation";
import { constant, LANES, loadSome, madd, ONE, storeSome } from "../math/simd";
import { Sequence } from "../sequence";
import { candidate, candidateSlope } from "./min-gru";

/** Equations (2) to (4) for some rows of one step. */
export function minLstmCellForward(
  s: Sequence, //     options
  h: usize, //        [rows,H]   out =
  gates: usize, //    [rows,3H]  in a, out f, i, n: kept for the backward pass
  kept: usize, //     [rows,H]   out =   p: kept for the backward pass
  preact: usize, //   [rows,3H]  out =   a; or 0
  hPrev: usize, //    [rows,H]   in
  rows: i32,
): void {
  const H = s.H;
  const block = <usize>H << 2;
  if (preact) memory.copy(preact, gates, <usize>rows * 3 * block);
  for (let b = 0; b < rows; b++) {
    for (let u = 0; u < H; u += LANES) {
      const at = <usize>u << 2;
      const lanes = H - u;
      const gate = gates + at;
      const af = loadSome(gate, lanes);
      const ai = loadSome(gate + block, lanes);
      const n = candidate(s, loadSome(gate + 2 * block, lanes)); // (2)
      const p = sigmoid(f32x4.sub(softplus4(f32x4.neg(ai)), softplus4(f32x4.neg(af)))); // (3): log σ(a) = −softplus(−a)
      storeSome(gate, sigmoid(af), lanes);
      storeSome(gate + block, sigmoid(ai), lanes);
      storeSome(gate + 2 * block, n, lanes);
      storeSome(kept + at, p, lanes);
      storeSome(h + at, madd(p, loadSome(hPrev + at, lanes), f32x4.mul(f32x4.sub(constant(ONE), p), n)), lanes); // (4)
    }
    h += block;
    gates += 3 * block;
    kept += block;
    hPrev += block;
  }
}

/** Equations (5) and (6) for some rows of one step. */
export function minLstmCellBackward(
  s: Sequence, //     options
  dhPrev: usize, //   [rows,H]   +=
  gates: usize, //    [rows,3H]  in f, i, n, out da
  dh: usize, //       [rows,H]   in
  kept: usize, //     [rows,H]   in
  hPrev: usize, //    [rows,H]   in
  rows: i32,
): void {
  const H = s.H;
  const block = <usize>H << 2;
  const one = constant(ONE);
  for (let b = 0; b < rows; b++) {
    for (let u = 0; u < H; u += LANES) {
      const at = <usize>u << 2;
      const lanes = H - u;
      const gate = gates + at;
      const f = loadSome(gate, lanes);
      const i = loadSome(gate + block, lanes);
      const n = loadSome(gate + 2 * block, lanes);
      const p = loadSome(kept + at, lanes);
      const d = loadSome(dh + at, lanes);
      const dn = f32x4.mul(d, f32x4.sub(one, p)); // (5)
      const dq = f32x4.mul(f32x4.mul(dn, p), f32x4.sub(loadSome(hPrev + at, lanes), n));
      storeSome(dhPrev + at, madd(d, p, loadSome(dhPrev + at, lanes)), lanes);
      storeSome(gate, f32x4.mul(dq, f32x4.sub(one, f)), lanes); // (6)
      storeSome(gate + block, f32x4.mul(dq, f32x4.sub(i, one)), lanes);
      storeSome(gate + 2 * block, f32x4.mul(dn, candidateSlope(s, n)), lanes);
    }
    dhPrev += block;
    gates += 3 * block;
    dh += block;
    kept += block;
    hPrev += block;
  }
}
