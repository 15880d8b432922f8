import { checkFlag, checkInteger, checkOptions, checkPositive, show } from "../check.ts";
import { type Core, Region } from "../core.ts";
import { ArgumentRangeError } from "../errors.ts";
import { type Shape, sizeOf } from "../tensor.ts";
import { SimpleLayer } from "./layer.ts";

/** Options of a LayerNorm, named and meant as those of PyTorch's nn.LayerNorm. */
export interface LayerNormOptions {
  /** Width N of the last axis, which is normalised. */
  readonly normalizedShape: number;
  /** Term added to the variance, above 0. Default 1e-5. */
  readonly eps?: number;
  /** Whether to have a gain `weight` and a shift `bias`. Default true. */
  readonly elementwiseAffine?: boolean;
}

/**
 * y = weight·(x − mean) / √(variance + eps) + bias along the last axis (Ba et al. 2016): [..., N] to the same. Parameters
 * `weight` [N], at first ones, and `bias` [N], at first zeros.
 */
export class LayerNorm extends SimpleLayer {
  readonly normalizedShape: number;
  readonly eps: number;
  readonly elementwiseAffine: boolean;
  readonly #region: Region;
  readonly #back: Region;
  /** Addresses that the last forward pass leaves to the backward pass. */
  #last = { hat: 0, scale: 0, gain: 0 };

  constructor(core: Core, options: LayerNormOptions) {
    checkOptions("LayerNorm options", options, ["normalizedShape", "eps", "elementwiseAffine"]);
    const N = checkInteger("normalizedShape", options.normalizedShape);
    const eps = checkPositive("eps", options.eps ?? 1e-5);
    const affine = checkFlag("elementwiseAffine", options.elementwiseAffine ?? true);
    const shapes: Record<string, Shape> = affine ? { weight: [N], bias: [N] } : {};
    super(core, { shapes, bound: 0, seed: 0 });
    this.normalizedShape = N;
    this.eps = eps;
    this.elementwiseAffine = affine;
    this.#region = new Region(core, this);
    this.#back = new Region(core, this);
    const [weight] = this.parameters;
    if (weight) core.view(weight.value, N).fill(1);
  }

  override outputShape(input: Shape): Shape {
    if (input.length === 0 || input.at(-1) !== this.normalizedShape)
      throw new ArgumentRangeError(`x: expected shape [...,${this.normalizedShape}], got ${show(input)}`);
    return input;
  }

  override run(x: number, input: Shape): number {
    const N = this.normalizedShape;
    const rows = sizeOf(input) / N;
    this.ran(null);
    const at = this.#region.fitFor(rows, 0, () => ({
      y: [rows, N],
      hat: [rows, N],
      scale: [rows],
      ones: [N],
      zeros: [N],
    }));
    this.core.view(at.ones, N).fill(1);
    this.core.zero(at.zeros, N);
    const [weight, bias] = this.parameters;
    const gain = weight?.value ?? at.ones;
    this.core.abi.normForward(at.y, at.hat, at.scale, x, gain, bias?.value ?? at.zeros, rows, N, this.eps);
    this.#last = { hat: at.hat, scale: at.scale, gain };
    this.ran(input);
    return at.y;
  }

  override runBackward(dOutput: number, wantInput: boolean): number {
    const N = this.normalizedShape;
    const rows = sizeOf(this.checkRan()) / N;
    const { hat, scale, gain } = this.#last;
    this.ran(null);
    const at = this.#back.fitFor(rows, 0, () => ({ dx: [rows, N], dGain: [N] }));
    const [weight, bias] = this.parameters;
    const dGain = weight?.grad ?? at.dGain;
    this.core.abi.normBackward(at.dx, dGain, bias?.grad ?? 0, dOutput, hat, scale, gain, false, rows, N);
    return wantInput ? at.dx : 0;
  }

  override dispose(): void {
    super.dispose();
    this.#region.dispose();
    this.#back.dispose();
  }
}
