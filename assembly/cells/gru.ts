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
import { activationForward, clip4, inside4, slope4 } from "../math/activation";
import { constant, LANES, loadSome, madd, ONE, put, storeSome, take } from "../math/simd";
import { add, blend, clipValue, multiply } from "../math/vector";
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
  const H = s.H;
  const block = <usize>H << 2;
  for (let b = 0; b < rows; b++) {
    const z = gates + block;
    const n = z + block;
    if (part != GruPart.OUTPUT) {
      add(gates, gates, q, 2 * H);
      if (preact) memory.copy(preact, gates, 2 * block);
      if (s.gateClip > 0) clipValue(gates, s.gateClip, 2 * H); // (2c)
      activationForward(gates, gates, s.actF, s.alphaF, s.betaF, 2 * H); // (2)
    }
    if (part == GruPart.GATES) {
      multiply(kept, gates, hPrev, H);
    } else {
      if (part == GruPart.ALL) resetForward(n, kept, gates, q + 2 * block, H); // (3)
      else add(n, n, q + 2 * block, H); // (3b)
      if (preact) memory.copy(preact + 2 * block, n, block);
      if (s.gateClip > 0) clipValue(n, s.gateClip, H);
      activationForward(n, n, s.actG, s.alphaG, s.betaG, H);
      blend(h, hPrev, n, z, H); // (4)
    }
    h += block;
    gates += 3 * block;
    kept += block;
    if (preact) preact += 3 * block;
    q += 3 * block;
    hPrev += block;
  }
}

/** p_n += r·q_n, and keeps q_n. */
function resetForward(pn: usize, kept: usize, r: usize, qn: usize, n: i32): void {
  for (; n >= LANES; n -= LANES) {
    const q = v128.load(qn);
    v128.store(kept, q);
    v128.store(pn, madd(v128.load(r), q, v128.load(pn)));
    pn += 16;
    kept += 16;
    r += 16;
    qn += 16;
  }
  const q = loadSome(qn, n);
  storeSome(kept, q, n);
  storeSome(pn, madd(loadSome(r, n), q, loadSome(pn, n)), n);
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
  e: usize, //      [rows,H]   *= z: the part of dh that flow.ts follows; or 0
  rows: i32,
): void {
  if (part == GruPart.GATES) {
    resetBackward(s, dhPrev, gates, dh, preact, hPrev, rows);
    return;
  }
  const H = s.H;
  const block = <usize>H << 2;
  const flow = e != 0;
  // Units of the plain cell, four at a time; the others by the general one, which does the same where no option is on.
  const plain: usize = s.general ? 0 : <usize>(H & ~(LANES - 1)) << 2;
  for (let b = 0; b < rows; b++) {
    for (let at: usize = 0; at < plain; at += 16) {
      backward(s, dhPrev, gates, dq, dh, kept, preact, hPrev, e, flow, at, LANES, false, GruPart.ALL);
    }
    if (plain < block) generalUnits(s, dhPrev, gates, dq, dh, kept, preact, hPrev, e, flow, plain, part);
    dhPrev += block;
    gates += 3 * block;
    dq += 3 * block;
    dh += block;
    kept += block;
    preact += 3 * block;
    hPrev += block;
    e += block;
  }
}

/** The general cell, from byte `from` on. A function of its own: among its variables V8 would spill those of the plain loop. */
function generalUnits(
  s: Sequence,
  dhPrev: usize,
  gates: usize,
  dq: usize,
  dh: usize,
  kept: usize,
  preact: usize,
  hPrev: usize,
  e: usize,
  flow: bool,
  from: usize,
  part: i32,
): void {
  const block = <usize>s.H << 2;
  for (let at = from; at < block; at += 16) {
    backward(s, dhPrev, gates, dq, dh, kept, preact, hPrev, e, flow, at, <i32>(block - at) >> 2, true, part);
  }
}

/**
 * Up to four units from byte `at` on. Of the two calls, the plain cell's has constants for `general` and `part`: it is compiled
 * without any of the options.
 */
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
  e: usize,
  flow: bool,
  at: usize,
  lanes: i32,
  general: bool,
  part: i32,
): void {
  const block = <usize>s.H << 2;
  const one = constant(ONE);
  const gate = gates + at;
  const r = take(general, gate, lanes);
  const z = take(general, gate + block, lanes);
  const n = take(general, gate + 2 * block, lanes);
  const d = take(general, dh + at, lanes);
  const dn = f32x4.mul(d, f32x4.sub(one, z)); // (5)
  const dz = f32x4.mul(d, f32x4.sub(take(general, hPrev + at, lanes), n));
  let dpn = f32x4.mul(dn, general ? slope4(s.actG, s.alphaG, s.betaG, n) : f32x4.sub(one, f32x4.mul(n, n))); // (6)
  let dpz = f32x4.mul(dz, general ? gateSlope(s, z) : f32x4.mul(z, f32x4.sub(one, z)));
  if (general) {
    if (s.gateClip > 0) {
      dpn = v128.and(dpn, inside4(loadSome(preact + 2 * block + at, lanes), s.gateClip)); // (2c)
      dpz = v128.and(dpz, inside4(loadSome(preact + block + at, lanes), s.gateClip));
    }
    dpn = clip4(dpn, s.clipStep); // (8c)
    dpz = clip4(dpz, s.clipStep);
  }
  put(general, gate + block, dpz, lanes);
  put(general, gate + 2 * block, dpn, lanes);
  put(general, dhPrev + at, madd(d, z, take(general, dhPrev + at, lanes)), lanes);
  if (flow) put(general, e + at, f32x4.mul(take(general, e + at, lanes), z), lanes);
  if (part == GruPart.ALL) {
    const dr = f32x4.mul(dpn, take(general, kept + at, lanes)); // (7)
    let dpr = f32x4.mul(dr, general ? gateSlope(s, r) : f32x4.mul(r, f32x4.sub(one, r))); // (8)
    if (general) {
      if (s.gateClip > 0) dpr = v128.and(dpr, inside4(loadSome(preact + at, lanes), s.gateClip));
      dpr = clip4(dpr, s.clipStep);
    }
    put(general, gate, dpr, lanes);
    put(general, dq + at, dpr, lanes);
    put(general, dq + block + at, dpz, lanes);
    put(general, dq + 2 * block + at, f32x4.mul(dpn, r), lanes);
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
      const r = loadSome(gates + at, lanes);
      const d = loadSome(drh + at, lanes);
      storeSome(dhPrev + at, madd(d, r, loadSome(dhPrev + at, lanes)), lanes);
      let dpr = f32x4.mul(f32x4.mul(d, loadSome(hPrev + at, lanes)), gateSlope(s, r));
      if (s.gateClip > 0) dpr = v128.and(dpr, inside4(loadSome(preact + at, lanes), s.gateClip));
      dpr = clip4(dpr, s.clipStep);
      storeSome(gates + at, dpr, lanes);
    }
    dhPrev += block;
    gates += 3 * block;
    drh += block;
    preact += 3 * block;
    hPrev += block;
  }
}

// @ts-ignore: decorator
@inline
function gateSlope(s: Sequence, y: v128): v128 {
  return slope4(s.actF, s.alphaF, s.betaF, y);
}
