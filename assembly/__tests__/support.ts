// What the specs share: buffers with poisoned surroundings, seeded values, comparisons that say what they compare.

const GUARD: i32 = 8;

/** Room for n floats, all NaN, between guards that are NaN too. */
export function buffer(n: i32): usize {
  const block = heap.alloc(<usize>(n + 2 * GUARD) << 2);
  for (let k = 0; k < n + 2 * GUARD; k++) store<f32>(block + (<usize>k << 2), f32.NaN);
  return block + (<usize>GUARD << 2);
}

/** A buffer of n values in ±scale, the same for the same seed. */
export function random(n: i32, seed: u32, scale: f32 = 1.0): usize {
  const at = buffer(n);
  let state: u32 = seed * 2654435761 + 12345;
  for (let k = 0; k < n; k++) {
    state = state * 1664525 + 1013904223;
    put(at, k, scale * (<f32>(state >> 8) / 8388608.0 - 1.0));
  }
  return at;
}

/** A buffer of n zeros. */
export function zeros(n: i32): usize {
  const at = buffer(n);
  memory.fill(at, 0, <usize>n << 2);
  return at;
}

/** A buffer with the same values. */
export function copy(from: usize, n: i32): usize {
  const at = buffer(n);
  memory.copy(at, from, <usize>n << 2);
  return at;
}

// @ts-ignore: decorator
@inline
export function get(at: usize, k: i32): f64 {
  return <f64>load<f32>(at + (<usize>k << 2));
}

// @ts-ignore: decorator
@inline
export function put(at: usize, k: i32, value: f32): void {
  store<f32>(at + (<usize>k << 2), value);
}

/** Expects that nothing before or behind n floats was written. */
export function expectGuards(at: usize, n: i32, what: string): void {
  let intact = true;
  for (let k = 1; k <= GUARD; k++) {
    if (!isNaN(get(at, -k)) || !isNaN(get(at, n + k - 1))) intact = false;
  }
  expect<bool>(intact).toBe(true, what + ": written outside of its " + n.toString() + " values");
}

/** Expects every one of n floats within atol of the value that `want` has for it, and intact guards. */
export function expectClose(at: usize, want: Float64Array, atol: f64, what: string): void {
  let worst = 0.0;
  let where = -1;
  for (let k = 0; k < want.length; k++) {
    const difference = abs(get(at, k) - want[k]);
    if (!(difference <= worst)) {
      worst = difference;
      where = k;
    }
    if (isNaN(difference)) break;
  }
  expect<bool>(worst <= atol).toBe(
    true,
    what + "[" + where.toString() + "]: off by " + worst.toString() + ", more than " + atol.toString(),
  );
  expectGuards(at, want.length, what);
}

/** Expects the same bits. */
export function expectBits(a: usize, b: usize, n: i32, what: string): void {
  expect<i32>(memory.compare(a, b, <usize>n << 2)).toBe(0, what + ": other bits");
}

/** The values of a buffer, in float64. */
export function values(at: usize, n: i32): Float64Array {
  const result = new Float64Array(n);
  for (let k = 0; k < n; k++) result[k] = get(at, k);
  return result;
}

/**
 * Tolerance of a sum of n products in ±1: every one of about n roundings of half a unit in 2⁻²⁴, as if all added up, where
 * the sum itself is about √n/3 in size.
 */
export function sumTolerance(n: i32): f64 {
  return <f64>(n + 4) * 6e-8 * max(1.0, Math.sqrt(<f64>n) / 3.0);
}
