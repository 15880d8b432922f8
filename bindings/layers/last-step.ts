import { show } from "../check.ts";
import { type Core, Region } from "../core.ts";
import { ArgumentRangeError } from "../errors.ts";
import type { Shape } from "../tensor.ts";
import { type Pass, SimpleLayer } from "./layer.ts";

/** Throws unless a shape is that of a sequence of batches. */
function checkSequence(input: Shape): void {
  if (input.length !== 3) throw new ArgumentRangeError(`x: expected shape [T,B,N], got ${show(input)}`);
}

/** The last step of each sequence: [T,B,N] to [B,N]. */
export class LastStep extends SimpleLayer {
  override readonly batchFirst = false;
  readonly #gathered: Region;
  readonly #back: Region;
  #lengths: readonly number[] | undefined;

  constructor(core: Core) {
    super(core);
    this.#gathered = new Region(core, this);
    this.#back = new Region(core, this);
  }

  override outputShape(input: Shape): Shape {
    checkSequence(input);
    return input.slice(1);
  }

  override run(x: number, input: Shape, { lengths, carry }: Pass = {}): number {
    const [T, B, N] = input as [number, number, number];
    if (lengths && carry)
      throw new ArgumentRangeError(
        `lengths: expected none where sequences come in parts and only their last step counts, got ${show(lengths)}`,
      );
    const empty = lengths?.indexOf(0) ?? -1;
    if (empty >= 0) throw new ArgumentRangeError(`lengths[${empty}]: expected at least one step, got 0`);
    this.#lengths = lengths;
    this.ran(input);
    if (!lengths) return x + 4 * (T - 1) * B * N;
    const { y } = this.#gathered.fit({ y: [B, N] });
    lengths.forEach((length, b) => {
      this.core.copyOrZero(y + 4 * b * N, x + 4 * ((length - 1) * B + b) * N, N);
    });
    return y;
  }

  override runBackward(dOutput: number, wantInput: boolean): number {
    const [T, B, N] = this.checkRan() as [number, number, number];
    this.ran(null);
    if (!wantInput) return 0;
    const { dx } = this.#back.fit({ dx: [T, B, N] });
    if (!this.#lengths) {
      this.core.zero(dx, (T - 1) * B * N);
      this.core.copyOrZero(dx + 4 * (T - 1) * B * N, dOutput, B * N);
      return dx;
    }
    this.core.zero(dx, T * B * N);
    this.#lengths.forEach((length, b) => {
      this.core.copyOrZero(dx + 4 * ((length - 1) * B + b) * N, dOutput && dOutput + 4 * b * N, N);
    });
    return dx;
  }

  override dispose(): void {
    super.dispose();
    this.#gathered.dispose();
    this.#back.dispose();
  }
}

/** A LastStep for a Sequential, which brings the core. */
export const lastStep = () => (core: Core) => new LastStep(core);

/** Every step of each sequence, [T,B,N] as it is: the counterpart of LastStep. */
export class AllSteps extends SimpleLayer {
  override outputShape(input: Shape): Shape {
    checkSequence(input);
    return input;
  }

  override run(x: number, input: Shape): number {
    this.ran(input);
    return x;
  }

  override runBackward(dOutput: number, wantInput: boolean): number {
    this.checkRan();
    this.ran(null);
    return wantInput ? dOutput : 0;
  }
}

/** An AllSteps for a Sequential, which brings the core. */
export const allSteps = () => (core: Core) => new AllSteps(core);
