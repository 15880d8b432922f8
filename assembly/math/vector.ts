// Sums and scalings of whole arrays.
import { LANES, loadLanes, madd, storeLanes } from "./simd";

/** y = a + b. */
export function add(
  y: usize, // [n]  out =   may alias a or b
  a: usize, // [n]  in
  b: usize, // [n]  in
  n: i32,
): void {
  for (let i = 0; i < n; i += LANES) {
    const at = (<usize>i) << 2;
    const lanes = n - i;
    storeLanes(y + at, f32x4.add(loadLanes(a + at, lanes), loadLanes(b + at, lanes)), lanes);
  }
}

/** x ·= factor. */
export function scale(
  x: usize, // [n]  in, out
  factor: f32,
  n: i32,
): void {
  const f = f32x4.splat(factor);
  for (let i = 0; i < n; i += LANES) {
    const at = (<usize>i) << 2;
    const lanes = n - i;
    storeLanes(x + at, f32x4.mul(loadLanes(x + at, lanes), f), lanes);
  }
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
  for (let i = 0; i < n; i += LANES) {
    const v = loadLanes(x + ((<usize>i) << 2), n - i);
    if (i32x4.all_true(f32x4.eq(f32x4.sub(v, v), f32x4.splat(0.0)))) continue;
    while (isFinite(load<f32>(x + ((<usize>i) << 2)))) i++;
    return i;
  }
  return -1;
}

/** y = a·b, element by element. */
export function multiply(
  y: usize, // [n]  out =   may alias a or b
  a: usize, // [n]  in
  b: usize, // [n]  in
  n: i32,
): void {
  for (let i = 0; i < n; i += LANES) {
    const at = <usize>i << 2;
    const lanes = n - i;
    storeLanes(y + at, f32x4.mul(loadLanes(a + at, lanes), loadLanes(b + at, lanes)), lanes);
  }
}

/** y += a·b, element by element. */
export function multiplyAdd(
  y: usize, // [n]  +=
  a: usize, // [n]  in
  b: usize, // [n]  in
  n: i32,
): void {
  for (let i = 0; i < n; i += LANES) {
    const at = <usize>i << 2;
    const lanes = n - i;
    storeLanes(y + at, madd(loadLanes(a + at, lanes), loadLanes(b + at, lanes), loadLanes(y + at, lanes)), lanes);
  }
}

/** y += a − b, element by element. */
export function addRest(
  y: usize, // [n]  +=
  a: usize, // [n]  in
  b: usize, // [n]  in
  n: i32,
): void {
  for (let i = 0; i < n; i++) {
    const at = <usize>i << 2;
    store<f32>(y + at, load<f32>(y + at) + (load<f32>(a + at) - load<f32>(b + at)));
  }
}

/** y = b + k·(a − b): the share k of a, the rest of b. */
export function blend(
  y: usize, // [n]  out =   may alias a or b
  a: usize, // [n]  in
  b: usize, // [n]  in
  k: usize, // [n]  in
  n: i32,
): void {
  for (let i = 0; i < n; i += LANES) {
    const at = <usize>i << 2;
    const lanes = n - i;
    const from = loadLanes(b + at, lanes);
    storeLanes(y + at, madd(loadLanes(k + at, lanes), f32x4.sub(loadLanes(a + at, lanes), from), from), lanes);
  }
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
