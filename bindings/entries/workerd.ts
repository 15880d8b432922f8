// "lstm-wasm/workerd", for Cloudflare Workers: the runtime compiles the strict module from a static import.
import core from "../core.wasm";
import { type Load, type LoadSync, loadFrom, loadFromSync } from "../load.ts";

export * from "../index.ts";

export const load: Load = (source, options) => loadFrom(source ?? core, options);
export const loadSync: LoadSync = (source, options) => loadFromSync(source ?? core, options);
