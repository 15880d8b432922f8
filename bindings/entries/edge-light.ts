// "lstm-wasm/edge-light", for Vercel: the platform compiles the strict module from a static import of `?module`.
import core from "../core.wasm?module";
import { type Load, type LoadSync, loadFrom, loadFromSync } from "../load.ts";

export * from "../index.ts";

export const load: Load = (source, options) => loadFrom(source ?? core, options);
export const loadSync: LoadSync = (source, options) => loadFromSync(source ?? core, options);
