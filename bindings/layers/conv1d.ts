import { checkFlag, checkInteger, checkOptions, show } from "../check.ts";
import { type Core, Region } from "../core.ts";
import { ArgumentRangeError } from "../errors.ts";
import { type Shape, sizeOf } from "../tensor.ts";
import { type Pass, SimpleLayer } from "./layer.ts";
import { stepsOfLengths } from "./steps.ts";

/** Options of a Conv1d, named and meant as those of PyTorch's nn.Conv1d. */
export interface Conv1dOptions {
  /** Width I of the input. */
  readonly inChannels: number;
  /** Width O of the output. */
  readonly outChannels: number;
  /** Taps K, steps of the input that one step of the output sees. */
  readonly kernelSize: number;
  /** Steps of the input from one step of the output to the next. Default 1. */
  readonly stride?: number;
  /**
   * Steps of zeros before the first step and after the last one; or "causal": dilation·(K − 1) of them before and none
   * after, so that no step of the output sees a later one of the input. Default 0.
   */
  readonly padding?: number | "causal";
  /** Steps of the input from one tap to the next. Default 1. */
  readonly dilation?: number;
  /** Whether to add a bias. Default true. */
  readonly bias?: boolean;
  /** Seed of the initial parameters, which are uniform in ±1/√(I·K). Default 0. */
  readonly seed?: number;
}

/**
 * Convolution along the steps: [T,B,I] to [U,B,O], or [T,I] to [U,O], where U = ⌊(T + padding − dilation·(K − 1) − 1) /
 * stride⌋ + 1 with the padding of both ends. Too few steps for one of output are a RangeError. Parameters `weight` [O,I,K]
 * and `bias` [O], as PyTorch's nn.Conv1d, which has the batch first and the steps last.
 *
 * In a pass with lengths, where U must be T, what stands behind the end of a sequence counts as zeros.
 */
export class Conv1d extends SimpleLayer {
  override readonly batchFirst: false | undefined;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: number;
  readonly stride: number;
  readonly padding: number | "causal";
  readonly dilation: number;
  readonly #region: Region;
  readonly #back: Region;
  /** Steps between the first tap and the last. */
  readonly #reach: number;
  #x = 0;
  /** Address of the mask of valid steps of the last forward pass, 0 where all are. */
  #mask = 0;

  constructor(core: Core, options: Conv1dOptions) {
    const known = "inChannels outChannels kernelSize stride padding dilation bias seed".split(" ");
    checkOptions("Conv1d options", options, known);
    const I = checkInteger("inChannels", options.inChannels);
    const O = checkInteger("outChannels", options.outChannels);
    const K = checkInteger("kernelSize", options.kernelSize);
    const stride = checkInteger("stride", options.stride ?? 1);
    const dilation = checkInteger("dilation", options.dilation ?? 1);
    const reach = dilation * (K - 1);
    if (reach >= 2 ** 31)
      throw new ArgumentRangeError(`dilation: expected dilation·(kernelSize − 1) below 2^31, got ${reach}`);
    const { padding = 0 } = options;
    if (typeof padding === "string" && padding !== "causal")
      throw new ArgumentRangeError(`padding: expected a whole number or "causal", got ${show(padding)}`);
    if (padding !== "causal") checkInteger("padding", padding, 0);
    const bias = checkFlag("bias", options.bias ?? true);
    const weight = [O, I, K];
    const shapes: Record<string, Shape> = bias ? { weight, bias: [O] } : { weight };
    super(core, { shapes, bound: 1 / Math.sqrt(I * K), seed: checkInteger("seed", options.seed ?? 0, 0) });
    this.inChannels = I;
    this.outChannels = O;
    this.kernelSize = K;
    this.stride = stride;
    this.padding = padding;
    this.dilation = dilation;
    this.#reach = reach;
    this.batchFirst = K > 1 ? false : undefined;
    this.#region = new Region(core, this);
    this.#back = new Region(core, this);
  }

