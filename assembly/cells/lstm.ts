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

import { activationForward, clip4, inside4, slope4, tanhForward } from "../math/activation";
import { EPSILON, normBackward, normForward } from "../math/norm";
import { constant, LANES, loadSome, madd, ONE, put, storeSome, take } from "../math/simd";
import { clipValue, multiply, multiplyAdd } from "../math/vector";
import { Sequence } from "../sequence";

/** Equations (1p) to (4) for some rows of one step. */
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
  const H = s.H;
  const block = <usize>H << 2;
  let i = gates;
  let cell = c;
  for (let b = 0; b < rows; b++) {
    const f = i + block;
    const g = f + block;
    const o = g + block;
    if (s.peephole) {
      multiplyAdd(i, s.peephole, cPrev, H); // (1p)
      multiplyAdd(f, s.peephole + block, cPrev, H);
    }
    if (preact) memory.copy(preact, i, 3 * block);
    if (s.gateClip > 0) clipValue(i, s.gateClip, 3 * H); // (1c)
    activationForward(i, i, s.actF, s.alphaF, s.betaF, 2 * H); // (2)
    if (s.coupled) complement(f, i, H); // (2k)
    activationForward(g, g, s.actG, s.alphaG, s.betaG, H);
    nextCell(cell, f, cPrev, i, g, H); // (3)
    if (s.cellClip > 0) clipValue(cell, s.cellClip, H); // (3c)
    if (s.peephole) multiplyAdd(o, s.peephole + 2 * block, cell, H); // (1p)
    if (preact) memory.copy(preact + 3 * block, o, block);
    if (s.gateClip > 0) clipValue(o, s.gateClip, H);
    activationForward(o, o, s.actF, s.alphaF, s.betaF, H);
    i += 4 * block;
    cell += block;
    if (preact) preact += 4 * block;
    cPrev += block;
  }
  activationForward(tanhC, c, s.actH, s.alphaH, s.betaH, rows * H);
  output(h, gates, tanhC, rows, H);
}

/** (2k): f = 1 − i. */
function complement(f: usize, i: usize, n: i32): void {
  for (let u = 0; u < n; u += LANES) {
    const at = <usize>u << 2;
    storeSome(f + at, f32x4.sub(constant(ONE), loadSome(i + at, n - u)), n - u);
  }
}

/** (3): c = f·c₋ + i·g. */
function nextCell(c: usize, f: usize, before: usize, i: usize, g: usize, n: i32): void {
  for (; n >= LANES; n -= LANES) {
    v128.store(c, madd(v128.load(f), v128.load(before), f32x4.mul(v128.load(i), v128.load(g))));
    c += 16;
    f += 16;
    before += 16;
    i += 16;
    g += 16;
  }
  if (n) storeSome(c, madd(loadSome(f, n), loadSome(before, n), f32x4.mul(loadSome(i, n), loadSome(g, n))), n);
}

/** (4): h = o·tanh c. */
function output(h: usize, gates: usize, tanhC: usize, rows: i32, H: i32): void {
  const block = <usize>H << 2;
  for (let b = 0; b < rows; b++) {
    multiply(h, gates + 3 * block, tanhC, H);
    h += block;
    gates += 4 * block;
    tanhC += block;
  }
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
  p: usize, //        [rows,H]   in, out = the part of dc that flow.ts follows, carried on like dc; or 0
  e: usize, //        [rows,H]   in   that of dh; or 0
  rows: i32,
): void {
  const H = s.H;
  const block = <usize>H << 2;
  const flow = p != 0;
  const into = e != 0;
  // Units of the plain cell, four at a time; the others by the general one, which does the same where no option is on.
  const plain: usize = s.general ? 0 : <usize>(H & ~(LANES - 1)) << 2;
  for (let b = 0; b < rows; b++) {
    for (let at: usize = 0; at < plain; at += 16) backward(s, dcPrev, dc, gates, dh, tanhC, preact, c, cPrev, p, e, flow, into, at, LANES, false);
    if (plain < block) generalUnits(s, dcPrev, dc, gates, dh, tanhC, preact, c, cPrev, p, e, flow, into, plain);
    dcPrev += block;
    dc += block;
    gates += 4 * block;
    dh += block;
    tanhC += block;
    preact += 4 * block;
    c += block;
    cPrev += block;
    p += block;
    e += block;
  }
}

/** The general cell, from byte `from` on. A function of its own: among its variables V8 would spill those of the plain loop. */
function generalUnits(
  s: Sequence,
  dcPrev: usize,
  dc: usize,
  gates: usize,
  dh: usize,
  tanhC: usize,
  preact: usize,
  c: usize,
  cPrev: usize,
  p: usize,
  e: usize,
  flow: bool,
  into: bool,
  from: usize,
): void {
  const block = <usize>s.H << 2;
  for (let at = from; at < block; at += 16) {
    backward(s, dcPrev, dc, gates, dh, tanhC, preact, c, cPrev, p, e, flow, into, at, <i32>(block - at) >> 2, true);
  }
}

