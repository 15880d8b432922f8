import type { Shape, Tensor } from "lstm-wasm";

/** Numbers in ±1, the same for the same seed (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

/** A tensor of such numbers times `scale`. */
export function randomTensor(random: () => number, shape: Shape, scale = 1): Tensor {
  const size = shape.reduce((n, k) => n * k, 1);
  return { data: Float32Array.from({ length: size }, () => scale * random()), shape };
}

/** A tensor of such numbers; another for another rank. */
export const tensor = (...shape: number[]): Tensor => randomTensor(createRandom(shape.length), shape);

/** Whole numbers below N. */
export const numbers = (seed: number, shape: readonly number[], N: number): Tensor => {
  const { data } = randomTensor(createRandom(seed), shape);
  return { data: data.map((value) => Math.floor((0.5 + value / 2) * N)), shape };
};
