// What a sequence alone cannot do without, however its step is written: every weight of a step is read, and the activations.
import type { Core } from "lstm-wasm";
import { type BenchCase, flops } from "./cases.ts";
import type { Peak } from "./gemm.ts";
import { createProblem } from "./problem.ts";
import { alternate } from "./timing.ts";
import { createWasm } from "./wasm.ts";

/** Of assembly/math/activation.ts. */
const [SIGMOID, TANH] = [0, 1];

export interface BoundRow {
  readonly kind: "bound";
  readonly name: string;
  /** Of the weights that one step reads. */
  readonly bytes: number;
  /** All steps: loads of so many bytes in the order of memory, and nothing else. */
  readonly readNs: number;
  /** Three sigmoids and two tanh for every unit and step. */
  readonly activationsNs: number;
  /** What the case takes. */
  readonly ns: number;
  /** The least it can take, over what it takes. */
  readonly share: number;
}

/**
 * Measures a case of one sequence. A streaming step reads both weights; over many steps those of the input are read once for
 * all, in a product that takes `peak` GFLOP/s at best.
 */
export async function measureBound(core: Core, loop: Peak, peak: number, bench: BenchCase): Promise<BoundRow> {
  const { name, what, T, I, H } = bench;
  const bytes = 16 * H * (what === "step" ? I + H : H);
  const { memory } = loop;
  const pages = Math.ceil(bytes / 65536) - memory.buffer.byteLength / 65536;
  if (pages > 0) memory.grow(pages);
  // Pages that nobody has written to are all one and the same.
  new Float32Array(memory.buffer).fill(1);
  const read = () => {
    for (let t = 0; t < T; t++) loop.read(bytes);
  };
  const values = core.allocate(4 * 3 * H);
  core.zero(values, 3 * H);
  const activations = () => {
    for (let t = 0; t < T; t++) {
      core.abi.activationForward(values, values, SIGMOID, 0, 0, 3 * H);
      core.abi.activationForward(values, values, TANH, 0, 0, 2 * H);
    }
  };
  using wasm = createWasm(core, bench, createProblem(bench));
  const times = await alternate([read, activations, wasm.run], { rounds: 9, budget: 40 });
  core.abi.free(values);
  const [readNs, activationsNs, ns] = times.map((list) => Math.min(...list)) as [number, number, number];
  const product = what === "step" ? 0 : (flops(bench) * I) / (I + H) / peak;
  return { kind: "bound", name, bytes, readNs, activationsNs, ns, share: (readNs + activationsNs + product) / ns };
}