  override outputShape(input: Shape): Shape {
    const { inChannels: I, outChannels: O, stride, padding } = this;
    if ((input.length !== 3 && input.length !== 2) || input.at(-1) !== I)
      throw new ArgumentRangeError(`x: expected shape [T,B,${I}] or [T,${I}], got ${show(input)}`);
    const [T, ...rest] = input as [number, ...number[]];
    const least = this.#reach + 1 - (padding === "causal" ? this.#reach : 2 * padding);
    if (T < least) throw new ArgumentRangeError(`x: expected at least ${least} steps, got ${show(input)}`);
    return [Math.floor((T - least) / stride) + 1, ...rest.slice(0, -1), O];
  }

  override run(x: number, input: Shape, { lengths, carry = false }: Pass = {}): number {
    const { inChannels: I, outChannels: O } = this;
    const sizes = this.#sizes(input);
    const [T, U, B] = sizes;
    if (carry && this.#reach > 0)
      throw new ArgumentRangeError(
        `model: expected layers that see one step at a time, to go in parts, got Conv1d with ${this.kernelSize} taps`,
      );
    if (lengths && U !== T)
      throw new ArgumentRangeError(
        `lengths: expected none where a Conv1d makes ${U} steps of ${T}, got ${show(lengths)}`,
      );
    const steps = lengths ? stepsOfLengths(lengths, { T, B, batchFirst: false }) : null;
    this.ran(null);
    const at = this.#region.fitFor(`${input}`, +(steps !== null), () => ({
      x: steps ? input : [0],
      mask: steps ? [Math.ceil((T * B) / 4)] : [0],
      y: [U, B, O],
      panels: [this.core.abi.packedSize(I, O)],
      noBias: [O],
    }));
    this.core.zero(at.noBias, O);
    this.#mask = at.mask;
    this.#x = at.x || x;
    if (steps) {
      this.core.bytes(at.mask, T * B).set(steps);
      this.core.abi.copyRows(at.x, x, at.mask, T * B, I, I, I);
    }
    const [weight, bias] = this.parameters;
    this.core.abi.conv1dForward(at.y, this.#x, weight?.value as number, bias?.value ?? at.noBias, at.panels, ...sizes);
    this.ran(input);
    return at.y;
  }

  override runBackward(dOutput: number, wantInput: boolean): number {
    const input = this.checkRan();
    const { inChannels: I, outChannels: O } = this;
    const { abi } = this.core;
    this.ran(null);
    const at = this.#back.fitFor(`${input}`, +wantInput, () => ({
      dx: wantInput ? input : [0],
      dTap: [O, I],
      panels: [Math.max(abi.packedSize(O, I), abi.scratchSize(I))],
    }));
    const { dx } = at;
    const sizes = this.#sizes(input);
    const [weight, bias] = this.parameters;
    abi.conv1dBackward(
      dx,
      weight?.grad as number,
      bias?.grad ?? 0,
      dOutput,
      this.#x,
      weight?.value as number,
      at.dTap,
      at.panels,
      ...sizes,
    );
    const [T, , B] = sizes;
    if (dx && this.#mask) abi.copyRows(dx, dx, this.#mask, T * B, I, I, I);
    return dx;
  }

  override dispose(): void {
    super.dispose();
    this.#region.dispose();
    this.#back.dispose();
  }

  /** The sizes that both kernels end with: T, U, B, I, O, K, stride, dilation and the padding in front. */
  #sizes(input: Shape) {
    const { inChannels: I, outChannels: O, kernelSize: K, stride, dilation, padding } = this;
    const [T, B] = [input[0] as number, sizeOf(input.slice(1, -1))];
    const [U] = this.outputShape(input) as [number];
    return [T, U, B, I, O, K, stride, dilation, padding === "causal" ? this.#reach : padding] as const;
  }
}
