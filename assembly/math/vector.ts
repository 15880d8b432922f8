// Sums, products and scalings of whole arrays. Whole vectors in the loop, which V8 keeps in registers only if nothing in it
// calls; then the last 1 to 3 values.
import { clip4, inside4 } from "./activation";
import { LANES, loadSome, madd, storeSome } from "./simd";

/** y = a + b. */
export function add(
  y: usize, // [n]  out =   may alias a or b
  a: usize, // [n]  in
  b: usize, // [n]  in
  n: i32,
): void {
  for (; n >= LANES; n -= LANES) {
    v128.store(y, f32x4.add(v128.load(a), v128.load(b)));
    y += 16;
    a += 16;
    b += 16;
  }
  if (n) storeSome(y, f32x4.add(loadSome(a, n), loadSome(b, n)), n);
}

/** x ·= factor. */
export function scale(
  x: usize, // [n]  in, out
  factor: f32,
  n: i32,
): void {
  const f = f32x4.splat(factor);
  for (; n >= LANES; n -= LANES) {
    v128.store(x, f32x4.mul(v128.load(x), f));
    x += 16;
  }
  storeSome(x, f32x4.mul(loadSome(x, n), f), n);
}

/** Σ x², summed in float64, in order. */
export function sumSquares(
  x: usize, // [n]  in
  n: i32,
): f64 {
  let total: f64 = 0.0;
  for (let i = 0; i < n; i++) {
    const v = <f64>load<f32>(x + ((<usize>i) << 2));
    total += v * v;
  }
  return total;
}

/** The index of the first NaN or infinity, or −1. */
export function firstNonFinite(
  x: usize, // [n]  in
  n: i32,
): i32 {
  // v − v is 0, all bits, or NaN.
  let odd = f32x4.splat(0.0);
  let at = x;
  let rest = n;
  for (; rest >= LANES; rest -= LANES) {
    const v = v128.load(at);
    odd = v128.or(odd, f32x4.sub(v, v));
    at += 16;
  }
  const v = loadSome(at, rest);
  if (!v128.any_true(v128.or(odd, f32x4.sub(v, v)))) return -1;
  let first = 0;
  while (isFinite(load<f32>(x + ((<usize>first) << 2)))) first++;
  return first;
}

/** y = a·b, element by element. */
export function multiply(
  y: usize, // [n]  out =   may alias a or b
  a: usize, // [n]  in
  b: usize, // [n]  in
  n: i32,
): void {
  for (; n >= LANES; n -= LANES) {
    v128.store(y, f32x4.mul(v128.load(a), v128.load(b)));
    y += 16;
    a += 16;
    b += 16;
  }
  if (n) storeSome(y, f32x4.mul(loadSome(a, n), loadSome(b, n)), n);
}

/** y += a·b, element by element. */
export function multiplyAdd(
  y: usize, // [n]  +=
  a: usize, // [n]  in
  b: usize, // [n]  in
  n: i32,
): void {
  for (; n >= LANES; n -= LANES) {
    v128.store(y, madd(v128.load(a), v128.load(b), v128.load(y)));
    y += 16;
    a += 16;
    b += 16;
  }
  storeSome(y, madd(loadSome(a, n), loadSome(b, n), loadSome(y, n)), n);
}

/** y[t, :] = x[t, :]·mask, or += it: one mask for all steps. */
export function maskSteps(
  y: usize, //    [T,n]  out =, or += with `addTo`   may alias x without it
  x: usize, //    [T,n]  in
  mask: usize, // [n]    in
  addTo: bool,
  T: i32,
  n: i32,
): void {
  const row = <usize>n << 2;
  for (let t = 0; t < T; t++, y += row, x += row) {
    if (addTo) multiplyAdd(y, x, mask, n);
    else multiply(y, x, mask, n);
  }
}

/** y += a − b, element by element. */
export function addRest(
  y: usize, // [n]  +=
  a: usize, // [n]  in
  b: usize, // [n]  in
  n: i32,
): void {
  for (; n >= LANES; n -= LANES) {
    v128.store(y, f32x4.add(v128.load(y), f32x4.sub(v128.load(a), v128.load(b))));
    y += 16;
    a += 16;
    b += 16;
  }
  storeSome(y, f32x4.add(loadSome(y, n), f32x4.sub(loadSome(a, n), loadSome(b, n))), n);
}

/** y = b + k·(a − b): the share k of a, the rest of b. */
export function blend(
  y: usize, // [n]  out =   may alias a or b
  a: usize, // [n]  in
  b: usize, // [n]  in
  k: usize, // [n]  in
  n: i32,
): void {
  for (; n >= LANES; n -= LANES) {
    const from = v128.load(b);
    v128.store(y, madd(v128.load(k), f32x4.sub(v128.load(a), from), from));
    y += 16;
    a += 16;
    b += 16;
    k += 16;
  }
  const from = loadSome(b, n);
  storeSome(y, madd(loadSome(k, n), f32x4.sub(loadSome(a, n), from), from), n);
}

/** Every value held within ±limit (PyTorch's clip_grad_value_). Answers 1 if one was outside, else 0. */
export function clipValue(
  x: usize, // [n]  in, out
  limit: f32,
  n: i32,
): i32 {
  let outside = 0;
  for (let k = 0; k < n; k += LANES) {
    const at = <usize>k << 2;
    const lanes = n - k;
    const v = loadSome(x + at, lanes);
    if (!i32x4.all_true(inside4(v, limit))) outside = 1;
    storeSome(x + at, clip4(v, limit), lanes);
  }
  return outside;
}

/** Copies rows between arrays of different row length; rows that the mask leaves out become 0. */
export function copyRows(
  to: usize, //   [rows] rows of toWidth, n values of each  out =
  from: usize, // [rows] rows of fromWidth, n values of each  in   may be `to`
  mask: usize, // [rows] u8  in   address 0: all rows
  rows: i32,
  n: i32,
  toWidth: i32,
  fromWidth: i32,
): void {
  const bytes = <usize>n << 2;
  for (let row = 0; row < rows; row++) {
    if (mask && !load<u8>(mask + row)) memory.fill(to, 0, bytes);
    else memory.copy(to, from, bytes);
    to += <usize>toWidth << 2;
    from += <usize>fromWidth << 2;
  }
}

/** y[b, a, :] = x[a, b, :]: between time-major and batch-first. */
export function swapAxes(
  y: usize, // [B,A,N]  out =   must not alias x
  x: usize, // [A,B,N]  in
  A: i32,
  B: i32,
  N: i32,
): void {
  const row = <usize>N << 2;
  for (let a = 0; a < A; a++) {
    for (let b = 0; b < B; b++) {
      memory.copy(y + <usize>(b * A + a) * row, x, row);
      x += row;
    }
  }
}

/** y[T − 1 − t, :] = x[t, :]: the steps in the other order. */
export function flipSteps(
  y: usize, // [T,n]  out =   must not alias x
  x: usize, // [T,n]  in
  T: i32,
  n: i32,
): void {
  const row = <usize>n << 2;
  for (let t = 0; t < T; t++) memory.copy(y + <usize>(T - 1 - t) * row, x + <usize>t * row, row);
}
