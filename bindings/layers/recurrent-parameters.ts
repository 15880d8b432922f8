// The parameters of a recurrent layer: names, shapes, and initial values other than PyTorch's.
import { type Core, Region } from "../core.ts";
import type { Parameter } from "../parameters.ts";
import { BEYOND_TWO_DEVIATIONS, INIT_STREAM } from "../random.ts";
import type { Shape } from "../tensor.ts";
import type { CellKind } from "./cell-kind.ts";
import type { CheckedOptions } from "./recurrent-options.ts";
import type { SliceShape } from "./slice.ts";

/** Shapes of all parameters, in PyTorch's order. */
export function parameterShapes(kind: CellKind, slices: readonly SliceShape[], bias: boolean): Record<string, Shape> {
  const shapes: Record<string, Shape> = {};
  for (const { I, H, R, suffix } of slices) {
    const GH = kind.gates.length * H;
    shapes[`weight_ih${suffix}`] = [GH, I];
    if (kind.recurrent) shapes[`weight_hh${suffix}`] = [GH, R];
    if (bias) shapes[`bias_ih${suffix}`] = [GH];
    if (bias && kind.recurrent) shapes[`bias_hh${suffix}`] = [GH];
    if (kind.projSize) shapes[`weight_hr${suffix}`] = [R, H];
    if (kind.peephole) shapes[`weight_ph${suffix}`] = [3 * H];
    if (kind.layerNorm) {
      shapes[`weight_ln_ih${suffix}`] = [GH];
      shapes[`weight_ln_hh${suffix}`] = [GH];
      shapes[`weight_ln_c${suffix}`] = [H];
      shapes[`bias_ln_c${suffix}`] = [H];
    }
  }
  return shapes;
}

/** What the options want other than PyTorch's uniform numbers, which the parameters have already. */
export function initialise(
  core: Core,
  parameters: readonly Parameter[],
  { kernelInit, recurrentInit, biasInit, seed }: CheckedOptions,
): void {
  const { abi } = core;
  parameters.forEach(({ name, shape, size, value }, k) => {
    // Streams of random numbers of their own, four for each parameter.
    const stream = INIT_STREAM + 4 * k;
    const [rows, columns] = shape as [number, number];
    if (name.startsWith("weight_ih") && kernelInit === "glorotUniform") {
      const bound = Math.sqrt(6 / (rows + columns));
      abi.uniform(value, -bound, bound, seed, stream, size);
    }
    if (name.startsWith("weight_ih") && kernelInit === "glorotNormal")
      abi.normal(value, Math.sqrt(2 / (rows + columns)), BEYOND_TWO_DEVIATIONS, seed, stream, size);
    if (name.startsWith("weight_hh") && recurrentInit === "orthogonal") {
      const scratch = new Region(core, {});
      abi.orthogonal(value, scratch.fit({ at: shape }).at, seed, stream, rows, columns);
      scratch.dispose();
    }
    if (name.startsWith("bias") && biasInit === "zeros") core.zero(value, size);
    if (name.startsWith("weight_ln")) core.view(value, size).fill(1);
    if (name.startsWith("bias_ln")) core.zero(value, size);
  });
}
