import { checkInteger, checkOptions, checkShare } from "../check.ts";
import { type Core, Region } from "../core.ts";
import { passStream, STREAMS_OF_PASS } from "../random.ts";
import { type Shape, sizeOf } from "../tensor.ts";
import { type Pass, SimpleLayer } from "./layer.ts";

/** Options of a Dropout, named and meant as those of PyTorch's nn.Dropout. */
export interface DropoutOptions {
  /** Probability with which training zeroes an element, in [0, 1). Default 0.5. */
  readonly p?: number;
  /** Seed of the masks: layers with the same one drop alike. Default 0. */
  readonly seed?: number;
}

/**
 * Inverted dropout (Srivastava et al. 2014), any shape to the same. In training every element is 0 with probability p, else
 * divided by 1 − p, with a new mask each pass; otherwise the values pass as they are.
 */
export class Dropout extends SimpleLayer {
  readonly p: number;
  readonly #seed: number;
  readonly #region: Region;
  readonly #back: Region;
  /** Address of the mask of the last forward pass, 0 where it had none. */
  #mask = 0;

  constructor(core: Core, options: DropoutOptions = {}) {
    checkOptions("Dropout options", options, ["p", "seed"]);
    const p = checkShare("p", options.p ?? 0.5);
    const seed = checkInteger("seed", options.seed ?? 0, 0);
    super(core);
    this.p = p;
    this.#seed = seed;
    this.#region = new Region(core, this);
    this.#back = new Region(core, this);
  }

  override outputShape(input: Shape): Shape {
    return input;
  }

  override run(x: number, input: Shape, { training = false }: Pass = {}): number {
    const n = sizeOf(input);
    const { abi } = this.core;
    this.ran(null);
    this.#mask = 0;
    let y = x;
    if (training && this.p > 0) {
      const at = this.#region.fitFor(n, 0, () => ({ y: [n], mask: [n] }));
      // The last stream of the pass: a recurrent layer of the same seed takes its own from the first on.
      const stream = passStream(this.draws++) + STREAMS_OF_PASS - 1;
      abi.dropoutMask(at.mask, this.p, 1 / (1 - this.p), this.#seed, stream, n);
      abi.multiply(at.y, x, at.mask, n);
      this.#mask = at.mask;
      y = at.y;
    }
    this.ran(input);
    return y;
  }

  override runBackward(dOutput: number, wantInput: boolean): number {
    const n = sizeOf(this.checkRan());
    this.ran(null);
    if (!wantInput) return 0;
    if (!this.#mask) return dOutput;
    const { dx } = this.#back.fitFor(n, 0, () => ({ dx: [n] }));
    this.core.abi.multiply(dx, dOutput, this.#mask, n);
    return dx;
  }

  override dispose(): void {
    super.dispose();
    this.#region.dispose();
    this.#back.dispose();
  }
}
