/**
 * The module with fused multiply-add inside the package, or the strict one on a host without relaxed SIMD. Faster where the
 * processor fuses; its last bits may differ from machine to machine.
 *
 * @module lstm-wasm/relaxed
 */
import { text } from "../generated/core.relaxed.ts";
import type { Load, LoadSync } from "../load.ts";
import { load as loadStrict, loadSync as loadStrictSync, unpack } from "./default.ts";

export * from "./default.ts";

let bytes: Uint8Array<ArrayBuffer> | undefined;

/** The relaxed module's bytes, if the host can run them. */
const relaxed = () => {
  if (typeof WebAssembly !== "object") return undefined;
  bytes ??= unpack(text);
  return WebAssembly.validate(bytes) ? bytes : undefined;
};

/** Instantiates the kernels: {@link Load}. */
export const load: Load = async (source, options) => loadStrict(source ?? relaxed(), options);
/** The same at once: {@link LoadSync}. */
export const loadSync: LoadSync = (source, options) => loadStrictSync(source ?? relaxed(), options);
