// THE GRU EQUATIONS (Cho et al. 2014; gate order r, z, n and both biases as in PyTorch's nn.GRU). h₋ belongs to
// step t − 1. Products of matrices run in layers/recurrent.ts, everything else below.
//
// forward
//   p = W_ih·x + b_ih     q = W_hh·h₋ + b_hh                          (1)
//   r = σ(p_r + q_r)      z = σ(p_z + q_z)                            (2)
//   n = tanh(p_n + r·q_n)                                             (3)
//   h = (1 − z)·n + z·h₋                                              (4)
//
// backward; d… is the total derivative of the loss, along every later path
//   dn = dh·(1 − z)    dz = dh·(h₋ − n)    dh₋ = dh·z + …             (5)  from 4
//   dp_n = dn·(1 − n²)    dp_z = dz·z(1 − z)                          (6)  from 2 and 3
//   dr = dp_n·q_n         dq_n = dp_n·r                               (7)  from 3
//   dp_r = dr·r(1 − r)    dq_r = dp_r   dq_z = dp_z                   (8)  from 2
//   dh₋ += W_hhᵀ·dq + (step t − 1's own output)   dx = W_ihᵀ·dp       (9)  from 1
//   dW_ih = Σ dp·xᵀ  dW_hh = Σ dq·h₋ᵀ  db_ih = Σ dp  db_hh = Σ dq     (10) from 1, over t and the batch
import { sigmoid4, tanh4 } from "../math/activation";
import { LANES, loadLanes, madd, storeLanes } from "../math/simd";

/** Equations (2) to (4) for some rows of one step. */
export function gruCellForward(
  h: usize, //     [rows,H]   out =
  gates: usize, // [rows,3H]  in p, out r, z, n: kept for the backward pass
  qn: usize, //    [rows,H]   out =   q_n, kept for the backward pass
  q: usize, //     [rows,3H]  in
  hPrev: usize, // [rows,H]   in
  rows: i32,
  H: i32,
): void {
  const block = <usize>H << 2;
  const one = f32x4.splat(1.0);
  for (let b = 0; b < rows; b++) {
    for (let u = 0; u < H; u += LANES) {
      const at = <usize>u << 2;
      const lanes = H - u;
      const gate = gates + at;
      const rec = loadLanes(q + at + 2 * block, lanes);
      const r = sigmoid4(f32x4.add(loadLanes(gate, lanes), loadLanes(q + at, lanes)));
      const z = sigmoid4(f32x4.add(loadLanes(gate + block, lanes), loadLanes(q + at + block, lanes)));
      const n = tanh4(madd(r, rec, loadLanes(gate + 2 * block, lanes)));
      storeLanes(gate, r, lanes);
      storeLanes(gate + block, z, lanes);
      storeLanes(gate + 2 * block, n, lanes);
      storeLanes(qn + at, rec, lanes);
      storeLanes(h + at, madd(z, loadLanes(hPrev + at, lanes), f32x4.mul(f32x4.sub(one, z), n)), lanes);
    }
    h += block;
    gates += 3 * block;
    qn += block;
    q += 3 * block;
    hPrev += block;
  }
}

/** Equations (5) to (8) for some rows of one step. */
export function gruCellBackward(
  dhPrev: usize, // [rows,H]   +=   dh·z: what step t − 1 receives directly
  gates: usize, //  [rows,3H]  in r, z, n, out dp
  dq: usize, //     [rows,3H]  out =
  dh: usize, //     [rows,H]   in
  qn: usize, //     [rows,H]   in
  hPrev: usize, //  [rows,H]   in
  rows: i32,
  H: i32,
): void {
  const block = <usize>H << 2;
  const one = f32x4.splat(1.0);
  for (let b = 0; b < rows; b++) {
    for (let u = 0; u < H; u += LANES) {
      const at = <usize>u << 2;
      const lanes = H - u;
      const gate = gates + at;
      const out = dq + at;
      const r = loadLanes(gate, lanes);
      const z = loadLanes(gate + block, lanes);
      const n = loadLanes(gate + 2 * block, lanes);
      const d = loadLanes(dh + at, lanes);
      const dpn = f32x4.mul(f32x4.mul(d, f32x4.sub(one, z)), f32x4.sub(one, f32x4.mul(n, n))); // (5), (6)
      const dz = f32x4.mul(d, f32x4.sub(loadLanes(hPrev + at, lanes), n));
      const dpz = f32x4.mul(dz, f32x4.mul(z, f32x4.sub(one, z)));
      const dr = f32x4.mul(dpn, loadLanes(qn + at, lanes)); // (7)
      const dpr = f32x4.mul(dr, f32x4.mul(r, f32x4.sub(one, r))); // (8)
      storeLanes(gate, dpr, lanes);
      storeLanes(gate + block, dpz, lanes);
      storeLanes(gate + 2 * block, dpn, lanes);
      storeLanes(out, dpr, lanes);
      storeLanes(out + block, dpz, lanes);
      storeLanes(out + 2 * block, f32x4.mul(dpn, r), lanes);
      storeLanes(dhPrev + at, madd(d, z, loadLanes(dhPrev + at, lanes)), lanes);
    }
    dhPrev += block;
    gates += 3 * block;
    dq += 3 * block;
    dh += block;
    qn += block;
    hPrev += block;
  }
}
