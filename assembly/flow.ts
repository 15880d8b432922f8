// Where the gradient goes, measured while recurrentBackward runs. The gradient of a state (dL/dh, dL/dc) comes from later steps
// in two ways, which add up:
//   directly      through the cell's memory alone: the factors f of an LSTM, z of a GRU, what zoneout and masks hold
//   recurrently   through W_hh (or a peephole) at least once
// p is what did not come recurrently: the direct part, and the step's own output. It is carried along with the gradient:
//   e = p_h·zone    p_c += W_hrᵀ·e·o·φ'(c)    p_c₋ = p_c·f                  (1)  LSTM; sLSTM: o/n instead of o·φ'(c)
//   p_h₋ = p_h − e + (step t − 1's own output), and + e·z in a GRU          (2)
// (1) and the product by z are in the cells and beside them, where all of it is at hand. All else of the gradient is the recurrent
// part. Counts of gates are made in bindings/flow/ from rows that are copied.
import { LANES, loadSome, madd, storeSome } from "./math/simd";
import { add, addRest, multiply } from "./math/vector";
import { Cell, Sequence, slot } from "./sequence";

/** Bytes of a row of `flow`: norms over the batch of what is in the row's slot, 6 of c and 6 of h, as `norms` leaves them. */
const ROW: usize = 48;
const OF_H: usize = 24;

/** Bits of `flowOwn`. */
namespace Own {
  export const NOW: i32 = 1; //  the step's output has a gradient of its own
  export const EVER: i32 = 2; // an output of any step may have one
  export const INTO: i32 = 4; // the step's e may be other than 0
}

/** Before the first step backwards, which starts from slot `last`. */
export function flowStart(s: Sequence, last: i32): void {
  memory.fill(s.flow, 0, <usize>(s.T + 1) * ROW);
  memory.copy(partOf(s, last), s.at(s.dh, last, 0, s.R), <usize>(s.B * s.R) << 2);
  if (s.c) memory.copy(s.flowC, slot(s, s.dc, last, 0), <usize>(s.B * s.H) << 2);
  s.flowOwn |= Own.NOW;
}

/**
 * Behind a step to slot `next` from slot `later` (of the last slot the same), and before step t to slot `prev`. Behind the last
 * step t is −1: only norms are left to be taken.
 */
export function flowStep(s: Sequence, t: i32, prev: i32, next: i32, later: i32): void {
  const n = s.B * s.R;
  const carries = s.flowOut != 0;
  const now = s.flowOwn & Own.NOW;
  if (s.cell == Cell.GRU && next != later) {
    const e = entering(s, next, 0);
    if (e != s.flowH) add(s.flowH, s.flowH, e, n); // (2)
    else if (now) add(e, e, s.flowOut, n);
  }
  measure(s, next, later, carries, now);
  if (t < 0) return;

  const own = s.at(s.dh, prev, 0, s.R);
  if (s.zone != 0 || s.mask != 0) {
    const e = s.at(s.flowH, 1, 0, s.R);
    memory.copy(e, s.flowH, <usize>n << 2);
    if (s.zone) multiply(e, e, s.at(s.zone, t, 0, s.R), n);
    if (s.mask) for (let b = 0; b < s.B; b++) if (!load<u8>(s.mask + t * s.B + b)) memory.fill(s.at(e, 0, b, s.R), 0, <usize>s.R << 2);
    // own + (p_h − e), which is exact where e is all of p_h.
    memory.copy(s.flowOut, own, <usize>n << 2);
    addRest(s.flowOut, s.flowH, e, n); // (2)
    memory.copy(s.flowH, s.flowOut, <usize>n << 2);
  } // else all of p_h is e
  const gives = s.flowOwn & Own.EVER ? copyAny(carries ? s.flowOut : partOf(s, prev), own, n) : 0;
  s.flowOwn = (s.flowOwn & Own.EVER) | gives | (carries || now ? Own.INTO : 0);
}

/** p_h of a slot. Where it is no more than the step's own output there are two, by turns: the cell still reads the last one as e. */
function partOf(s: Sequence, slot: i32): usize {
  return s.at(s.flowH, s.flowOut ? 0 : slot & 1, 0, s.R);
}

/** e of a step from slot `next`, from row b on. */
function entering(s: Sequence, next: i32, b: i32): usize {
  return s.at(s.zone || s.mask ? s.at(s.flowH, 1, 0, s.R) : partOf(s, next), 0, b, s.R);
}

/** What a cell takes along, from row b on: p_c (1), or of a GRU e (2); 0 where nothing is measured. */
export function flowAlong(s: Sequence, next: i32, b: i32): usize {
  if (!s.flow) return 0;
  return s.c ? s.at(s.flowC, 0, b, s.H) : entering(s, next, b);
}

/** e from row b on, for a step from slot `next`; 0 where there is none. */
export function flowInto(s: Sequence, next: i32, b: i32): usize {
  return s.flow && s.flowOwn & Own.INTO ? entering(s, next, b) : 0;
}

/** The norms of a slot, to which a step was taken from slot `later`. */
// @ts-ignore: decorator
@inline
function measure(s: Sequence, at: i32, later: i32, carries: bool, now: i32): void {
  const row = s.flow + <usize>at * ROW;
  const n = s.B * s.R;
  const dh = s.at(s.dh, at, 0, s.R);
  const same = s.c && s.R == s.H;
  if (s.c) {
    const dc = slot(s, s.dc, at, 0);
    norms(row, dc, s.flowC, slot(s, s.dc, later, 0), same ? dh : dc, s.B * s.H);
  }
  // Without W_hh all of the gradient comes directly.
  if (!s.weightHh) memory.copy(s.flowH, dh, <usize>n << 2);
  if (carries || now) norms(row + OF_H, dh, partOf(s, at), carries && now ? s.flowOut : 0, 0, n);
  else if (!same) norm(row + OF_H, dh, n);
}

