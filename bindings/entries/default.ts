/**
 * The strict module inside the package. Importing it has no side effect: nothing is compiled before `load` or `loadSync`.
 *
 * @module lstm-wasm
 */
import { compile, compileSync, type Load, type LoadSync, loadFrom, loadFromSync } from "../load.ts";
import { unpack } from "./embedded.ts";

/** @internal For the entries beside this one, which share these with it. */
export {
  checkFlag,
  checkInteger,
  checkMask,
  checkNonNegative,
  checkNumber,
  checkOptions,
  checkPositive,
  checkShare,
  checkTensor,
  checkValues,
  show,
} from "../check.ts";
/** @internal */
export { Region } from "../core.ts";
export * from "../index.ts";
/** @internal */
export { layersOf } from "../layers/layer.ts";
/** @internal */
export { Recurrent } from "../layers/recurrent.ts";
/** @internal */
export { validSteps, withoutPadding } from "../layers/steps.ts";
/** @internal */
export { compileSync, loadFrom, loadFromSync } from "../load.ts";
/** @internal */
export { checkStateDict } from "../parameters.ts";
/** @internal */
export { sizeOf } from "../tensor.ts";
/** @internal */
export { unpack } from "./embedded.ts";

// At the end of a bundle, behind the code, brotli makes it a hundred bytes smaller.
import { text } from "../generated/core.ts";

/** Compiled when it is first asked for. */
let module: WebAssembly.Module | undefined;

/** Instantiates the kernels: {@link Load}. */
export const load: Load = async (source, options) => {
  if (source == null) module ??= await compile(unpack(text));
  return loadFrom(source ?? (module as WebAssembly.Module), options);
};
/** The same at once: {@link LoadSync}. */
export const loadSync: LoadSync = (source, options) => {
  if (source == null) module ??= compileSync(unpack(text));
  return loadFromSync(source ?? (module as WebAssembly.Module), options);
};
