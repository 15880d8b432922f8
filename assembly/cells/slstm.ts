// THE sLSTM EQUATIONS (Beck et al. 2024, xLSTM, arXiv 2405.04517, section 2.2; gate order i, f, z, o as in the authors' code;
// one head). The input and forget gates are exponential; n counts what c has taken in, and m keeps both from overflowing:
// all three can be scaled by e^(−m) without changing h. x, h, c, n, m without a mark belong to step t; c₋ … to t − 1.
//
// forward
//   a = W_ih·x + b_ih + W_hh·h₋ + b_hh                                (1)
//   z = tanh(a_z)   o = σ(a_o)   l = log σ(a_f) + m₋                  (2)
//   m = max(l, a_i)                                                   (3)
//   i = e^(a_i − m)   f = e^(l − m)                                   (4)  one of them is 1
//   c = f·c₋ + i·z   n = f·n₋ + i                                     (5)
//   h = o·q, q = c / n                                                (6)
// Where n₋ is 0 nothing was taken in yet: m₋ counts as −∞, so m = a_i and f = 0.
//
// backward; d… is the total derivative of the loss, along every later path
//   do = dh·q   dq = dh·o   dc += dq / n   dn −= dq·q / n             (7)  from 6
//   dz = dc·i   u = (dc·z + dn)·i   v = (dc·c₋ + dn·n₋)·f             (8)  from 5 and 4
//   dc₋ = dc·f   dn₋ = dn·f
//   da_i = u, dl = dm − u  where l was the larger, else da_i = dm − v, dl = v      (9)  from 3 and 4
//   dm₋ = dl   da_f = dl·σ(−a_f)                                      (10) from 2
//   da_z = dz·(1 − z²)   da_o = do·o(1 − o)                           (11) from 2
//   dh₋, dx and the weights' gradients are those of an LSTM           (12) from 1
//
// option: clipStep, da is held within ±clipStep before anything else receives it, Graves 2013 (in layers/recurrent.ts)
import { exp, sigmoid, softplus4, tanh } from "../math/activation";
import { constant, LANES, loadSome, madd, ONE, storeSome } from "../math/simd";
import { Sequence } from "../sequence";

/** Equations (2) to (6) for some rows of one step. */
export function slstmCellForward(
  s: Sequence, //     sizes
  h: usize, //        [rows,H]   out =
  c: usize, //        [rows,H]   out =
  n: usize, //        [rows,H]   out =
  m: usize, //        [rows,H]   out =
  gates: usize, //    [rows,4H]  in a, out i, f, z, o: kept for the backward pass
  slope: usize, //    [rows,H]   out =   σ(−a_f): kept for the backward pass
  preact: usize, //   [rows,4H]  out =   a; or 0
  cPrev: usize, //    [rows,H]   in      may alias c; so do n and m
  nPrev: usize, //    [rows,H]   in
  mPrev: usize, //    [rows,H]   in
  rows: i32,
): void {
  const H = s.H;
  const block = <usize>H << 2;
  if (preact) memory.copy(preact, gates, <usize>rows * 4 * block);
  for (let b = 0; b < rows; b++) {
    for (let u = 0; u < H; u += LANES) {
      const at = <usize>u << 2;
      const lanes = H - u;
      const gate = gates + at;
      const ai = loadSome(gate, lanes);
      const back = f32x4.neg(loadSome(gate + block, lanes));
      const before = loadSome(nPrev + at, lanes);
      const z = tanh(loadSome(gate + 2 * block, lanes)); // (2)
      const o = sigmoid(loadSome(gate + 3 * block, lanes));
      const l = f32x4.sub(loadSome(mPrev + at, lanes), softplus4(back)); // log σ(a) = −softplus(−a)
      const some = f32x4.ne(before, f32x4.splat(0.0));
      const most = v128.bitselect(f32x4.pmax(l, ai), ai, some); // (3)
      const i = exp(f32x4.sub(ai, most)); // (4)
      const f = v128.and(exp(f32x4.sub(l, most)), some);
      const cNow = madd(f, loadSome(cPrev + at, lanes), f32x4.mul(i, z)); // (5)
      const nNow = madd(f, before, i);
      storeSome(gate, i, lanes);
      storeSome(gate + block, f, lanes);
      storeSome(gate + 2 * block, z, lanes);
      storeSome(gate + 3 * block, o, lanes);
      storeSome(slope + at, sigmoid(back), lanes);
      storeSome(c + at, cNow, lanes);
      storeSome(n + at, nNow, lanes);
      storeSome(m + at, most, lanes);
      storeSome(h + at, f32x4.mul(o, f32x4.div(cNow, nNow)), lanes); // (6)
    }
    h += block;
    c += block;
    n += block;
    m += block;
    gates += 4 * block;
    slope += block;
    cPrev += block;
    nPrev += block;
    mPrev += block;
  }
}