/** y = x, n values each. Answers whether any has a bit set. */
function copyAny(y: usize, x: usize, n: i32): i32 {
  let bits = f32x4.splat(0.0);
  for (; n >= LANES; n -= LANES) {
    const v = v128.load(x);
    bits = v128.or(bits, v);
    v128.store(y, v);
    x += 16;
    y += 16;
  }
  const rest = loadSome(x, n);
  storeSome(y, rest, n);
  return v128.any_true(v128.or(bits, rest)) ? Own.NOW : 0;
}

/** The last values of four arrays, on four lanes each, so that a loop over whole vectors has no call in it. */
const REST = memory.data(64, 16);

/**
 * ‖a‖, ‖b‖ and ‖a − b‖ of n values each; with c also ‖c‖, and ‖d‖, or without d ‖a − c‖ and ‖b − c‖: 6 places, 0 where nothing is
 * said. All at once: a sum waits for its last addition.
 */
function norms(to: usize, a: usize, b: usize, c: usize, d: usize, n: i32): void {
  quick(to, a, b, c, d, n);
  exact(to, a, 0, n);
  exact(to + 4, b, 0, n);
  exact(to + 8, a, b, n);
  if (!c) return;
  exact(to + 12, c, 0, n);
  exact(to + 16, d ? d : a, d ? 0 : c, n);
  if (!d) exact(to + 20, b, c, n);
}

/** The same, of values whose squares a float32 holds. */
function quick(to: usize, a: usize, b: usize, c: usize, d: usize, n: i32): void {
  const more = c != 0;
  const apart = d == 0;
  let aa = f32x4.splat(0.0);
  let bb = aa;
  let ab = aa;
  let cc = aa;
  let dd = aa;
  let ee = aa;
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
      const x = v128.load(a);
      let y = v128.load(b);
      let v = f32x4.sub(x, y);
      aa = madd(x, x, aa);
      bb = madd(y, y, bb);
      ab = madd(v, v, ab);
      a += 16;
      b += 16;
      if (more) {
        v = v128.load(c);
        cc = madd(v, v, cc);
        c += 16;
        if (apart) {
          y = f32x4.sub(y, v);
          ee = madd(y, y, ee);
          v = f32x4.sub(x, v);
        } else {
          v = v128.load(d);
          d += 16;
        }
        dd = madd(v, v, dd);
      }
    }
  }
  v128.store(to, f32x4.sqrt(sums(pairs(aa, bb), pairs(ab, cc))));
  v128.store64_lane(to, f32x4.sqrt(sums(pairs(dd, ee), dd)), 0, 16);
}

/** Two values, or the last one. */
// @ts-ignore: decorator
@inline
function loadPair(x: usize, n: i32): v128 {
  return n > 1 ? v128.load64_zero(x) : v128.load32_zero(x);
}

/** ‖x − y‖, or without y ‖x‖, of n values once more, in float64, unless it is a number whose square a float32 holds. */
function exact(to: usize, x: usize, y: usize, n: i32): void {
  const norm = load<f32>(to);
  if (norm > 1e-15 && norm < 1e18) return;
  let sum = f64x2.splat(0.0);
  const apart = y - x;
  for (; n > 0; n -= 2) {
    let v = loadPair(x, n);
    if (y) v = f32x4.sub(v, loadPair(x + apart, n));
    v = f64x2.promote_low_f32x4(v);
    sum = f64x2.add(sum, f64x2.mul(v, v));
    x += 8;
  }
  store<f32>(to, <f32>Math.sqrt(f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1)));
}

/** Two sums of two lanes of a, then of b. */
// @ts-ignore: decorator
@inline
function pairs(a: v128, b: v128): v128 {
  return f32x4.add(v128.shuffle<f32>(a, b, 0, 1, 4, 5), v128.shuffle<f32>(a, b, 2, 3, 6, 7));
}

/** Of two such the four sums. */
// @ts-ignore: decorator
@inline
function sums(a: v128, b: v128): v128 {
  return f32x4.add(v128.shuffle<f32>(a, b, 0, 2, 4, 6), v128.shuffle<f32>(a, b, 1, 3, 5, 7));
}

/** ‖x‖ of n values, in four sums, since each waits for its last addition. */
function norm(to: usize, x: usize, n: i32): void {
  const first = x;
  let rest = n;
  let a = f32x4.splat(0.0);
  let b = a;
  let c = a;
  let d = a;
  for (; rest >= 4 * LANES; rest -= 4 * LANES) {
    let v = v128.load(x);
    a = madd(v, v, a);
    v = v128.load(x, 16);
    b = madd(v, v, b);
    v = v128.load(x, 32);
    c = madd(v, v, c);
    v = v128.load(x, 48);
    d = madd(v, v, d);
    x += 64;
  }
  for (; rest > 0; rest -= LANES) {
    const v = loadSome(x, rest);
    a = madd(v, v, a);
    x += 16;
  }
  a = pairs(f32x4.add(a, b), f32x4.add(c, d));
  a = sums(a, a);
  store<f32>(to, Mathf.sqrt(f32x4.extract_lane(a, 0) + f32x4.extract_lane(a, 1)));
  exact(to, first, 0, n);
}
