// The typed ABI and all access to linear memory. Views are made only here, because growth detaches them.
import { show } from "./check.ts";
import { ArgumentTypeError, OutOfMemoryError, StateError } from "./errors.ts";
import type { Abi } from "./generated/abi.ts";
import { plan } from "./layout.ts";
import { type Shape, sizeOf, type Tensor } from "./tensor.ts";

/** Options of `load` and `loadSync`. */
export interface CoreOptions {
  /** Fill every new block of memory with NaN, so that a read of something never written shows. For tests. */
  readonly poison?: boolean;
}

/** One instance of the kernels with its memory. Layers of one model share one core. */
export class Core {
  /** @internal */
  readonly abi: Abi;
  /** Which build of the kernels this is: "strict", the same bits everywhere, "relaxed", or "debug". */
  readonly build: string;
  readonly #poison: boolean;
  /** Workers before the compatibility date 2025-05-05 have none: there only `dispose` gives memory back. */
  readonly #forgotten =
    typeof FinalizationRegistry === "function"
      ? new FinalizationRegistry<{ block: number }>((region) => {
          if (region.block) this.abi.free(region.block);
        })
      : undefined;

  /** @internal Use `load` or `loadSync`. */
  constructor(abi: Abi, build: string, options: CoreOptions = {}) {
    this.abi = abi;
    this.build = build;
    this.#poison = options.poison ?? false;
  }

  /** Bytes of linear memory the module holds now; it never shrinks. */
  get memoryBytes(): number {
    return this.abi.memory.buffer.byteLength;
  }

  /** @internal A block of linear memory. */
  allocate(bytes: number): number {
    let block: number;
    try {
      // Past 4 GiB a number of bytes would wrap around to one that fits; past 2 GiB addresses come back negative.
      block = this.abi.allocate(Math.min(bytes, 2 ** 32 - 1)) >>> 0;
    } catch (cause) {
      throw new OutOfMemoryError(
        `memory: expected room for ${bytes} more bytes in one block of at most 1 GiB, got none (${this.memoryBytes} in use)`,
        {
          cause,
        },
      );
    }
    if (this.#poison) new Uint8Array(this.abi.memory.buffer, block, bytes).fill(0xff);
    return block;
  }

  /** @internal A view of n floats, valid until memory next grows. */
  view(at: number, n: number): Float32Array {
    return new Float32Array(this.abi.memory.buffer, at, n);
  }

  /** @internal A view of n bytes, valid until memory next grows. */
  bytes(at: number, n: number): Uint8Array {
    return new Uint8Array(this.abi.memory.buffer, at, n);
  }

  /** @internal A view of n 32-bit words, valid until memory next grows. */
  words(at: number, n: number): Int32Array {
    return new Int32Array(this.abi.memory.buffer, at, n);
  }

  /** @internal */
  write(at: number, data: Float32Array): void {
    this.view(at, data.length).set(data);
  }

  /** @internal */
  zero(at: number, n: number): void {
    this.view(at, n).fill(0);
  }

  /** @internal Copies n floats, or zeros them where `from` is 0. */
  copyOrZero(at: number, from: number, n: number): void {
    if (from) this.view(at, n).set(this.view(from, n));
    else this.zero(at, n);
  }

  /** @internal A copy. */
  read(at: number, n: number): Float32Array {
    return this.view(at, n).slice();
  }

  /** @internal A tensor of this shape, copied. */
  tensor(at: number, shape: Shape): Tensor {
    return { data: this.read(at, sizeOf(shape)), shape };
  }

  /** @internal Frees the region's block when `owner` is collected without having been disposed. */
  watch(owner: object, region: { block: number }): void {
    this.#forgotten?.register(owner, region);
  }
}

/** @internal Throws where a core was forgotten, or its promise not awaited. */
export function checkCore(core: Core): Core {
  if (!(core instanceof Core)) throw new ArgumentTypeError(`core: expected what load() resolves to, got ${show(core)}`);
  return core;
}

/** @internal A block of memory that belongs to one object, with named tensors in it; grows by being asked for more. */
export class Region {
  readonly #core: Core;
  /** Held apart from the region, so that the finalizer does not keep the owner alive. */
  readonly #held = { block: 0 };
  #bytes = 0;
  #disposed = false;
  /** What `fitFor` was asked for last, and what it answered. */
  #key: number | string = -1;
  #variant: number | string = 0;
  #at: Record<string, number> = {};

  constructor(core: Core, owner: object) {
    this.#core = checkCore(core);
    core.watch(owner, this.#held);
  }

  /** Addresses for these tensors, 0 for empty ones. Contents are undefined whenever the region had to grow. */
  fit<Name extends string>(shapes: Readonly<Record<Name, Shape>>): Record<Name, number> {
    this.checkUsable("object");
    this.#key = -1;
    const { at, bytes } = plan(shapes);
    if (bytes > this.#bytes) {
      this.#release();
      this.#held.block = this.#core.allocate(bytes);
      this.#bytes = bytes;
    }
    const addresses = {} as Record<Name, number>;
    for (const name in at) addresses[name] = sizeOf(shapes[name]) > 0 ? at[name] + this.#held.block : 0;
    return addresses;
  }

  /**
   * The same, planned anew only when the key or the variant differs from the last: they must tell all that the shapes depend on.
   * Numbers where a pass takes microseconds (steps, and a batch multiplied to make room for flags): a text would take longer to
   * put together than all else here.
   */
  fitFor<Name extends string>(
    key: number | string,
    variant: number | string,
    shapes: () => Readonly<Record<Name, Shape>>,
  ): Readonly<Record<Name, number>> {
    this.checkUsable("object");
    if (key !== this.#key || variant !== this.#variant) {
      this.#at = this.fit(shapes());
      this.#key = key;
      this.#variant = variant;
    }
    return this.#at as Record<Name, number>;
  }

  checkUsable(name: string): void {
    if (this.#disposed) throw new StateError("ERR_DISPOSED", `${name}: expected one in use, got a disposed one`);
  }

  dispose(): void {
    this.#release();
    this.#disposed = true;
  }

  #release(): void {
    if (this.#held.block) this.#core.abi.free(this.#held.block);
    this.#held.block = 0;
    this.#bytes = 0;
  }
}
