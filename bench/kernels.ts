// The modules of both builds. Bundlers embed them (esbuild's loader "binary").
import { type Core, load } from "lstm-wasm";
import relaxedCore from "../build/core.relaxed.wasm";
import relaxedPeak from "../build/peak.relaxed.wasm";
import strictPeak from "../build/peak.wasm";
import type { Peak } from "./gemm.ts";

export type Build = "strict" | "relaxed";

/** The kernels of a build, and the loop that tells this machine's peak. Throws where the engine has no relaxed SIMD. */
export async function loadKernels(build: Build): Promise<{ core: Core; loop: Peak }> {
  const core = await (build === "strict" ? load() : load(relaxedCore));
  const { instance } = await WebAssembly.instantiate(
    (build === "strict" ? strictPeak : relaxedPeak) as unknown as BufferSource,
  );
  return { core, loop: instance.exports as unknown as Peak };
}
