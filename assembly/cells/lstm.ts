// THE LSTM EQUATIONS (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000; gate
// order i, f, g, o and both biases as in PyTorch's nn.LSTM). x, h, c without a mark belong to step t; h₋, c₋
// to t − 1; c₊, f₊ to t + 1. Products of matrices run in layers/recurrent.ts, everything else below.
//
// forward
//   a = W_ih·x + b_ih + W_hh·h₋ + b_hh                                (1)
//   i = σ(a_i)   f = σ(a_f)   g = tanh(a_g)   o = σ(a_o)              (2)
//   c = f·c₋ + i·g                                                    (3)
//   h = o·tanh c                                                      (4)
//
// backward; d… is the total derivative of the loss, along every later path
//   dc = [dc₊·f₊] + [dh·o·(1 − tanh²c)]                               (5)  from 3 at t + 1, and 4
//         └ direct    └ through h: the recurrent path, and step t's own output
//   di = dc·g    df = dc·c₋    dg = dc·i    do = dh·tanh c            (6)  from 3 and 4
//   da_i = di·i(1 − i)   da_f = df·f(1 − f)                           (7)  from 2
//   da_g = dg·(1 − g²)   da_o = do·o(1 − o)
//   dh₋ = W_hhᵀ·da + (step t − 1's own output)   dx = W_ihᵀ·da        (8)  from 1
//   dW_ih = Σ da·xᵀ   dW_hh = Σ da·h₋ᵀ   db_ih = db_hh = Σ da         (9)  from 1, over t and the batch
//
// options of the general cell (ONNX' names in brackets)
//   peephole [P]            a_i += p_i·c₋   a_f += p_f·c₋   a_o += p_o·c              (1p)
//                           dc += p_o·da_o   dc₋ += p_i·da_i + p_f·da_f
//                           dp_i = Σ da_i·c₋   dp_f = Σ da_f·c₋   dp_o = Σ da_o·c
//   gateClip [clip]         a is held within ±gateClip; da = 0 where it was not       (1c)
//   activations [f, g, h]   other functions than σ, tanh in (2) and tanh in (4)       (2a)
//   coupled [input_forget]  f = 1 − i, so di = dc·(g − c₋) and da_f = 0               (2k)
//   layer norm              a = LN(W_ih·x) + LN(W_hh·h₋) + b_ih + b_hh   h = o·tanh(LN(c))    (1n), (4n)
//   cellClip                c is held within ±cellClip; dc = 0 on its way on where it was not (3c)
//   clipStep                da is held within ±clipStep before anything else receives it (7c), Graves 2013

import { activate4, clip4, inside4, sigmoid4, slope4, tanh4 } from "../math/activation";
import { constant, LANES, loadLanes, madd, ONE, storeLanes } from "../math/simd";
import { EPSILON, normBackward, normForward } from "../math/norm";
import { Sequence } from "../sequence";

/** Equations (2) to (4) for some rows of one step. */
export function lstmCellForward(
  s: Sequence, //     options
  h: usize, //        [rows,H]   out =
  c: usize, //        [rows,H]   out =
  gates: usize, //    [rows,4H]  in a, out i, f, g, o: kept for the backward pass
  tanhC: usize, //    [rows,H]   out =   kept for the backward pass
  preact: usize, //   [rows,4H]  out =   a with (1p), before (1c); or 0
  cPrev: usize, //    [rows,H]   in      may alias c
  rows: i32,
): void {
  if (s.general) forward(s, h, c, gates, tanhC, preact, cPrev, rows, true);
  else forward(s, h, c, gates, tanhC, preact, cPrev, rows, false);
}

/** Equations (5) to (7) for some rows of one step, and the direct part of (5) for the step before it. */
export function lstmCellBackward(
  s: Sequence, //     options
  dcPrev: usize, //   [rows,H]   out =   what step t − 1 receives directly; may alias dc
  dc: usize, //       [rows,H]   in the direct part of dc, out dc (lost where dcPrev aliases it)
  gates: usize, //    [rows,4H]  in i, f, g, o, out da
  dh: usize, //       [rows,H]   in
  tanhC: usize, //    [rows,H]   in
  preact: usize, //   [rows,4H]  in   with gateClip
  c: usize, //        [rows,H]   in
  cPrev: usize, //    [rows,H]   in
  rows: i32,
): void {
  if (s.general) backward(s, dcPrev, dc, gates, dh, tanhC, preact, c, cPrev, rows, true);
  else backward(s, dcPrev, dc, gates, dh, tanhC, preact, c, cPrev, rows, false);
}

// `general` is a constant at both calls: the plain cell is compiled without any of the options.

