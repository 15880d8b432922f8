// What the core can do at best: multiply-adds that wait for nothing, in registers alone, and loads that nothing is done with.
// A module of its own, for benchmarks and tests; with what the core has only inside of other functions.
import { madd } from "../../assembly/math/simd";

export { expForward } from "../../assembly/math/activation";

/** Floating-point operations of one turn of the loop: 12 accumulators of 4 lanes, a product and a sum each. */
export function flopsPerTurn(): i32 {
  return 12 * 4 * 2;
}

/**
 * Runs the loop `turns` times: x = x·by + by. 12 independent accumulators cover the latency of a product and a sum behind it,
 * and with `by` they fit the 15 vector registers that V8 has. `by` is an argument because V8 would build a constant anew in
 * every turn; below 1 it keeps the values finite.
 */
export function peak(turns: i32, by: f32): f32 {
  const factor = f32x4.splat(by);
  let a = f32x4.splat(1.0);
  let b = f32x4.splat(1.1);
  let c = f32x4.splat(1.2);
  let d = f32x4.splat(1.3);
  let e = f32x4.splat(1.4);
  let f = f32x4.splat(1.5);
  let g = f32x4.splat(1.6);
  let h = f32x4.splat(1.7);
  let i = f32x4.splat(1.8);
  let j = f32x4.splat(1.9);
  let k = f32x4.splat(2.0);
  let l = f32x4.splat(2.1);
  for (let n = 0; n < turns; n++) {
    a = madd(a, factor, factor);
    b = madd(b, factor, factor);
    c = madd(c, factor, factor);
    d = madd(d, factor, factor);
    e = madd(e, factor, factor);
    f = madd(f, factor, factor);
    g = madd(g, factor, factor);
    h = madd(h, factor, factor);
    i = madd(i, factor, factor);
    j = madd(j, factor, factor);
    k = madd(k, factor, factor);
    l = madd(l, factor, factor);
  }
  const ab = f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
  const ef = f32x4.add(f32x4.add(e, f), f32x4.add(g, h));
  const ij = f32x4.add(f32x4.add(i, j), f32x4.add(k, l));
  return f32x4.extract_lane(f32x4.add(f32x4.add(ab, ef), ij), 0);
}

/** Reads the first so many bytes of memory, a multiple of 128, in order. */
export function read(bytes: i32): i32 {
  let a = i32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  for (let at: usize = 0; at < <usize>bytes; at += 128) {
    a = v128.or(a, v128.load(at));
    b = v128.or(b, v128.load(at, 16));
    c = v128.or(c, v128.load(at, 32));
    d = v128.or(d, v128.load(at, 48));
    a = v128.or(a, v128.load(at, 64));
    b = v128.or(b, v128.load(at, 80));
    c = v128.or(c, v128.load(at, 96));
    d = v128.or(d, v128.load(at, 112));
  }
  return v128.any_true(v128.or(v128.or(a, b), v128.or(c, d))) ? 1 : 0;
}
