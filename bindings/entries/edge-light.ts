// "lstm-wasm/edge-light", for Vercel: the platform compiles the strict module from a static import of `?module`.
import core from "../core.wasm?module";
import type { Load, LoadSync } from "../load.ts";
import { loadFrom, loadFromSync } from "./default.ts";

export * from "./default.ts";

/** Instantiates the kernels: {@link Load}. */
export const load: Load = (source, options) => loadFrom(source ?? core, options);
/** The same at once: {@link LoadSync}. */
export const loadSync: LoadSync = (source, options) => loadFromSync(source ?? core, options);
