// "lstm-wasm": the strict module inside the package. Importing it has no side effect: nothing is compiled before `load` or
// `loadSync`.
import { text } from "../generated/core.ts";
import { type Load, type LoadSync, loadFrom, loadFromSync } from "../load.ts";
import { decode, Embedded } from "./embedded.ts";

export * from "../index.ts";

const core = /* @__PURE__ */ new Embedded(() => decode(text));

export const load: Load = async (source, options) => loadFrom(source ?? (await core.compiled()), options);
export const loadSync: LoadSync = (source, options) => loadFromSync(source ?? core.compiledSync(), options);
