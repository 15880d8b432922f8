// How the cost of a training step grows with each size, the others kept.
import type { Core } from "lstm-wasm";
import { flops } from "./cases.ts";
import { createProblem } from "./problem.ts";
import { time } from "./timing.ts";
import { createTrainer } from "./wasm.ts";
import { watch } from "./watched.ts";

export const BASE = { T: 50, B: 32, I: 32, H: 128, L: 1 } as const;

/** Values of each axis; between neighbours most double. */
export const AXES = {
  T: [12, 25, 50, 100, 200],
  B: [1, 2, 4, 8, 16, 32, 64, 128],
  H: [16, 32, 64, 128, 256, 512],
  L: [1, 2, 3, 4],
} as const;
export type Axis = keyof typeof AXES;

export interface CurveRow {
  readonly kind: "curve";
  readonly axis: Axis;
  readonly value: number;
  /** Of a training step. */
  readonly ns: number;
  readonly gflops: number;
  /** Memory in use: parameters, gradients, moments, packed weights, tapes and scratch. */
  readonly bytes: number;
  /** Parameters alone, as they are saved. */
  readonly modelBytes: number;
}

/** Memory in bytes that training has in use after a few steps, and their contender. */
export function createTraining(core: Core, dims: { T: number; B: number; I: number; H: number; L?: number }) {
  const watched = watch(core);
  const trainer = createTrainer(watched.core, dims);
  const { x, target } = createProblem({ ...dims, what: "training" });
  const batch = { x, target } as Parameters<typeof trainer.step>[0];
  return { watched, trainer, run: () => trainer.step(batch) };
}

export async function measureCurvePoint(core: Core, axis: Axis, value: number): Promise<CurveRow> {
  const dims = { ...BASE, [axis]: value };
  const { T, B, I, H, L } = dims;
  const { watched, trainer, run } = createTraining(core, dims);
  const ns = await time(run, 120);
  const { bytes } = watched;
  const modelBytes = 4 * trainer.model.parameters.reduce((sum, { size }) => sum + size, 0);
  trainer.dispose();
  trainer.model.dispose();
  const work = flops({ what: "training", T, B, I, H }) + (L - 1) * flops({ what: "training", T, B, I: H, H });
  return { kind: "curve", axis, value, ns, gflops: work / ns, bytes, modelBytes };
}
