// "lstm-wasm/relaxed" for Vercel, which has relaxed SIMD.
import core from "../core.relaxed.wasm?module";
import { type Load, type LoadSync, loadFrom, loadFromSync } from "../load.ts";

export * from "../index.ts";

export const load: Load = (source, options) => loadFrom(source ?? core, options);
export const loadSync: LoadSync = (source, options) => loadFromSync(source ?? core, options);
