// From a compiled module to a Core. Importing this file compiles nothing.
import { show } from "./check.ts";
import { Core, type CoreOptions } from "./core.ts";
import { ArgumentTypeError, ModuleError } from "./errors.ts";
import type { Abi } from "./generated/abi.ts";
import { base64 } from "./generated/module.ts";

// (module (func (result v128) (i32x4.splat (i32.const 0))))
const SIMD_PROBE = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 17, 11,
];

/** What `load` and `loadSync` take the kernels from; without it, from the module inside this package. */
export type ModuleSource = WebAssembly.Module | ArrayBuffer | Uint8Array<ArrayBuffer>;

function embedded(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function checkSource(source: ModuleSource): ModuleSource {
  if (!WebAssembly.validate(new Uint8Array(SIMD_PROBE)))
    throw new ModuleError("ERR_NO_SIMD", "host: expected WebAssembly with SIMD, got an engine without it");
  if (source instanceof WebAssembly.Module || source instanceof ArrayBuffer || source instanceof Uint8Array)
    return source;
  throw new ArgumentTypeError(`source: expected a WebAssembly.Module or its bytes, got ${show(source)}`);
}

function toCore(exports: object, options?: CoreOptions): Core {
  if (!("recurrentForward" in exports && "memory" in exports))
    throw new ModuleError("ERR_MODULE", "source: expected a module of lstm-wasm, got one without its kernels");
  return new Core(exports as unknown as Abi, options);
}

const notAModule = (cause: unknown): ModuleError =>
  new ModuleError(
    "ERR_MODULE",
    "source: expected a module of lstm-wasm, got bytes that do not compile or instantiate",
    {
      cause,
    },
  );

/** Instantiates the kernels, compiling off the main thread where the host does so. */
export async function load(source: ModuleSource = embedded(), options?: CoreOptions): Promise<Core> {
  const checked = checkSource(source);
  let instance: WebAssembly.Instance;
  try {
    const module = checked instanceof WebAssembly.Module ? checked : await WebAssembly.compile(checked);
    instance = await WebAssembly.instantiate(module);
  } catch (cause) {
    throw notAModule(cause);
  }
  return toCore(instance.exports, options);
}

/** Instantiates the kernels at once. Browsers allow that on the main thread for modules of this size only in part: prefer `load` there. */
export function loadSync(source: ModuleSource = embedded(), options?: CoreOptions): Core {
  const checked = checkSource(source);
  let instance: WebAssembly.Instance;
  try {
    instance = new WebAssembly.Instance(
      checked instanceof WebAssembly.Module ? checked : new WebAssembly.Module(checked),
    );
  } catch (cause) {
    throw notAModule(cause);
  }
  return toCore(instance.exports, options);
}
