// Where the gradient goes, measured while recurrentBackward runs. The gradient of a state (dL/dh, dL/dc) comes from later steps
// in two ways, which add up:
//   directly      through the cell's memory alone: the factors f of an LSTM, z of a GRU, what zoneout and masks hold
//   recurrently   through W_hh (or a peephole) at least once
// p is what did not come recurrently: the direct part, and the step's own output. It is carried along with the gradient:
//   e = p_h·zone    p_c += W_hrᵀ·e·o·φ'(c)    p_c₋ = p_c·f                  (1)  LSTM; sLSTM: o/n instead of o·φ'(c)
//   p_h₋ = p_h − e + (step t − 1's own output), and + e·z in a GRU          (2)
// The products by f and z are in the cells, which have both at hand. All else of the gradient is the recurrent part. Counts of
// gates are made in bindings/flow/ from rows that are copied.
import { Activation, activationBackward } from "./math/activation";
import { gemm } from "./math/gemm";
import { normBackward } from "./math/norm";
import { LANES, loadSome, madd, storeSome } from "./math/simd";
import { add, addRest, multiply } from "./math/vector";
import { Cell, Sequence, slot } from "./sequence";

/** Bytes of a row of `flow`: 20 norms over the batch, of what is in the row's slot; their meaning in bindings/flow/norms.ts. */
const ROW: usize = 80;

/** Bits of `flowOwn`. */
namespace Own {
  export const NOW: i32 = 1; //  the step's output has a gradient of its own
  export const EVER: i32 = 2; // an output of any step may have one
}

/** Before the first step backwards, which starts from slot `last`. */
export function flowStart(s: Sequence, last: i32): void {
  memory.fill(s.flow, 0, <usize>(s.T + 1) * ROW);
  const dh = s.at(s.dh, last, 0, s.R);
  const dc = slot(s, s.dc, last, 0);
  memory.copy(s.flowH, dh, <usize>(s.B * s.R) << 2);
  if (s.c) memory.copy(s.flowC, dc, <usize>(s.B * s.H) << 2);
  s.flowOwn |= Own.NOW;
  s.flowScale = 1;
  flowAfter(s, last, last);
}

/** Before step t is taken backwards from slot `next` to slot `prev`, while its gates, `width` a row, are still there. */
export function flowBefore(s: Sequence, t: i32, prev: i32, next: i32, width: i32): void {
  const n = s.B * s.R;
  const bytes = <usize>n << 2;
  const own = s.at(s.dh, prev, 0, s.R);
  const gives = s.flowOwn & Own.EVER && any(own, n);
  const carries = s.flowOut != s.flowH;
  const holds = s.zone != 0 || s.mask != 0;
  let e = s.flowH;
  if (holds) {
    e += bytes;
    memory.copy(e, s.flowH, bytes);
    if (s.zone) multiply(e, e, s.at(s.zone, t, 0, s.R), n);
    if (s.mask) for (let b = 0; b < s.B; b++) if (!takes(s, t, b)) memory.fill(s.at(e, 0, b, s.R), 0, <usize>s.R << 2);
    addRest(s.flowH, own, e, n); // (2)
  } // else all of p_h is e
  if (s.c) {
    if (carries || s.flowOwn & Own.NOW) inject(s, t, next, e, width);
    if (s.cellClip > 0) stopClipped(s, t, next);
  }
  if (gives || s.flowOwn & Own.NOW) memory.copy(s.flowOut, own, bytes);
  s.flowOwn = (s.flowOwn & Own.EVER) | gives;
}

/** What the cell multiplies by its f (1), or a GRU by its z (2), from row b on: p_c, or e; 0 where nothing is measured. */
export function flowAlong(s: Sequence, b: i32): usize {
  if (!s.flow) return 0;
  if (s.c) return s.at(s.flowC, 0, b, s.H);
  return s.at(s.flowH, s.zone || s.mask ? 1 : 0, b, s.R);
}

/** Behind the same step: the norms of slot `prev`; of the first slot with `next` the same. */
export function flowAfter(s: Sequence, prev: i32, next: i32): void {
  if (s.cell == Cell.GRU && prev != next) {
    const e = flowAlong(s, 0);
    if (e != s.flowH) add(s.flowH, s.flowH, e, s.B * s.R); // (2)
    else if (s.flowOwn & Own.NOW) add(e, e, s.flowOut, s.B * s.R);
  }
  // Values are multiplied by a power of two where a float32 would not hold their squares: by the last slot's, or by another.
  for (let round = 0; round < 4; round++) {
    const size = measure(s, prev, next);
    const scaled = size * s.flowScale;
    if (scaled > 1e-16 && scaled < 1e17) {
      if (size > 1e-8 && size < 1e12) s.flowScale = 1;
      else s.flowScale = reinterpret<f32>(max(1, 254 - (reinterpret<i32>(size) >> 23)) << 23);
      return;
    }
    // 2¹⁰⁰, 2⁻¹⁰⁰, 1: where nothing reaches slot `prev`, the last one leaves the norm of the other slot's dc.
    s.flowScale = reinterpret<f32>((round == 0 ? 227 : round == 1 ? 27 : 127) << 23);
  }
}

