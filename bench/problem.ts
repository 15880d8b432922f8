// What every contender of a case starts from: the same numbers, made the same way everywhere.
import type { Tensor } from "lstm-wasm";
import type { BenchCase } from "./cases.ts";

/** Learning rate of Adam in training cases; its other options are PyTorch's defaults. */
export const LEARNING_RATE = 0.01;
/** Updates whose losses training cases are compared by. */
export const UPDATES = 2;
/** Contenders whose results are further apart than this, relative to the largest value, are not timed. */
export const AGREEMENT = 1e-4;

/** Tensors under PyTorch's names: x [T,B,I], weights of the LSTM, and in training the head's and a target [B,1]. */
export type Problem = Readonly<Record<string, Tensor>>;

/** Something that can be timed. What it answers is awaited if it is a promise. */
export interface Contender {
  readonly run: () => unknown;
  /** What one run (training: `UPDATES` runs) computed: h, all outputs, or the losses. */
  readonly result: () => ArrayLike<number> | Promise<ArrayLike<number>>;
}

/** Numbers in ±scale from a linear congruential generator. */
function fill(shape: readonly number[], seed: number, scale = 1): Tensor {
  let state = seed;
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return scale * (state / 2 ** 31 - 1);
  });
  return { data, shape };
}

export function createProblem({ what, T, B, I, H }: Omit<BenchCase, "name">): Problem {
  const scale = 1 / Math.sqrt(H);
  return {
    x: fill([T, B, I], 5),
    weight_ih_l0: fill([4 * H, I], 1, scale),
    weight_hh_l0: fill([4 * H, H], 2, scale),
    bias_ih_l0: fill([4 * H], 3, scale),
    bias_hh_l0: fill([4 * H], 4, scale),
    ...(what === "training" && {
      "head.weight": fill([1, H], 6, scale),
      "head.bias": fill([1], 7, scale),
      target: fill([B, 1], 8),
    }),
  };
}

/** Largest difference over the largest value. */
export function disagreement(got: ArrayLike<number>, want: ArrayLike<number>): number {
  if (got.length !== want.length) return Number.POSITIVE_INFINITY;
  let [worst, size] = [0, 0];
  for (let k = 0; k < want.length; k++) {
    const difference = Math.abs((got[k] as number) - (want[k] as number));
    worst = Math.max(worst, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference);
    size = Math.max(size, Math.abs(want[k] as number));
  }
  return worst / size;
}

/** Runs a contender as often as a comparison needs, and answers what it computed: a copy. */
export async function resultOf({ what }: Pick<BenchCase, "what">, contender: Contender): Promise<Float64Array> {
  const losses: number[] = [];
  for (let k = 0; k < (what === "training" ? UPDATES : 1); k++) {
    await contender.run();
    if (what === "training") losses.push(...Array.from(await contender.result()));
  }
  return Float64Array.from(what === "training" ? losses : await contender.result());
}

/** Throws unless two results agree: what disagrees is not the same work, and is not timed. */
export function checkAgreement(name: string, got: ArrayLike<number>, want: ArrayLike<number>): void {
  const apart = disagreement(got, want);
  if (!(apart < AGREEMENT))
    throw new Error(`${name}: expected results within ${AGREEMENT} of each other, got ${apart}: not timed`);
}
