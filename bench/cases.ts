// What is measured. Names and sizes as in the docs: T steps, B batch, I input width, H hidden width.

export interface Dims {
  readonly T: number;
  readonly B: number;
  readonly I: number;
  readonly H: number;
}

/** A streaming step, a forward pass, or a training step: forward, backward and Adam, with a linear head to 1 on the last output. */
export type Work = "step" | "forward" | "training";

export interface BenchCase extends Dims {
  readonly name: string;
  readonly what: Work;
}

export const CASES: readonly BenchCase[] = [
  { name: "S1 H64", what: "step", T: 1, B: 1, I: 64, H: 64 },
  { name: "S1 H128", what: "step", T: 1, B: 1, I: 128, H: 128 },
  { name: "S1 H256", what: "step", T: 1, B: 1, I: 256, H: 256 },
  { name: "S1 H512", what: "step", T: 1, B: 1, I: 512, H: 512 },
  { name: "S2", what: "forward", T: 100, B: 1, I: 64, H: 128 },
  { name: "S3", what: "forward", T: 100, B: 32, I: 64, H: 256 },
  { name: "T1", what: "training", T: 50, B: 32, I: 32, H: 128 },
  { name: "T2", what: "training", T: 100, B: 64, I: 64, H: 256 },
  { name: "T3", what: "training", T: 25, B: 8, I: 1, H: 16 },
];

/** Floating-point operations of a case: 2 a multiply-add of the products; the backward pass has twice as many. */
export const flops = ({ what, T, B, I, H }: Omit<BenchCase, "name">): number =>
  (what === "training" ? 3 : 1) * 2 * T * B * 4 * H * (I + H);

/** A case in words. */
export const describe = ({ what, T, B, I, H }: Omit<BenchCase, "name">): string =>
  what === "step" ? `one step, I = H = ${H}` : `${what}, T ${T}, B ${B}, I ${I}, H ${H}`;
