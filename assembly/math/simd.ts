// Vectors of four f32 lanes: multiply-add in the build's own form, and the partial loads and stores that
// let one loop body serve full vectors and the last 1 to 3 values alike.

/** Lanes of one v128. */
export const LANES: i32 = 4;

/**
 * Four times a constant of memory.data. As an immediate it would be 18 bytes of code, which V8 13 builds anew in every
 * iteration of a loop.
 */
// @ts-ignore: decorator
@inline
export function constant(at: usize): v128 {
  return v128.load32_splat(at);
}

export const ONE: usize = memory.data<f32>([1.0], 4);
export const HALF: usize = memory.data<f32>([0.5], 4);

/**
 * a·b + c. The strict build rounds twice and so gives the same bits on every engine; the relaxed build lets
 * the processor fuse the two (one rounding where it has FMA), so its bits depend on the machine.
 */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) {
    return f32x4.relaxed_madd(a, b, c);
  }
  return f32x4.add(f32x4.mul(a, b), c);
}

/** c − a·b, in the same form as `madd`. */
// @ts-ignore: decorator
@inline
export function nmadd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) {
    return f32x4.relaxed_nmadd(a, b, c);
  }
  return f32x4.sub(c, f32x4.mul(a, b));
}

/** The first `lanes` values at `from` (4 or more: a full vector; 0 or less: none); other lanes are 0, their memory unread. */
export function loadSome(from: usize, lanes: i32): v128 {
  if (lanes >= LANES) return v128.load(from);
  if (lanes <= 0) return f32x4.splat(0.0);
  if (lanes == 1) return v128.load32_zero(from);
  const low = v128.load64_zero(from);
  return lanes == 2 ? low : v128.load_lane<f32>(from, low, 2, 8);
}

/** Writes the first `lanes` lanes of `v` to `to` (4 or more: all; 0 or less: none), and nothing behind them. */
export function storeSome(to: usize, v: v128, lanes: i32): void {
  if (lanes >= LANES) {
    v128.store(to, v);
    return;
  }
  if (lanes <= 0) return;
  if (lanes == 1) {
    v128.store_lane<f32>(to, v, 0);
    return;
  }
  v128.store_lane<i64>(to, v, 0);
  if (lanes == 3) v128.store_lane<f32>(to, v, 2, 8);
}

/** A load, or with `some` loadSome: for code that is compiled twice, for whole vectors and for what is left. */
// @ts-ignore: decorator
@inline
export function take(some: bool, from: usize, lanes: i32): v128 {
  return some ? loadSome(from, lanes) : v128.load(from);
}

/** A store, or with `some` storeSome. */
// @ts-ignore: decorator
@inline
export function put(some: bool, to: usize, v: v128, lanes: i32): void {
  if (some) storeSome(to, v, lanes);
  else v128.store(to, v);
}