/** Equations (7) to (11) for some rows of one step. Each of dcPrev, dnPrev, dmPrev may alias dc, dn, dm, which are then lost. */
export function slstmCellBackward(
  s: Sequence, //     sizes
  dcPrev: usize, //   [rows,H]   out =
  dnPrev: usize, //   [rows,H]   out =
  dmPrev: usize, //   [rows,H]   out =
  dc: usize, //       [rows,H]   in what later steps gave it, out dc
  dn: usize, //       [rows,H]   in what later steps gave it, out dn
  dm: usize, //       [rows,H]   in
  gates: usize, //    [rows,4H]  in i, f, z, o, out da
  dh: usize, //       [rows,H]   in
  slope: usize, //    [rows,H]   in
  c: usize, //        [rows,H]   in
  n: usize, //        [rows,H]   in
  cPrev: usize, //    [rows,H]   in
  nPrev: usize, //    [rows,H]   in
  p: usize, //        [rows,H]   in, out = the part of dc that flow.ts follows, carried on like dc; or 0
  e: usize, //        [rows,H]   in   that of dh; or 0
  rows: i32,
): void {
  const H = s.H;
  const block = <usize>H << 2;
  const one = constant(ONE);
  const flow = p != 0;
  const into = e != 0;
  for (let b = 0; b < rows; b++) {
    for (let u = 0; u < H; u += LANES) {
      const at = <usize>u << 2;
      const lanes = H - u;
      const gate = gates + at;
      const i = loadSome(gate, lanes);
      const f = loadSome(gate + block, lanes);
      const z = loadSome(gate + 2 * block, lanes);
      const o = loadSome(gate + 3 * block, lanes);
      const d = loadSome(dh + at, lanes);
      const total = loadSome(n + at, lanes);
      const q = f32x4.div(loadSome(c + at, lanes), total);
      const share = f32x4.div(f32x4.mul(d, o), total); // dq / n
      const dcHere = f32x4.add(loadSome(dc + at, lanes), share); // (7)
      const dnHere = f32x4.sub(loadSome(dn + at, lanes), f32x4.mul(share, q));
      const dmHere = loadSome(dm + at, lanes);
      const given = f32x4.mul(madd(dcHere, z, dnHere), i); // u (8)
      const past = madd(dcHere, loadSome(cPrev + at, lanes), f32x4.mul(dnHere, loadSome(nPrev + at, lanes)));
      const forgot = f32x4.mul(past, f); // v
      // f is 1 where l was the larger.
      const forgets = f32x4.eq(f, one);
      const dai = v128.bitselect(given, f32x4.sub(dmHere, forgot), forgets); // (9)
      const dl = v128.bitselect(f32x4.sub(dmHere, given), forgot, forgets);
      const daf = f32x4.mul(dl, loadSome(slope + at, lanes)); // (10)
      const daz = f32x4.mul(f32x4.mul(dcHere, i), f32x4.sub(one, f32x4.mul(z, z))); // (11)
      const dao = f32x4.mul(f32x4.mul(d, q), f32x4.mul(o, f32x4.sub(one, o)));
      storeSome(gate, dai, lanes);
      storeSome(gate + block, daf, lanes);
      storeSome(gate + 2 * block, daz, lanes);
      storeSome(gate + 3 * block, dao, lanes);
      storeSome(dc + at, dcHere, lanes);
      storeSome(dn + at, dnHere, lanes);
      storeSome(dcPrev + at, f32x4.mul(dcHere, f), lanes);
      storeSome(dnPrev + at, f32x4.mul(dnHere, f), lanes);
      storeSome(dmPrev + at, dl, lanes);
      if (flow) {
        let part = loadSome(p + at, lanes);
        if (into) part = f32x4.add(part, f32x4.div(f32x4.mul(loadSome(e + at, lanes), o), total)); // (7)
        storeSome(p + at, f32x4.mul(part, f), lanes);
      }
    }
    dcPrev += block;
    dnPrev += block;
    dmPrev += block;
    dc += block;
    dn += block;
    dm += block;
    gates += 4 * block;
    dh += block;
    slope += block;
    c += block;
    n += block;
    cPrev += block;
    nPrev += block;
    p += block;
    e += block;
  }
}
