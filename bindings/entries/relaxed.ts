// "lstm-wasm/relaxed": the module with fused multiply-add inside the package, or the strict one on a host without relaxed SIMD.
// Faster where the processor fuses; its last bits may differ from machine to machine.

import { text as relaxedText } from "../generated/core.relaxed.ts";
import { text } from "../generated/core.ts";
import { type Load, type LoadSync, loadFrom, loadFromSync } from "../load.ts";
import { decode, Embedded } from "./embedded.ts";

export * from "../index.ts";

const core = /* @__PURE__ */ new Embedded(() => {
  const relaxed = decode(relaxedText);
  return globalThis.WebAssembly?.validate(relaxed) ? relaxed : decode(text);
});

export const load: Load = async (source, options) => loadFrom(source ?? (await core.compiled()), options);
export const loadSync: LoadSync = (source, options) => loadFromSync(source ?? core.compiledSync(), options);