/** Answers about how large dh and dc are. */
// @ts-ignore: decorator
@inline
function measure(s: Sequence, prev: i32, next: i32): f32 {
  const row = s.flow + <usize>prev * ROW;
  const n = s.B * s.R;
  const dh = s.at(s.dh, prev, 0, s.R);
  const same = s.c && s.R == s.H;
  if (s.c) {
    const dc = slot(s, s.dc, prev, 0);
    norms(s, row, dc, s.flowC, slot(s, s.dc, next, 0), same ? dh : dc, s.B * s.H);
  }
  const carries = s.flowOut != s.flowH;
  // Without W_hh all of the gradient comes directly.
  if (!s.weightHh) memory.copy(s.flowH, dh, <usize>n << 2);
  const now = s.flowOwn & Own.NOW;
  if (carries || now) norms(s, row + 20, dh, s.flowH, now ? s.flowOut : 0, dh, n);
  else if (!same) store<f32>(row + 20, norm(s, dh, n));
  if (carries && now) {
    norms(s, row + 40, dh, s.flowOut, dh, dh, n);
    norms(s, row + 60, s.flowH, s.flowOut, dh, dh, n);
  }
  return load<f32>(row) + load<f32>(row + 16) + load<f32>(row + 20);
}

/** Whether row b takes step t. */
function takes(s: Sequence, t: i32, b: i32): bool {
  return !s.mask || load<u8>(s.mask + t * s.B + b) != 0;
}

/** p_c += what e brings by way of h; e is overwritten. */
function inject(s: Sequence, t: i32, next: i32, e: usize, width: i32): void {
  const H = s.H;
  const n = s.B * H;
  if (s.wide) {
    const row = <usize>H << 2;
    memory.fill(s.dWide, 0, <usize>n << 2);
    gemm(s.dWide, row, s.dWide, row, e, <usize>s.R << 2, s.whrT, s.B, H, s.R);
    e = s.dWide;
  }
  scaleRows(s, t, e, s.at(s.gates, t, 0, width) + (<usize>(3 * H) << 2), width);
  if (s.cell == Cell.SLSTM) {
    const total = s.at(s.n, next, 0, H);
    for (let k = 0; k < n; k++) {
      const at = <usize>k << 2;
      const n = load<f32>(total + at);
      // 0 only in a row that is held, where e is 0.
      if (n != 0) store<f32>(e + at, load<f32>(e + at) / n);
    }
  } else {
    const kind = s.gainC ? Activation.TANH : s.actH;
    activationBackward(e, e, s.at(s.kept, t, 0, H), kind, s.alphaH, s.betaH, n);
  }
  if (!s.gainC) add(s.flowC, s.flowC, e, n);
  else
    for (let b = 0; b < s.B; b++) {
      if (!takes(s, t, b)) continue;
      const hat = s.at(s.hatC, t, b, H);
      // Row B takes the gradient of the gain, which is counted elsewhere.
      const gain = s.at(s.flowC, 1, 0, H);
      normBackward(s.at(s.flowC, 0, b, H), gain, 0, s.at(e, 0, b, H), hat, s.at(s.scaleC, t, b, 1), s.gainC, true, 1, H);
    }
}

/** p_c = 0 where c was clipped. */
function stopClipped(s: Sequence, t: i32, next: i32): void {
  for (let k = 0; k < s.B * s.H; k++) {
    const at = <usize>k << 2;
    const inside = Mathf.abs(load<f32>(s.at(s.c, next, 0, s.H) + at)) < s.cellClip;
    if (!inside && takes(s, t, k / s.H)) store<f32>(s.flowC + at, 0);
  }
}

