import { checkInteger, checkOptions, indexText } from "../check.ts";
import { type Core, Region } from "../core.ts";
import { ArgumentRangeError } from "../errors.ts";
import type { Parameter } from "../parameters.ts";
import { INIT_STREAM } from "../random.ts";
import { type Shape, sizeOf, type Tensor } from "../tensor.ts";
import { SimpleLayer } from "./layer.ts";

/** Float32 holds every whole number up to here. */
const MOST = 2 ** 24;

/** Options of an Embedding, named and meant as those of PyTorch's nn.Embedding. */
export interface EmbeddingOptions {
  /** Rows N of the table, at most 2^24. */
  readonly numEmbeddings: number;
  /** Width D of a row. */
  readonly embeddingDim: number;
  /** Number of a row that starts as zeros and gets no gradient. Default: none. */
  readonly paddingIdx?: number;
  /** Seed of the initial rows. Default 0. */
  readonly seed?: number;
}

/**
 * Rows of a table by their numbers: [...] to [..., D]. The input holds whole numbers from 0 to N − 1 as float32; any other
 * is a RangeError that says where, before anything is changed. The input has no gradient: `backward` answers zeros.
 *
 * Parameter `weight` [N,D], at first normal with mean 0 and variance 1. Element k is the quantile (Wichura's AS 241) of the
 * probability that 32 bits of the counter-based generator's value k make, worked out in the module in float64: the same bits
 * on every engine, in every build.
 */
export class Embedding extends SimpleLayer {
  readonly numEmbeddings: number;
  readonly embeddingDim: number;
  readonly paddingIdx: number | null;
  readonly #weight: Parameter;
  readonly #region: Region;
  readonly #back: Region;
  /** Where `checkInput` looks at an input. */
  readonly #staged: Region;
  #x = 0;

  constructor(core: Core, options: EmbeddingOptions) {
    checkOptions("Embedding options", options, ["numEmbeddings", "embeddingDim", "paddingIdx", "seed"]);
    const N = checkInteger("numEmbeddings", options.numEmbeddings);
    const D = checkInteger("embeddingDim", options.embeddingDim);
    const seed = checkInteger("seed", options.seed ?? 0, 0);
    if (N > MOST) throw new ArgumentRangeError(`numEmbeddings: expected at most ${MOST}, got ${N}`);
    const padding = options.paddingIdx === undefined ? null : checkInteger("paddingIdx", options.paddingIdx, 0);
    if (padding !== null && padding >= N)
      throw new ArgumentRangeError(`paddingIdx: expected a row below ${N}, got ${padding}`);
    super(core, { shapes: { weight: [N, D] }, bound: 0, seed });
    this.numEmbeddings = N;
    this.embeddingDim = D;
    this.paddingIdx = padding;
    this.#weight = this.parameters[0] as Parameter;
    this.#region = new Region(core, this);
    this.#back = new Region(core, this);
    this.#staged = new Region(core, this);
    core.abi.normal(this.#weight.value, 1, 0, seed, INIT_STREAM, N * D);
    if (padding !== null) core.zero(this.#weight.value + 4 * padding * D, D);
  }

  override outputShape(input: Shape): Shape {
    return [...input, this.embeddingDim];
  }

  override checkInput(x: Tensor): void {
    const { at } = this.#staged.fit({ at: x.shape });
    this.core.write(at, x.data);
    this.#checkNumbers(at, x.shape);
  }

  override run(x: number, input: Shape): number {
    this.#checkNumbers(x, input);
    const M = sizeOf(input);
    const D = this.embeddingDim;
    this.ran(null);
    const { y } = this.#region.fitFor(M, 0, () => ({ y: [M, D] }));
    this.core.abi.embeddingForward(y, x, this.#weight.value, M, D);
    this.#x = x;
    this.ran(input);
    return y;
  }

  override runBackward(dOutput: number, wantInput: boolean): number {
    const M = sizeOf(this.checkRan());
    this.ran(null);
    const { dx } = this.#back.fitFor(M, +wantInput, () => ({ dx: wantInput ? [M] : [0] }));
    const { grad } = this.#weight;
    this.core.abi.embeddingBackward(grad, dOutput, this.#x, this.paddingIdx ?? -1, M, this.embeddingDim);
    if (dx) this.core.zero(dx, M);
    return dx;
  }

  override dispose(): void {
    super.dispose();
    for (const region of [this.#region, this.#back, this.#staged]) region.dispose();
  }

  /** Throws unless every value at x is the number of a row. */
  #checkNumbers(x: number, shape: Shape): void {
    const bad = this.core.abi.firstBadIndex(x, sizeOf(shape), this.numEmbeddings);
    if (bad < 0) return;
    const got = this.core.view(x, sizeOf(shape))[bad];
    throw new ArgumentRangeError(
      `x: expected whole numbers from 0 to ${this.numEmbeddings - 1}, got ${got} at ${indexText(bad, shape)}`,
    );
  }
}
