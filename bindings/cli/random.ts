// Random numbers of a seed, the same everywhere.

/** Numbers in [0, 1) (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A seeded permutation (Fisher and Yates). */
export function shuffle(values: readonly number[], seed: number): number[] {
  const result = [...values];
  const random = createRandom(seed);
  for (let k = result.length - 1; k > 0; k--) {
    const j = Math.floor(random() * (k + 1));
    [result[k], result[j]] = [result[j] as number, result[k] as number];
  }
  return result;
}
