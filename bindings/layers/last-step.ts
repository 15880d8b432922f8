import { show } from "../check.ts";
import { type Core, Region } from "../core.ts";
import { ArgumentRangeError } from "../errors.ts";
import type { Shape } from "../tensor.ts";
import { SimpleLayer } from "./layer.ts";

/** The last step of a sequence: [T,B,N] to [B,N]. */
export class LastStep extends SimpleLayer {
  readonly #back: Region;

  constructor(core: Core) {
    super(core);
    this.#back = new Region(core, this);
  }

  override outputShape(input: Shape): Shape {
    if (input.length !== 3) throw new ArgumentRangeError(`x: expected shape [T,B,N], got ${show(input)}`);
    return input.slice(1);
  }

  override run(x: number, input: Shape): number {
    const [T, B, N] = input as [number, number, number];
    this.ran(input);
    return x + 4 * (T - 1) * B * N;
  }

  override runBackward(dOutput: number, wantInput: boolean): number {
    const [T, B, N] = this.checkRan() as [number, number, number];
    this.ran(null);
    if (!wantInput) return 0;
    const { dx } = this.#back.fit({ dx: [T, B, N] });
    this.core.zero(dx, (T - 1) * B * N);
    this.core.copyOrZero(dx + 4 * (T - 1) * B * N, dOutput, B * N);
    return dx;
  }

  override dispose(): void {
    super.dispose();
    this.#back.dispose();
  }
}

/** A LastStep for a Sequential, which brings the core. */
export const lastStep = () => (core: Core) => new LastStep(core);