// @ts-ignore: decorator
@inline
function forward(
  s: Sequence,
  h: usize,
  c: usize,
  gates: usize,
  tanhC: usize,
  preact: usize,
  cPrev: usize,
  rows: i32,
  general: bool,
): void {
  const H = s.H;
  const block = <usize>H << 2;
  for (let b = 0; b < rows; b++) {
    for (let u = 0; u < H; u += LANES) {
      const at = <usize>u << 2;
      const lanes = H - u;
      const gate = gates + at;
      const before = loadLanes(cPrev + at, lanes);
      let ai = loadLanes(gate, lanes);
      let af = loadLanes(gate + block, lanes);
      const ag = loadLanes(gate + 2 * block, lanes);
      let ao = loadLanes(gate + 3 * block, lanes);
      if (general && s.peephole) {
        ai = madd(loadLanes(s.peephole + at, lanes), before, ai); // (1p)
        af = madd(loadLanes(s.peephole + block + at, lanes), before, af);
      }
      const i = general ? gateOf(s, ai) : sigmoid4(ai); // (2)
      const f = general ? (s.coupled ? f32x4.sub(constant(ONE), i) : gateOf(s, af)) : sigmoid4(af);
      const g = general ? activate4(s.actG, s.alphaG, s.betaG, clip4(ag, s.gateClip)) : tanh4(ag);
      let now = madd(f, before, f32x4.mul(i, g)); // (3)
      if (general) {
        now = clip4(now, s.cellClip);
        if (s.peephole) ao = madd(loadLanes(s.peephole + 2 * block + at, lanes), now, ao);
      }
      const o = general ? gateOf(s, ao) : sigmoid4(ao);
      const t = general ? activate4(s.actH, s.alphaH, s.betaH, now) : tanh4(now);
      if (preact) {
        const out = preact + at;
        storeLanes(out, ai, lanes);
        storeLanes(out + block, af, lanes);
        storeLanes(out + 2 * block, ag, lanes);
        storeLanes(out + 3 * block, ao, lanes);
      }
      storeLanes(gate, i, lanes);
      storeLanes(gate + block, f, lanes);
      storeLanes(gate + 2 * block, g, lanes);
      storeLanes(gate + 3 * block, o, lanes);
      storeLanes(c + at, now, lanes);
      storeLanes(tanhC + at, t, lanes);
      storeLanes(h + at, f32x4.mul(o, t), lanes); // (4)
    }
    h += block;
    c += block;
    gates += 4 * block;
    tanhC += block;
    if (preact) preact += 4 * block;
    cPrev += block;
  }
}

// @ts-ignore: decorator
@inline
function backward(
  s: Sequence,
  dcPrev: usize,
  dc: usize,
  gates: usize,
  dh: usize,
  tanhC: usize,
  preact: usize,
  c: usize,
  cPrev: usize,
  rows: i32,
  general: bool,
): void {
  const H = s.H;
  const block = <usize>H << 2;
  const one = constant(ONE);
  for (let b = 0; b < rows; b++) {
    for (let u = 0; u < H; u += LANES) {
      const at = <usize>u << 2;
      const lanes = H - u;
      const gate = gates + at;
      const i = loadLanes(gate, lanes);
      const f = loadLanes(gate + block, lanes);
      const g = loadLanes(gate + 2 * block, lanes);
      const o = loadLanes(gate + 3 * block, lanes);
      const t = loadLanes(tanhC + at, lanes);
      const before = loadLanes(cPrev + at, lanes);
      const dhHere = loadLanes(dh + at, lanes);
      const slopeT = general ? slope4(s.actH, s.alphaH, s.betaH, t) : f32x4.sub(one, f32x4.mul(t, t));
      let dcHere = madd(f32x4.mul(dhHere, o), slopeT, loadLanes(dc + at, lanes)); // (5)
      let dao = f32x4.mul(f32x4.mul(dhHere, t), general ? gateSlope(s, o) : f32x4.mul(o, f32x4.sub(one, o))); // (6), (7)
      let dcOn = dcHere;
      if (general) {
        if (s.gateClip > 0) dao = v128.and(dao, inside4(loadLanes(preact + 3 * block + at, lanes), s.gateClip));
        dao = clip4(dao, s.clipStep); // (7c)
        if (s.peephole) {
          dcHere = madd(loadLanes(s.peephole + 2 * block + at, lanes), dao, dcHere); // (1p)
          addLanes(s.dPeephole + 2 * block + at, f32x4.mul(dao, loadLanes(c + at, lanes)), lanes);
        }
        dcOn = s.cellClip > 0 ? v128.and(dcHere, below4(loadLanes(c + at, lanes), s.cellClip)) : dcHere; // (3c)
      }
      let di = f32x4.mul(dcOn, g); // (6)
      let df = f32x4.mul(dcOn, before);
      if (general && s.coupled) {
        di = f32x4.sub(di, df); // (2k)
        df = f32x4.splat(0.0);
      }
      let dai = f32x4.mul(di, general ? gateSlope(s, i) : f32x4.mul(i, f32x4.sub(one, i))); // (7)
      let daf = f32x4.mul(df, general ? gateSlope(s, f) : f32x4.mul(f, f32x4.sub(one, f)));
      let dag = f32x4.mul(f32x4.mul(dcOn, i), general ? slope4(s.actG, s.alphaG, s.betaG, g) : f32x4.sub(one, f32x4.mul(g, g)));
      let dcBefore = f32x4.mul(dcOn, f);
      if (general) {
        if (s.gateClip > 0) {
          const a = preact + at;
          dai = v128.and(dai, inside4(loadLanes(a, lanes), s.gateClip)); // (1c)
          daf = v128.and(daf, inside4(loadLanes(a + block, lanes), s.gateClip));
          dag = v128.and(dag, inside4(loadLanes(a + 2 * block, lanes), s.gateClip));
        }
        dai = clip4(dai, s.clipStep); // (7c)
        daf = clip4(daf, s.clipStep);
        dag = clip4(dag, s.clipStep);
        if (s.peephole) {
          dcBefore = madd(loadLanes(s.peephole + at, lanes), dai, dcBefore);
          dcBefore = madd(loadLanes(s.peephole + block + at, lanes), daf, dcBefore);
          addLanes(s.dPeephole + at, f32x4.mul(dai, before), lanes);
          addLanes(s.dPeephole + block + at, f32x4.mul(daf, before), lanes);
        }
      }
      storeLanes(gate, dai, lanes);
      storeLanes(gate + block, daf, lanes);
      storeLanes(gate + 2 * block, dag, lanes);
      storeLanes(gate + 3 * block, dao, lanes);
      storeLanes(dc + at, dcHere, lanes);
      storeLanes(dcPrev + at, dcBefore, lanes);
    }
    dcPrev += block;
    dc += block;
    gates += 4 * block;
    dh += block;
    tanhC += block;
    preact += 4 * block;
    c += block;
    cPrev += block;
  }
}