/** Up to four units from byte `at` on. `general` is a constant at both calls: the plain cell is compiled without any of the options. */
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
  p: usize,
  e: usize,
  flow: bool,
  into: bool,
  at: usize,
  lanes: i32,
  general: bool,
): void {
  const block = <usize>s.H << 2;
  const one = constant(ONE);
  const gate = gates + at;
  const i = take(general, gate, lanes);
  const f = take(general, gate + block, lanes);
  const g = take(general, gate + 2 * block, lanes);
  const o = take(general, gate + 3 * block, lanes);
  const t = take(general, tanhC + at, lanes);
  const before = take(general, cPrev + at, lanes);
  const dhHere = take(general, dh + at, lanes);
  const slopeT = general ? slope4(s.actH, s.alphaH, s.betaH, t) : f32x4.sub(one, f32x4.mul(t, t));
  let dcHere = madd(f32x4.mul(dhHere, o), slopeT, take(general, dc + at, lanes)); // (5)
  let dao = f32x4.mul(f32x4.mul(dhHere, t), general ? gateSlope(s, o) : f32x4.mul(o, f32x4.sub(one, o))); // (6), (7)
  let dcOn = dcHere;
  if (general) {
    if (s.gateClip > 0) dao = v128.and(dao, inside4(loadSome(preact + 3 * block + at, lanes), s.gateClip));
    dao = clip4(dao, s.clipStep); // (7c)
    if (s.peephole) {
      dcHere = madd(loadSome(s.peephole + 2 * block + at, lanes), dao, dcHere); // (1p)
      addSome(s.dPeephole + 2 * block + at, f32x4.mul(dao, loadSome(c + at, lanes)), lanes);
    }
    dcOn = s.cellClip > 0 ? v128.and(dcHere, below4(loadSome(c + at, lanes), s.cellClip)) : dcHere; // (3c)
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
  if (flow) {
    let part = take(general, p + at, lanes);
    if (into) part = madd(f32x4.mul(take(general, e + at, lanes), o), slopeT, part); // (5)
    if (general && s.cellClip > 0) part = v128.and(part, below4(loadSome(c + at, lanes), s.cellClip));
    put(general, p + at, f32x4.mul(part, f), lanes);
  }
  if (general) {
    if (s.gateClip > 0) {
      const a = preact + at;
      dai = v128.and(dai, inside4(loadSome(a, lanes), s.gateClip)); // (1c)
      daf = v128.and(daf, inside4(loadSome(a + block, lanes), s.gateClip));
      dag = v128.and(dag, inside4(loadSome(a + 2 * block, lanes), s.gateClip));
    }
    dai = clip4(dai, s.clipStep); // (7c)
    daf = clip4(daf, s.clipStep);
    dag = clip4(dag, s.clipStep);
    if (s.peephole) {
      dcBefore = madd(loadSome(s.peephole + at, lanes), dai, dcBefore);
      dcBefore = madd(loadSome(s.peephole + block + at, lanes), daf, dcBefore);
      addSome(s.dPeephole + at, f32x4.mul(dai, before), lanes);
      addSome(s.dPeephole + block + at, f32x4.mul(daf, before), lanes);
    }
  }
  put(general, gate, dai, lanes);
  put(general, gate + block, daf, lanes);
  put(general, gate + 2 * block, dag, lanes);
  put(general, gate + 3 * block, dao, lanes);
  put(general, dc + at, dcHere, lanes);
  put(general, dcPrev + at, dcBefore, lanes);
}

/** All bits set where |c| < limit: a stored c on its limit was clipped. */
// @ts-ignore: decorator
@inline
function below4(c: v128, limit: f32): v128 {
  return f32x4.lt(f32x4.abs(c), f32x4.splat(limit));
}

// @ts-ignore: decorator
@inline
function gateSlope(s: Sequence, y: v128): v128 {
  return slope4(s.actF, s.alphaF, s.betaF, y);
}

function addSome(to: usize, v: v128, lanes: i32): void {
  storeSome(to, f32x4.add(loadSome(to, lanes), v), lanes);
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
  tanhForward(tanhC, tanhC, rows * H);
  output(h, gates, tanhC, rows, H);
}

/** What reaches c through (4n), before lstmCellBackward. */
export function lstmNormBackward(
  s: Sequence, //     layer norm
  dc: usize, //       [rows,H]   +=
  dGain: usize, //    [H]        +=
  dShift: usize, //   [H]        +=  or 0
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
      const t = loadSome(tanhC + row + at, lanes);
      const slope = f32x4.sub(constant(ONE), f32x4.mul(t, t));
      storeSome(dNorm + row + at, f32x4.mul(f32x4.mul(loadSome(dh + row + at, lanes), loadSome(o + at, lanes)), slope), lanes);
    }
  }
  normBackward(dc, dGain, dShift, dNorm, hat, scale, s.gainC, true, rows, H);
}
