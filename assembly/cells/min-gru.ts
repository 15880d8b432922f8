// THE minGRU EQUATIONS (Feng et al. 2024, Were RNNs All We Needed?, arXiv 2410.01201, section 3.1; gate order z, n, where n
// is the paper's h̃). Nothing but (3) knows of h₋: all steps of (1) are one product, and what is left is a scan.
// Held against what readers quote of the paper, word for word (version 1) or in notes (version 3), and its listings.
//
// forward
//   a = W_ih·x + b_ih                                                 (1)
//   z = σ(a_z)   n = a_n                                              (2)
//   h = (1 − z)·h₋ + z·n                                              (3)
//
// backward; d… is the total derivative of the loss, along every later path
//   dz = dh·(n − h₋)   dn = dh·z   dh₋ = dh·(1 − z) + …               (4)  from 3
//   da_z = dz·z(1 − z)   da_n = dn                                    (5)  from 2
//   dx = W_ihᵀ·da   dW_ih = Σ da·xᵀ   db_ih = Σ da                    (6)  from 1, over t and the batch
//
// options
//   positive   n = g(a_n), g(x) = x + ½ from 0 on and σ(x) below, so that h stays above 0 where h0 does: the candidate of the
//              paper's log-space form (appendix B.3). That form is (3) by running sums of logarithms; in order (3) is a
//              weighted mean, which cannot overflow and needs none.               (2g)
//   clipStep   da is held within ±clipStep before anything else receives it, Graves 2013 (in layers/recurrent.ts)
import { sigmoid } from "../math/activation";
import { constant, HALF, LANES, loadSome, madd, ONE, storeSome } from "../math/simd";
import { Sequence } from "../sequence";

/** Equations (2) and (3) for some rows of one step. */
export function minGruCellForward(
  s: Sequence, //     options
  h: usize, //        [rows,H]   out =
  gates: usize, //    [rows,2H]  in a, out z, n: kept for the backward pass
  preact: usize, //   [rows,2H]  out =   a; or 0
  hPrev: usize, //    [rows,H]   in
  rows: i32,
): void {
  const H = s.H;
  const block = <usize>H << 2;
  if (preact) memory.copy(preact, gates, <usize>rows * 2 * block);
  for (let b = 0; b < rows; b++) {
    for (let u = 0; u < H; u += LANES) {
      const at = <usize>u << 2;
      const lanes = H - u;
      const z = sigmoid(loadSome(gates + at, lanes)); // (2)
      const n = candidate(s, loadSome(gates + block + at, lanes));
      const before = loadSome(hPrev + at, lanes);
      storeSome(gates + at, z, lanes);
      storeSome(gates + block + at, n, lanes);
      storeSome(h + at, madd(z, n, f32x4.mul(f32x4.sub(constant(ONE), z), before)), lanes); // (3)
    }
    h += block;
    gates += 2 * block;
    hPrev += block;
  }
}

/** Equations (4) and (5) for some rows of one step. */
export function minGruCellBackward(
  s: Sequence, //     options
  dhPrev: usize, //   [rows,H]   +=
  gates: usize, //    [rows,2H]  in z, n, out da
  dh: usize, //       [rows,H]   in
  hPrev: usize, //    [rows,H]   in
  rows: i32,
): void {
  const H = s.H;
  const block = <usize>H << 2;
  for (let b = 0; b < rows; b++) {
    for (let u = 0; u < H; u += LANES) {
      const at = <usize>u << 2;
      const lanes = H - u;
      const z = loadSome(gates + at, lanes);
      const n = loadSome(gates + block + at, lanes);
      const d = loadSome(dh + at, lanes);
      const rest = f32x4.sub(constant(ONE), z);
      const dz = f32x4.mul(d, f32x4.sub(n, loadSome(hPrev + at, lanes))); // (4)
      storeSome(dhPrev + at, madd(d, rest, loadSome(dhPrev + at, lanes)), lanes);
      storeSome(gates + at, f32x4.mul(dz, f32x4.mul(z, rest)), lanes); // (5)
      storeSome(gates + block + at, f32x4.mul(f32x4.mul(d, z), candidateSlope(s, n)), lanes);
    }
    dhPrev += block;
    gates += 2 * block;
    dh += block;
    hPrev += block;
  }
}

/** n of a_n: equation (2), or (2g). */
export function candidate(s: Sequence, a: v128): v128 {
  if (!s.positive) return a;
  return v128.bitselect(sigmoid(a), f32x4.add(a, constant(HALF)), f32x4.lt(a, f32x4.splat(0.0)));
}

/** Its derivative, from n. */
export function candidateSlope(s: Sequence, n: v128): v128 {
  const one = constant(ONE);
  if (!s.positive) return one;
  return v128.bitselect(f32x4.mul(n, f32x4.sub(one, n)), one, f32x4.lt(n, constant(HALF)));
}
