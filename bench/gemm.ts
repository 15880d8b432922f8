// Matrix products against what the core can do at best, both measured by turns.
import type { Core } from "lstm-wasm";
import { alternate } from "./timing.ts";

/** C [M,N] = A·B, or (dW) C += Aᵀ·B over K rows: the gradients of weights. */
export interface Product {
  readonly name: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly transposed?: boolean;
}

export const PRODUCTS: readonly Product[] = [
  { name: "64 cubed", M: 64, N: 64, K: 64 },
  { name: "128 cubed", M: 128, N: 128, K: 128 },
  { name: "96 rows", M: 96, N: 512, K: 256 },
  { name: "S3 recurrent", M: 32, N: 1024, K: 256 },
  { name: "S3 input", M: 3200, N: 1024, K: 64 },
  { name: "T1 dW_hh", M: 512, N: 128, K: 1600, transposed: true },
  { name: "T2 dW_hh", M: 1024, N: 256, K: 6400, transposed: true },
];

export interface ProductRow {
  readonly kind: "gemm";
  readonly name: string;
  readonly shape: string;
  readonly ns: number;
  readonly gflops: number;
  /** Share of the peak, 0 to 1. */
  readonly ofPeak: number;
}

/** The loops of bench/assembly/peak.ts. */
export interface Peak {
  readonly flopsPerTurn: () => number;
  readonly peak: (turns: number, by: number) => number;
  readonly read: (bytes: number) => number;
  readonly memory: WebAssembly.Memory;
}

/** Turns of the loop that take about a millisecond. */
const TURNS = 5e5;

/** The loop as something to time, and the operations of a run. */
export const runPeak = ({ peak, flopsPerTurn }: Peak) => ({
  run: () => peak(TURNS, 0.5),
  flops: TURNS * flopsPerTurn(),
});

/** A product on blocks of its own; `free` gives them back. */
function createProduct(core: Core, { M, N, K, transposed = false }: Product): { run: () => void; free: () => void } {
  const { abi } = core;
  const sizes = { a: M * K, b: K * N, c: M * N, panels: transposed ? abi.scratchSize(N) : abi.packedSize(K, N) };
  const at = Object.fromEntries(
    Object.entries(sizes).map(([part, n]) => {
      const block = core.allocate(4 * n);
      core.view(block, n).fill(1 / 1024);
      return [part, block];
    }),
  ) as Record<keyof typeof sizes, number>;
  if (!transposed) abi.pack(at.panels, at.b, 4 * N, 4, K, N);
  const run = transposed
    ? () => abi.gemmTN(at.c, at.a, 4 * M, at.b, at.panels, M, N, K)
    : () => abi.gemm(at.c, 4 * N, at.b, 0, at.a, 4 * K, at.panels, M, N, K);
  const free = () => {
    for (const block of Object.values(at)) abi.free(block);
  };
  return { run, free };
}

/**
 * All products and the loop by turns, in rounds that are best spread over a minute: a neighbour on the same core slows what
 * reads memory more than the loop, which reads none, and would pass for a fault of the product. For the same reason the
 * quickest round counts, of each.
 */
export class Products {
  readonly #products;
  readonly #best;
  readonly #quickest: number[];
  #rounds = 0;

  constructor(core: Core, loop: Peak) {
    this.#products = PRODUCTS.map((product) => createProduct(core, product));
    this.#best = runPeak(loop);
    this.#quickest = [...PRODUCTS.map(() => Infinity), Infinity];
  }

  async round(): Promise<void> {
    const runs = [...this.#products, this.#best].map(({ run }) => run);
    const times = await alternate(runs, { rounds: 1, budget: 15 });
    for (const [k, [ns = Infinity]] of times.entries()) this.#quickest[k] = Math.min(this.#quickest[k] as number, ns);
    this.#rounds++;
  }

  /** Ends it, after at least so many rounds. */
  async finish(rounds = 9): Promise<ProductRow[]> {
    while (this.#rounds < rounds) await this.round();
    for (const { free } of this.#products) free();
    const peak = this.#best.flops / (this.#quickest.at(-1) as number);
    return PRODUCTS.map(({ name, M, N, K }, k) => {
      const ns = this.#quickest[k] as number;
      const gflops = (2 * M * N * K) / ns;
      return { kind: "gemm", name, shape: `${M} x ${N} x ${K}`, ns, gflops, ofPeak: gflops / peak };
    });
  }
}
