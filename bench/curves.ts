// How the cost of a training step grows with each size, the others kept.
import type { Core } from "lstm-wasm";
import { flops } from "./cases.ts";
import { createProblem } from "./problem.ts";
import { alternate } from "./timing.ts";
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

/** Training steps of some sizes, and the watch on their memory. */
export function createTraining(core: Core, dims: { T: number; B: number; I: number; H: number; L?: number }) {
  const watched = watch(core);
  const trainer = createTrainer(watched.core, dims);
  const { x, target } = createProblem({ ...dims, what: "training" });
  const batch = { x, target } as Parameters<typeof trainer.step>[0];
  return { watched, trainer, run: () => trainer.step(batch) };
}

/** The points of an axis, by turns; of each the quickest round, because whatever else the machine does only adds. */
export async function measureCurve(core: Core, axis: Axis): Promise<CurveRow[]> {
  const points = AXES[axis].map((value) => {
    const dims = { ...BASE, [axis]: value };
    return { value, dims, ...createTraining(core, dims) };
  });
  const times = await alternate(
    points.map(({ run }) => run),
    { rounds: 5, budget: 30 },
  );
  return points.map(({ value, dims: { T, B, I, H, L }, watched, trainer }, k) => {
    const ns = Math.min(...(times[k] as number[]));
    const { bytes } = watched;
    const modelBytes = 4 * trainer.model.parameters.reduce((sum, { size }) => sum + size, 0);
    trainer.dispose();
    trainer.model.dispose();
    const work = flops({ what: "training", T, B, I, H }) + (L - 1) * flops({ what: "training", T, B, I: H, H });
    return { kind: "curve", axis, value, ns, gflops: work / ns, bytes, modelBytes };
  });
}