/** y ·= a for the rows that take step t. */
function scaleRows(
  s: Sequence,
  t: i32,
  y: usize, // [B,H]      in, out
  a: usize, // [B] rows of H values, `width` apart  in
  width: i32,
): void {
  const row = <usize>s.H << 2;
  for (let b = 0; b < s.B; b++) {
    // Not by `multiply`: of small layers the calls would take longer than the products.
    let n = takes(s, t, b) ? s.H : 0;
    let at: usize = 0;
    for (; n >= LANES; n -= LANES) {
      v128.store(y + at, f32x4.mul(v128.load(y + at), v128.load(a + at)));
      at += 16;
    }
    if (n) storeSome(y + at, f32x4.mul(loadSome(y + at, n), loadSome(a + at, n)), n);
    y += row;
    a += <usize>width << 2;
  }
}

/** Whether any of n values has a bit set. */
function any(x: usize, n: i32): i32 {
  let bits = f32x4.splat(0.0);
  for (; n >= LANES; n -= LANES) {
    bits = v128.or(bits, v128.load(x));
    x += 16;
  }
  return v128.any_true(v128.or(bits, loadSome(x, n))) ? 1 : 0;
}

/** The last values of four arrays, on four lanes each, so that a loop over whole vectors has no call in it. */
const REST = memory.data(64, 16);

/** ‖a‖, ‖b‖, ‖a − b‖, ‖c‖ and ‖d‖ of n values each, the last two 0 without c. All at once: a sum waits for its last addition. */
function norms(s: Sequence, to: usize, a: usize, b: usize, c: usize, d: usize, n: i32): void {
  const scale = f32x4.splat(s.flowScale);
  // As bits: V8 compares floats anew at every turn.
  const scaled = reinterpret<i32>(s.flowScale) != 0x3f800000;
  const more = c != 0;
  // Exact, of a power of two.
  const back: f32 = 1.0 / s.flowScale;
  let aa = f32x4.splat(0.0);
  let bb = aa;
  let ab = aa;
  let cc = aa;
  let dd = aa;
  while (n > 0) {
    if (n < LANES) {
      v128.store(REST, loadSome(a, n));
      v128.store(REST, loadSome(b, n), 16);
      v128.store(REST, loadSome(c, n), 32);
      v128.store(REST, loadSome(d, n), 48);
      a = REST;
      b = REST + 16;
      c = REST + 32;
      d = REST + 48;
      n = LANES;
    }
    for (; n >= LANES; n -= LANES) {
      let x = v128.load(a);
      let y = v128.load(b);
      if (scaled) {
        x = f32x4.mul(x, scale);
        y = f32x4.mul(y, scale);
      }
      const rest = f32x4.sub(x, y);
      aa = madd(x, x, aa);
      bb = madd(y, y, bb);
      ab = madd(rest, rest, ab);
      a += 16;
      b += 16;
      if (more) {
        x = v128.load(c);
        y = v128.load(d);
        if (scaled) {
          x = f32x4.mul(x, scale);
          y = f32x4.mul(y, scale);
        }
        cc = madd(x, x, cc);
        dd = madd(y, y, dd);
        c += 16;
        d += 16;
      }
    }
  }
  const low = f32x4.add(v128.shuffle<f32>(aa, bb, 0, 1, 4, 5), v128.shuffle<f32>(aa, bb, 2, 3, 6, 7));
  const high = f32x4.add(v128.shuffle<f32>(ab, cc, 0, 1, 4, 5), v128.shuffle<f32>(ab, cc, 2, 3, 6, 7));
  const all = f32x4.add(v128.shuffle<f32>(low, high, 0, 2, 4, 6), v128.shuffle<f32>(low, high, 1, 3, 5, 7));
  v128.store(to, f32x4.mul(f32x4.sqrt(all), f32x4.splat(back)));
  store<f32>(to + 16, root(dd) * back);
}

/** ‖x‖ of n values, in two sums, since each waits for its last addition. */
function norm(s: Sequence, x: usize, n: i32): f32 {
  const scale = f32x4.splat(s.flowScale);
  let even = f32x4.splat(0.0);
  let odd = even;
  for (; n >= 2 * LANES; n -= 2 * LANES) {
    const v = f32x4.mul(v128.load(x), scale);
    const w = f32x4.mul(v128.load(x, 16), scale);
    even = madd(v, v, even);
    odd = madd(w, w, odd);
    x += 32;
  }
  for (; n > 0; n -= LANES) {
    const v = f32x4.mul(loadSome(x, n), scale);
    even = madd(v, v, even);
    x += 16;
  }
  return root(f32x4.add(even, odd)) / s.flowScale;
}

/** The root of the sum of four lanes. */
// @ts-ignore: decorator
@inline
function root(a: v128): f32 {
  a = f32x4.add(a, v128.shuffle<f32>(a, a, 2, 3, 0, 1));
  return Mathf.sqrt(f32x4.extract_lane(a, 0) + f32x4.extract_lane(a, 1));
}
