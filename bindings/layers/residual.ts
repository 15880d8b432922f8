import { show } from "../check.ts";
import { Region } from "../core.ts";
import { ArgumentRangeError } from "../errors.ts";
import { type Shape, sizeOf } from "../tensor.ts";
import type { Pass } from "./layer.ts";
import { type LayerLike, Sequential } from "./sequential.ts";

/**
 * A Sequential whose input is added to its output (He et al. 2015): y = x + f(x), f the layers one after the other. They must
 * keep the shape; otherwise a RangeError.
 */
export class Residual extends Sequential {
  readonly #sum: Region;
  readonly #back: Region;

  constructor(layers: readonly LayerLike[]) {
    super(layers);
    this.#sum = new Region(this.core, this);
    this.#back = new Region(this.core, this);
  }

  override outputShape(input: Shape): Shape {
    const output = super.outputShape(input);
    if (output.length !== input.length || output.some((size, k) => size !== input[k]))
      throw new ArgumentRangeError(`layers: expected ones that keep the shape ${show(input)}, got ${show(output)}`);
    return output;
  }

  override run(x: number, input: Shape, pass?: Pass): number {
    const n = sizeOf(input);
    this.ran(null);
    const { y } = this.#sum.fitFor(n, 0, () => ({ y: [n] }));
    this.core.abi.add(y, x, super.run(x, input, pass), n);
    return y;
  }

  override runBackward(dOutput: number, wantInput: boolean, pass?: Pass): number {
    const n = sizeOf(this.checkRan());
    const { dx } = this.#back.fitFor(n, 0, () => ({ dx: [n] }));
    const d = super.runBackward(dOutput, wantInput, pass);
    if (!wantInput) return 0;
    this.core.abi.add(dx, dOutput, d, n);
    return dx;
  }

  override dispose(): void {
    super.dispose();
    this.#sum.dispose();
    this.#back.dispose();
  }
}
