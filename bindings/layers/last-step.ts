import { checkFlag, checkOptions, show } from "../check.ts";
import { type Core, Region } from "../core.ts";
import { ArgumentRangeError } from "../errors.ts";
import type { Shape } from "../tensor.ts";
import { type Layer, type Pass, SimpleLayer } from "./layer.ts";

/** Throws unless a shape is that of a sequence of batches. */
function checkSequence(input: Shape): void {
  if (input.length !== 3) throw new ArgumentRangeError(`x: expected shape [T,B,N], got ${show(input)}`);
}

/** Options of LastStep. */
export interface LastStepOptions {
  /**
   * Behind a layer of two directions: true takes the reverse half from the first step, where it has seen all the others, false
   * from the last one, where it has seen that alone. Default false; behind such a layer in a Sequential one must be said.
   */
  readonly bidirectional?: boolean;
}

/** The last step of each sequence: [T,B,N] to [B,N]. */
export class LastStep extends SimpleLayer {
  override readonly batchFirst = false;
  readonly bidirectional: boolean | undefined;
  readonly #gathered: Region;
  readonly #back: Region;
  #lengths: readonly number[] | undefined;

  constructor(core: Core, options: LastStepOptions = {}) {
    super(core);
    const { bidirectional } = checkOptions("options", options, ["bidirectional"]) as LastStepOptions;
    this.bidirectional = bidirectional && checkFlag("bidirectional", bidirectional);
    this.#gathered = new Region(core, this);
    this.#back = new Region(core, this);
  }

  override outputShape(input: Shape): Shape {
    checkSequence(input);
    if (this.bidirectional && (input[2] as number) % 2 !== 0)
      throw new ArgumentRangeError(`x: expected two directions of the same width, got ${show(input)}`);
    return input.slice(1);
  }

  /** @internal */
  override checkBehind({ bidirectional }: Layer & { readonly bidirectional?: boolean }): void {
    if (bidirectional && this.bidirectional === undefined)
      throw new ArgumentRangeError(
        "bidirectional: expected true (the reverse direction where it ends, at step 0) or false (where it begins) behind a layer of two directions, got lastStep()",
      );
  }

  override run(x: number, input: Shape, { lengths, carry }: Pass = {}): number {
    const sizes = input as [number, number, number];
    const [T, B, N] = sizes;
    if (lengths && carry)
      throw new ArgumentRangeError(
        `lengths: expected none where sequences come in parts and only their last step counts, got ${show(lengths)}`,
      );
    const empty = lengths?.indexOf(0) ?? -1;
    if (empty >= 0) throw new ArgumentRangeError(`lengths[${empty}]: expected at least one step, got 0`);
    this.#lengths = lengths;
    this.ran(input);
    if (!lengths && !this.bidirectional) return x + 4 * (T - 1) * B * N;
    const { y } = this.#gathered.fit({ y: [B, N] });
    for (const { step, row, n } of this.#parts(sizes)) this.core.copyOrZero(y + row, x + step, n);
    return y;
  }

  override runBackward(dOutput: number, wantInput: boolean): number {
    const [T, B, N] = this.checkRan() as [number, number, number];
    this.ran(null);
    if (!wantInput) return 0;
    const { dx } = this.#back.fit({ dx: [T, B, N] });
    this.core.zero(dx, T * B * N);
    if (dOutput)
      for (const { step, row, n } of this.#parts([T, B, N])) this.core.copyOrZero(dx + step, dOutput + row, n);
    return dx;
  }

  /** Where the output's values come from: bytes from the start of x and of the output, and how many values. */
  #parts([T, B, N]: [T: number, B: number, N: number]): { step: number; row: number; n: number }[] {
    if (!this.#lengths && !this.bidirectional) return [{ step: 4 * (T - 1) * B * N, row: 0, n: B * N }];
    const n = this.bidirectional ? N / 2 : N;
    return Array.from({ length: B }, (_, b) => b).flatMap((b) => {
      const row = 4 * b * N;
      const last = { step: 4 * ((this.#lengths?.[b] ?? T) - 1) * B * N + row, row, n };
      return this.bidirectional ? [last, { step: row + 4 * n, row: row + 4 * n, n }] : [last];
    });
  }

  override dispose(): void {
    super.dispose();
    this.#gathered.dispose();
    this.#back.dispose();
  }
}

/** A LastStep for a Sequential, which brings the core. */
export const lastStep = (options?: LastStepOptions) => (core: Core) => new LastStep(core, options);

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
