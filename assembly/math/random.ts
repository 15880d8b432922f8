// Counter-based random numbers: value number k of a seed is a pure function of both, so a run can stop and
// resume anywhere and every engine draws the same.

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
