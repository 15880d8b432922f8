// THE GRU EQUATIONS (Cho et al. 2014; gate order r, z, n and both biases as in PyTorch's nn.GRU). h₋ belongs to
// step t − 1. Products of matrices run in layers/recurrent.ts, everything else below.
//
// forward
//   p = W_ih·x + b_ih     q = W_hh·h₋ + b_hh                          (1)
//   r = σ(p_r + q_r)      z = σ(p_z + q_z)                            (2)
//   n = tanh(p_n + r·q_n)                                             (3)
//   h = (1 − z)·n + z·h₋                                              (4)
// With the reset before the product (the original form, and ONNX' default) there is no q_n, and
//   n = tanh(p_n + W_hn·(r·h₋) + b_hn)                                (3b)
//
// backward; d… is the total derivative of the loss, along every later path
//   dn = dh·(1 − z)    dz = dh·(h₋ − n)    dh₋ = dh·z + …             (5)  from 4
//   dp_n = dn·(1 − n²)    dp_z = dz·z(1 − z)                          (6)  from 2 and 3
//   dr = dp_n·q_n         dq_n = dp_n·r                               (7)  from 3
//   d(r·h₋) = W_hnᵀ·dp_n    dr = d(r·h₋)·h₋    dh₋ += d(r·h₋)·r       (7b) from 3b
//   dp_r = dr·r(1 − r)    dq_r = dp_r   dq_z = dp_z                   (8)  from 2
//   dh₋ += W_hhᵀ·dq + (step t − 1's own output)   dx = W_ihᵀ·dp       (9)  from 1
//   dW_ih = Σ dp·xᵀ  dW_hh = Σ dq·h₋ᵀ  db_ih = Σ dp  db_hh = Σ dq     (10) from 1, over t and the batch
//
// options of the general cell (ONNX' names in brackets)
//   gateClip [clip]      the arguments of σ and tanh are held within ±gateClip; no gradient where they were not (2c)
//   activations [f, g]   other functions than σ in (2), tanh in (3)                                              (2a)
//   clipStep             dp is held within ±clipStep before anything else receives it, Graves 2013               (8c)
import { activate4, clip4, inside4, sigmoid4, slope4, tanh4 } from "../math/activation";
import { constant, LANES, loadLanes, madd, ONE, storeLanes } from "../math/simd";
import { Sequence } from "../sequence";

/** What a call works out: all of a step, or, with the reset before the product, what stands on either side of W_hn. */
export namespace GruPart {
  export const ALL: i32 = 0;
  export const GATES: i32 = 1; //  forward: r, z and r·h₋; backward: dp_r and its share of dh₋, from d(r·h₋)
  export const OUTPUT: i32 = 2; // forward: n and h; backward: dp_n, dp_z and their share of dh₋
}

/** Equations (2) to (4) for some rows of one step. */
export function gruCellForward(
  part: i32, //     of GruPart
  s: Sequence, //   options
  h: usize, //      [rows,H]   out =
  gates: usize, //  [rows,3H]  in p, out r, z, n: kept for the backward pass
  kept: usize, //   [rows,H]   out =   q_n, or r·h₋ with the reset before: kept for the backward pass
  preact: usize, // [rows,3H]  out =   the arguments of the activations, before (2c); or 0
  q: usize, //      [rows,3H]  in
  hPrev: usize, //  [rows,H]   in
  rows: i32,
): void {
  if (s.general) forward(s, h, gates, kept, preact, q, hPrev, rows, true, part);
  else forward(s, h, gates, kept, preact, q, hPrev, rows, false, GruPart.ALL);
}

/** Equations (5) to (8) for some rows of one step. */
export function gruCellBackward(
  part: i32, //     of GruPart
  s: Sequence, //   options
  dhPrev: usize, // [rows,H]   +=   what step t − 1 receives directly
  gates: usize, //  [rows,3H]  in r, z, n, out dp
  dq: usize, //     [rows,3H]  out =   not with the reset before
  dh: usize, //     [rows,H]   in   GruPart.GATES: d(r·h₋)
  kept: usize, //   [rows,H]   in
  preact: usize, // [rows,3H]  in   with gateClip
  hPrev: usize, //  [rows,H]   in
  rows: i32,
): void {
  if (part == GruPart.GATES) resetBackward(s, dhPrev, gates, dh, preact, hPrev, rows);
  else if (s.general) backward(s, dhPrev, gates, dq, dh, kept, preact, hPrev, rows, true, part);
  else backward(s, dhPrev, gates, dq, dh, kept, preact, hPrev, rows, false, GruPart.ALL);
}

// Of the two calls, the plain cell's has constants for `general` and `part`: it is compiled without any of the options.

