// Matrix products against what the core can do at best, both measured by turns.
import type { Core } from "lstm-wasm";
import { alternate, median, pairedRatio } from "./timing.ts";

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

/** The loop of bench/assembly/peak.ts. */
export interface Peak {
  readonly flopsPerTurn: () => number;
  readonly peak: (turns: number, by: number) => number;
}

/** Turns of the loop that take about a millisecond. */
const TURNS = 5e5;

/** GFLOP/s of the loop, from the nanoseconds of a run. */
export const runPeak = ({ peak, flopsPerTurn }: Peak) => ({
  run: () => peak(TURNS, 0.5),
  flops: TURNS * flopsPerTurn(),
});

export async function measureProduct(core: Core, loop: Peak, product: Product): Promise<ProductRow> {
  const { name, M, N, K, transposed = false } = product;
  const { abi } = core;
  const panelSize = transposed ? abi.scratchSize(N) : abi.packedSize(K, N);
  const sizes = { a: M * K, b: K * N, c: M * N, panels: panelSize };
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
    : () => abi.gemm(at.c, 4 * N, at.b, 0, at.a, 4 * K, 4, at.panels, M, N, K);
  const best = runPeak(loop);
  const [ns, peak] = (await alternate([run, best.run], { rounds: 5, budget: 40 })) as [number[], number[]];
  for (const block of Object.values(at)) abi.free(block);
  const flops = 2 * M * N * K;
  return {
    ...{ kind: "gemm", name, shape: `${M} x ${N} x ${K}`, ns: median(ns), gflops: flops / median(ns) },
    ofPeak: pairedRatio(ns, peak) * (flops / best.flops),
  };
}
