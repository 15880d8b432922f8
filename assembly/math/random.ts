// Counter-based random numbers: value number k of a seed is a pure function of both, so a run can stop and
// resume anywhere and every engine draws the same.
import { add, scale } from "./vector";

const M0: u64 = 0xd2511f53;
const M1: u64 = 0xcd9e8d57;

/**
 * Four random words by Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
 * Its known answers are in the spec.
 */
export function philox(
  out: usize, // [4] u32  out =
  c0: u32,
  c1: u32,
  c2: u32,
  c3: u32,
  k0: u32,
  k1: u32,
): void {
  for (let round = 0; round < 10; round++) {
    const p0 = M0 * <u64>c0;
    const p1 = M1 * <u64>c2;
    c0 = <u32>(p1 >> 32) ^ c1 ^ k0;
    c1 = <u32>p1;
    c2 = <u32>(p0 >> 32) ^ c3 ^ k1;
    c3 = <u32>p0;
    k0 += 0x9e3779b9;
    k1 += 0xbb67ae85;
  }
  store<u32>(out, c0);
  store<u32>(out, c1, 4);
  store<u32>(out, c2, 8);
  store<u32>(out, c3, 12);
}

/** Fills with low + (high − low)·u, u uniform in [0, 1) by 24 random bits. `stream` tells apart uses of one seed. */
export function uniform(
  out: usize, // [n]  out =
  low: f32,
  high: f32,
  seed: u32,
  stream: u32,
  n: i32,
): void {
  const words = memory.data(16, 16);
  const width = high - low;
  for (let i = 0; i < n; i++) {
    if ((i & 3) == 0) philox(words, i >> 2, 0, 0, 0, seed, stream);
    const u = <f32>(load<u32>(words + (<usize>(i & 3) << 2)) >> 8) * <f32>(1.0 / 16777216.0);
    store<f32>(out + (<usize>i << 2), low + width * u);
  }
}

/**
 * Fills with deviation·z, z normal with mean 0 and variance 1: the quantile, by 32 random bits each, of a probability between
 * `tail` and 1 − `tail`. A tail of 0 leaves nothing out.
 */
export function normal(
  out: usize, // [n]  out =
  deviation: f64,
  tail: f64,
  seed: u32,
  stream: u32,
  n: i32,
): void {
  const words = memory.data(16, 16);
  for (let i = 0; i < n; i++) {
    if ((i & 3) == 0) philox(words, i >> 2, 0, 0, 0, seed, stream);
    const u = (<f64>load<u32>(words + (<usize>(i & 3) << 2)) + 0.5) * (1.0 / 4294967296.0);
    store<f32>(out + (<usize>i << 2), <f32>(deviation * normalQuantile(tail + (1.0 - 2.0 * tail) * u)));
  }
}

/**
 * The z that a normal variable stays below with probability p, for e^−25 ≤ p ≤ 1 − e^−25: algorithm AS 241, PPND7
 * (Wichura, Applied Statistics 37, 1988), right to about 1 part in 10^7.
 */
export function normalQuantile(p: f64): f64 {
  const q = p - 0.5;
  if (abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    const above = ((59.10937472 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179;
    const below = ((67.1875636 * r + 78.757757664) * r + 17.895169469) * r + 1.0;
    return (q * above) / below;
  }
  const r = Math.sqrt(-logarithm(min(p, 1.0 - p))) - 1.6;
  const above = ((0.17023821103 * r + 1.3067284816) * r + 2.75681539) * r + 1.4234372777;
  const below = (0.12021132975 * r + 0.7370016425) * r + 1.0;
  return q < 0 ? -above / below : above / below;
}

/** log x for a normal x > 0, as log4 does it; the library's own log is another one in each build. */
function logarithm(x: f64): f64 {
  const bits = reinterpret<i64>(x);
  const n = (bits - reinterpret<i64>(Math.SQRT1_2)) >> 52;
  const m = reinterpret<f64>(bits - (n << 52));
  const s = (m - 1.0) / (m + 1.0);
  let p = 0.0;
  for (let k = 17; k > 0; k -= 2) p = p * (s * s) + 1.0 / <f64>k;
  return <f64>n * Math.LN2 + 2.0 * s * p;
}

/** A matrix whose columns are orthonormal: random rows of the transpose, each cleared of those before it (Gram and Schmidt). */
export function orthogonal(
  out: usize, //     [N,R]  out =   N ≥ R
  scratch: usize, // [R,N]
  seed: u32,
  stream: u32,
  N: i32,
  R: i32,
): void {
  // Sums of four uniform numbers in ±1 are near enough to normal ones for a direction that favours no axis.
  uniform(scratch, -1.0, 1.0, seed, stream, R * N);
  for (let part: u32 = 1; part < 4; part++) {
    uniform(out, -1.0, 1.0, seed, stream + part, R * N);
    add(scratch, scratch, out, R * N);
  }
  const row = <usize>N << 2;
  for (let r = 0; r < R; r++) {
    const v = scratch + <usize>r * row;
    // Twice is enough: the second time clears what rounding left.
    for (let pass = 0; pass < 2; pass++) {
      for (let before = 0; before < r; before++) {
        const u = scratch + <usize>before * row;
        const share = <f32>dot(u, v, N);
        for (let k = 0; k < N; k++) {
          const at = <usize>k << 2;
          store<f32>(v + at, load<f32>(v + at) - share * load<f32>(u + at));
        }
      }
    }
    scale(v, <f32>(1.0 / Math.sqrt(dot(v, v, N))), N);
  }
  for (let n = 0; n < N; n++) {
    for (let r = 0; r < R; r++) store<f32>(out + (<usize>(n * R + r) << 2), load<f32>(scratch + <usize>r * row + (<usize>n << 2)));
  }
}

/** Σ a·b, summed in float64, in order. */
function dot(
  a: usize, // [n]  in
  b: usize, // [n]  in
  n: i32,
): f64 {
  let total: f64 = 0.0;
  for (let k = 0; k < n; k++) {
    const at = <usize>k << 2;
    total += <f64>load<f32>(a + at) * <f64>load<f32>(b + at);
  }
  return total;
}