/** All bits set where |c| < limit: a stored c on its limit was clipped. */
// @ts-ignore: decorator
@inline
function below4(c: v128, limit: f32): v128 {
  return f32x4.lt(f32x4.abs(c), f32x4.splat(limit));
}

/** The activation of the gates i, f, o, behind their clip. */
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

function addLanes(to: usize, v: v128, lanes: i32): void {
  storeLanes(to, f32x4.add(loadLanes(to, lanes), v), lanes);
}

/** Equation (4n) for some rows of one step, behind lstmCellForward; the normalisation keeps x̂ and its scale. */
export function lstmNormForward(
  s: Sequence, //     layer norm
  h: usize, //        [rows,H]   out =
  tanhC: usize, //    [rows,H]   out =   tanh(LN(c))
  hat: usize, //      [rows,H]   out =
  scale: usize, //    [rows]     out =
  gates: usize, //    [rows,4H]  in i, f, g, o
  c: usize, //        [rows,H]   in
  rows: i32,
): void {
  const H = s.H;
  normForward(tanhC, hat, scale, c, s.gainC, s.shiftC, rows, H, EPSILON);
  for (let b = 0; b < rows; b++) {
    const o = gates + (<usize>((4 * b + 3) * H) << 2);
    for (let u = 0; u < H; u += LANES) {
      const at = <usize>u << 2;
      const lanes = H - u;
      const t = tanh4(loadLanes(tanhC + at, lanes));
      storeLanes(tanhC + at, t, lanes);
      storeLanes(h + at, f32x4.mul(loadLanes(o + at, lanes), t), lanes);
    }
    h += <usize>H << 2;
    tanhC += <usize>H << 2;
  }
}

/** What reaches c through (4n), before lstmCellBackward. */
export function lstmNormBackward(
  s: Sequence, //     layer norm
  dc: usize, //       [rows,H]   +=
  dNorm: usize, //    [rows,H]   scratch
  dh: usize, //       [rows,H]   in
  tanhC: usize, //    [rows,H]   in
  hat: usize, //      [rows,H]   in
  scale: usize, //    [rows]     in
  gates: usize, //    [rows,4H]  in i, f, g, o
  rows: i32,
): void {
  const H = s.H;
  for (let b = 0; b < rows; b++) {
    const o = gates + (<usize>((4 * b + 3) * H) << 2);
    const row = <usize>(b * H) << 2;
    for (let u = 0; u < H; u += LANES) {
      const at = <usize>u << 2;
      const lanes = H - u;
      const t = loadLanes(tanhC + row + at, lanes);
      const slope = f32x4.sub(constant(ONE), f32x4.mul(t, t));
      storeLanes(dNorm + row + at, f32x4.mul(f32x4.mul(loadLanes(dh + row + at, lanes), loadLanes(o + at, lanes)), slope), lanes);
    }
  }
  normBackward(dc, s.dGainC, s.dShiftC, dNorm, hat, scale, s.gainC, true, rows, H);
}
