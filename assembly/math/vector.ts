// Sums and scalings of whole arrays.
import { LANES, loadLanes, storeLanes } from "./simd";

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