// @ts-ignore: decorator
@inline
function forward(
  s: Sequence,
  h: usize,
  gates: usize,
  kept: usize,
  preact: usize,
  q: usize,
  hPrev: usize,
  rows: i32,
  general: bool,
  part: i32,
): void {
  const H = s.H;
  const block = <usize>H << 2;
  const one = constant(ONE);
  for (let b = 0; b < rows; b++) {
    for (let u = 0; u < H; u += LANES) {
      const at = <usize>u << 2;
      const lanes = H - u;
      const gate = gates + at;
      const before = loadLanes(hPrev + at, lanes);
      let r = loadLanes(gate, lanes);
      let z = loadLanes(gate + block, lanes);
      if (part != GruPart.OUTPUT) {
        r = f32x4.add(r, loadLanes(q + at, lanes));
        z = f32x4.add(z, loadLanes(q + block + at, lanes));
        if (preact) {
          storeLanes(preact + at, r, lanes);
          storeLanes(preact + block + at, z, lanes);
        }
        r = general ? gateOf(s, r) : sigmoid4(r); // (2)
        z = general ? gateOf(s, z) : sigmoid4(z);
        storeLanes(gate, r, lanes);
        storeLanes(gate + block, z, lanes);
      }
      if (part == GruPart.GATES) {
        storeLanes(kept + at, f32x4.mul(r, before), lanes);
      } else {
        const rec = loadLanes(q + 2 * block + at, lanes);
        const pn = loadLanes(gate + 2 * block, lanes);
        const an = part == GruPart.ALL ? madd(r, rec, pn) : f32x4.add(pn, rec); // (3), (3b)
        if (part == GruPart.ALL) storeLanes(kept + at, rec, lanes);
        if (preact) storeLanes(preact + 2 * block + at, an, lanes);
        const n = general ? activate4(s.actG, s.alphaG, s.betaG, clip4(an, s.gateClip)) : tanh4(an);
        storeLanes(gate + 2 * block, n, lanes);
        storeLanes(h + at, madd(z, before, f32x4.mul(f32x4.sub(one, z), n)), lanes); // (4)
      }
    }
    h += block;
    gates += 3 * block;
    kept += block;
    if (preact) preact += 3 * block;
    q += 3 * block;
    hPrev += block;
  }
}

// @ts-ignore: decorator
@inline
function backward(
  s: Sequence,
  dhPrev: usize,
  gates: usize,
  dq: usize,
  dh: usize,
  kept: usize,
  preact: usize,
  hPrev: usize,
  rows: i32,
  general: bool,
  part: i32,
): void {
  const H = s.H;
  const block = <usize>H << 2;
  const one = constant(ONE);
  for (let b = 0; b < rows; b++) {
    for (let u = 0; u < H; u += LANES) {
      const at = <usize>u << 2;
      const lanes = H - u;
      const gate = gates + at;
      const r = loadLanes(gate, lanes);
      const z = loadLanes(gate + block, lanes);
      const n = loadLanes(gate + 2 * block, lanes);
      const d = loadLanes(dh + at, lanes);
      const dn = f32x4.mul(d, f32x4.sub(one, z)); // (5)
      const dz = f32x4.mul(d, f32x4.sub(loadLanes(hPrev + at, lanes), n));
      let dpn = f32x4.mul(dn, general ? slope4(s.actG, s.alphaG, s.betaG, n) : f32x4.sub(one, f32x4.mul(n, n))); // (6)
      let dpz = f32x4.mul(dz, general ? gateSlope(s, z) : f32x4.mul(z, f32x4.sub(one, z)));
      if (general && s.gateClip > 0) {
        dpn = v128.and(dpn, inside4(loadLanes(preact + 2 * block + at, lanes), s.gateClip)); // (2c)
        dpz = v128.and(dpz, inside4(loadLanes(preact + block + at, lanes), s.gateClip));
      }
      if (general) {
        dpn = clip4(dpn, s.clipStep); // (8c)
        dpz = clip4(dpz, s.clipStep);
      }
      storeLanes(gate + block, dpz, lanes);
      storeLanes(gate + 2 * block, dpn, lanes);
      storeLanes(dhPrev + at, madd(d, z, loadLanes(dhPrev + at, lanes)), lanes);
      if (part == GruPart.ALL) {
        const dr = f32x4.mul(dpn, loadLanes(kept + at, lanes)); // (7)
        let dpr = f32x4.mul(dr, general ? gateSlope(s, r) : f32x4.mul(r, f32x4.sub(one, r))); // (8)
        if (general && s.gateClip > 0) dpr = v128.and(dpr, inside4(loadLanes(preact + at, lanes), s.gateClip));
        if (general) dpr = clip4(dpr, s.clipStep);
        storeLanes(gate, dpr, lanes);
        storeLanes(dq + at, dpr, lanes);
        storeLanes(dq + block + at, dpz, lanes);
        storeLanes(dq + 2 * block + at, f32x4.mul(dpn, r), lanes);
      }
    }
    dhPrev += block;
    gates += 3 * block;
    dq += 3 * block;
    dh += block;
    kept += block;
    preact += 3 * block;
    hPrev += block;
  }
}

/** Equations (7b) and (8): from d(r·h₋) to dp_r. */
function resetBackward(s: Sequence, dhPrev: usize, gates: usize, drh: usize, preact: usize, hPrev: usize, rows: i32): void {
  const H = s.H;
  const block = <usize>H << 2;
  for (let b = 0; b < rows; b++) {
    for (let u = 0; u < H; u += LANES) {
      const at = <usize>u << 2;
      const lanes = H - u;
      const r = loadLanes(gates + at, lanes);
      const d = loadLanes(drh + at, lanes);
      storeLanes(dhPrev + at, madd(d, r, loadLanes(dhPrev + at, lanes)), lanes);
      let dpr = f32x4.mul(f32x4.mul(d, loadLanes(hPrev + at, lanes)), gateSlope(s, r));
      if (s.gateClip > 0) dpr = v128.and(dpr, inside4(loadLanes(preact + at, lanes), s.gateClip));
      dpr = clip4(dpr, s.clipStep);
      storeLanes(gates + at, dpr, lanes);
    }
    dhPrev += block;
    gates += 3 * block;
    drh += block;
    preact += 3 * block;
    hPrev += block;
  }
}

/** The activation of the gates r and z, behind their clip. */
// @ts-ignore: decorator
@inline
function gateOf(s: Sequence, a: v128): v128 {
  return activate4(s.actF, s.alphaF, s.betaF, clip4(a, s.gateClip));
}

// @ts-ignore: decorator
@inline
function gateSlope(s: Sequence, y: v128): v128 {
  return slope4(s.actF, s.alphaF, s.betaF, y);
}
