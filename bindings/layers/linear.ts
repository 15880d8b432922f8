import { checkFlag, checkInteger, checkOptions, show } from "../check.ts";
import { type Core, Region } from "../core.ts";
import { ArgumentRangeError } from "../errors.ts";
import { type Shape, sizeOf } from "../tensor.ts";
import { SimpleLayer } from "./layer.ts";

/** Options of a Linear, named and meant as those of PyTorch's nn.Linear. */
export interface LinearOptions {
  /** Width I of the input. */
  readonly inFeatures: number;
  /** Width O of the output. */
  readonly outFeatures: number;
  /** Whether to add a bias. Default true. */
  readonly bias?: boolean;
  /** Seed of the initial parameters, which are uniform in ±1/√I. Default 0. */
  readonly seed?: number;
}

/** y = x·Wᵀ + b over the last axis: [..., I] to [..., O]. Parameters `weight` [O,I] and `bias` [O]. */
export class Linear extends SimpleLayer {
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly #region: Region;
  readonly #back: Region;
  #x = 0;

  constructor(core: Core, options: LinearOptions) {
    checkOptions("Linear options", options, ["inFeatures", "outFeatures", "bias", "seed"]);
    const I = checkInteger("inFeatures", options.inFeatures);
    const O = checkInteger("outFeatures", options.outFeatures);
    const bias = checkFlag("bias", options.bias ?? true);
    const shapes: Record<string, Shape> = bias ? { weight: [O, I], bias: [O] } : { weight: [O, I] };
    super(core, { shapes, bound: 1 / Math.sqrt(I), seed: checkInteger("seed", options.seed ?? 0, 0) });
    this.inFeatures = I;
    this.outFeatures = O;
    this.#region = new Region(core, this);
    this.#back = new Region(core, this);
  }

  override outputShape(input: Shape): Shape {
    if (input.length === 0 || input.at(-1) !== this.inFeatures)
      throw new ArgumentRangeError(`x: expected shape [...,${this.inFeatures}], got ${show(input)}`);
    return [...input.slice(0, -1), this.outFeatures];
  }

  override run(x: number, input: Shape): number {
    const { inFeatures: I, outFeatures: O } = this;
    const M = sizeOf(input) / I;
    this.ran(null);
    const at = this.#region.fitFor(M, 0, () => ({
      y: [M, O],
      panels: [this.core.abi.packedSize(I, O)],
      noBias: [O],
    }));
    this.core.zero(at.noBias, O);
    const [weight, bias] = this.parameters;
    this.core.abi.linearForward(at.y, x, weight?.value as number, bias?.value ?? at.noBias, at.panels, M, I, O);
    this.#x = x;
    this.ran(input);
    return at.y;
  }

  override runBackward(dOutput: number, wantInput: boolean): number {
    const input = this.checkRan();
    const { inFeatures: I, outFeatures: O } = this;
    const { abi } = this.core;
    const M = sizeOf(input) / I;
    this.ran(null);
    const at = this.#back.fitFor(M, +wantInput, () => ({
      dx: wantInput ? [M, I] : [0],
      panels: [Math.max(abi.packedSize(O, I), abi.scratchSize(I))],
    }));
    const [weight, bias] = this.parameters;
    abi.linearBackward(
      at.dx,
      weight?.grad as number,
      bias?.grad ?? 0,
      dOutput,
      this.#x,
      weight?.value as number,
      at.panels,
      M,
      I,
      O,
    );
    return at.dx;
  }

  override dispose(): void {
    super.dispose();
    this.#region.dispose();
    this.#back.dispose();
  }
}
