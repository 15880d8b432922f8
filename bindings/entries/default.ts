// "lstm-wasm": the strict module inside the package. Importing it has no side effect: nothing is compiled before `load` or
// `loadSync`.
import { text } from "../generated/core.ts";
import { checkHost, compile, compileSync, type Load, type LoadSync, loadFrom, loadFromSync } from "../load.ts";
import { unpack } from "./embedded.ts";

export * from "../index.ts";
/** @internal For the other entries. */
export { loadFrom, loadFromSync };

/** Compiled when it is first asked for. */
let module: WebAssembly.Module | undefined;

const embedded = (): Uint8Array<ArrayBuffer> => {
  checkHost();
  return unpack(text);
};

/** Instantiates the kernels: {@link Load}. */
export const load: Load = async (source, options) => {
  if (source == null) module ??= await compile(embedded());
  return loadFrom(source ?? (module as WebAssembly.Module), options);
};
/** The same at once: {@link LoadSync}. */
export const loadSync: LoadSync = (source, options) => {
  if (source == null) module ??= compileSync(embedded());
  return loadFromSync(source ?? (module as WebAssembly.Module), options);
};
