// From whatever holds the module to a Core, for every entry. Importing this file compiles nothing.
import { show } from "./check.ts";
import { Core, type CoreOptions } from "./core.ts";
import { ArgumentTypeError, ModuleError, OutOfMemoryError } from "./errors.ts";
import { type Abi, MODULE_ID } from "./generated/abi.ts";

declare global {
  /** Where the types are Node's alone, without those of the DOM, there is no such name. */
  namespace WebAssembly {
    interface Module {}
  }
}

/** What `loadSync` takes the kernels from: a compiled `core.wasm` or `core.relaxed.wasm` of this package, or its bytes. */
export type ModuleSource = WebAssembly.Module | ArrayBuffer | ArrayBufferView;

/** What `load` takes them from: also a `Response`, the address of the file (a `file:` one on Node, Deno and Bun), or a promise of any. */
export type AsyncModuleSource = ModuleSource | Remote;

/** An address, or a response (or anything else that holds bytes to wait for). */
type Remote = string | { readonly href: string } | { arrayBuffer(): Promise<ArrayBuffer> };

/**
 * Instantiates the kernels, compiling off the main thread where the host does so. Each call makes a core of its own, with its
 * own memory; the module inside the package is compiled once.
 *
 * @param source Where the module comes from; by default the one of the entry that was imported.
 * @throws {ModuleError} when the host has no SIMD or may not compile, when the module cannot be fetched, or is another one.
 * @throws {OutOfMemoryError} when the host has no memory for it.
 */
export type Load = (
  source?: AsyncModuleSource | PromiseLike<AsyncModuleSource>,
  options?: CoreOptions,
) => Promise<Core>;

/** The same at once, from a module or its bytes: for Workers, AudioWorklets, and wherever nothing can be awaited. */
export type LoadSync = (source?: ModuleSource, options?: CoreOptions) => Core;

// (module (func (result v128) (i32x4.splat (i32.const 0))))
const SIMD_PROBE = "\0asm\x01\0\0\0\x01\x05\x01`\0\x01{\x03\x02\x01\0\x0a\x08\x01\x06\0A\0\xfd\x11\x0b";

/** @internal A byte for each character. */
export const bytesOf = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** As "[object ArrayBuffer]": objects of other realms (frames, VM contexts) are no instances of ours. */
const kindOf = (value: unknown): string => Object.prototype.toString.call(value);

const isModule = (value: unknown): boolean => kindOf(value) === "[object WebAssembly.Module]";

/** Also what is shared between threads. */
const isBytes = (value: unknown): value is ArrayBuffer | ArrayBufferView =>
  ArrayBuffer.isView(value) || kindOf(value).endsWith("ArrayBuffer]");

const isRemote = (value: unknown): value is Remote =>
  typeof value === "string" ||
  (typeof value === "object" && value !== null && ("href" in value || "arrayBuffer" in value));

const refuse = (code: ModuleError["code"], got: string, cause?: unknown): ModuleError =>
  new ModuleError(code, `source: expected a module of lstm-wasm, got ${got}`, cause === undefined ? {} : { cause });

/** Characters of bytes; an AudioWorklet has no TextDecoder. */
const ascii = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

/** Throws unless the host runs SIMD WebAssembly; asked when a module did not compile, since asking takes time. */
function checkHost(): void {
  const none = typeof WebAssembly !== "object";
  if (none || !WebAssembly.validate(bytesOf(SIMD_PROBE))) {
    const got = none ? "none" : "an engine without SIMD";
    throw new ModuleError("ERR_NO_SIMD", `host: expected WebAssembly with SIMD, got ${got}`);
  }
}

/** The bytes of a buffer or view, copied, after a check that they may be a module. */
function checkBytes(source: ArrayBuffer | ArrayBufferView, from: string): Uint8Array<ArrayBuffer> {
  const { buffer = source as ArrayBuffer, byteOffset, byteLength } = source as ArrayBufferView;
  if (buffer.byteLength === 0)
    throw refuse("ERR_MODULE_DETACHED", `${from}no bytes: the buffer is empty or detached (transferred elsewhere)`);
  const bytes = new Uint8Array(buffer, byteOffset, byteLength).slice();
  if (ascii(bytes.subarray(0, 4)) === "\0asm") return bytes;
  if (/^(\xef\xbb\xbf)?\s*</.test(ascii(bytes.subarray(0, 64))))
    throw refuse(
      "ERR_MODULE_HTML",
      `${from}an HTML page, as servers answer where the file is not (with Vite: put "lstm-wasm" into optimizeDeps.exclude, or import the address from "lstm-wasm/core.wasm?url")`,
    );
  throw refuse("ERR_MODULE", `${from}${bytes.length} bytes that are not WebAssembly`);
}

/** Browsers bound what a page's main thread may compile or instantiate at once: 8 MB, older ones 4 KB. */
const isTooLargeAtOnce = (cause: unknown): boolean => /main thread/.test(String(cause));

const notAllowed = (cause: unknown): ModuleError => {
  const remedy = isTooLargeAtOnce(cause)
    ? "on a page's main thread use load() in place of loadSync()"
    : "a page needs the CSP script-src 'wasm-unsafe-eval'; Workers and edge functions import lstm-wasm/workerd or lstm-wasm/edge-light";
  const message = `host: expected leave to compile WebAssembly, got a refusal (${remedy})`;
  return new ModuleError("ERR_COMPILE", message, { cause });
};

/** Why valid or invalid bytes did not compile. */
function notCompiled(bytes: Uint8Array<ArrayBuffer>, cause: unknown): ModuleError {
  checkHost();
  return WebAssembly.validate(bytes)
    ? notAllowed(cause)
    : refuse("ERR_MODULE", "bytes that do not compile (damaged, or relaxed SIMD on a host without it)", cause);
}

/** @internal */
export async function compile(source: ArrayBuffer | ArrayBufferView, from = ""): Promise<WebAssembly.Module> {
  const bytes = checkBytes(source, from);
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    throw notCompiled(bytes, cause);
  }
}

/** @internal */
export function compileSync(source: ArrayBuffer | ArrayBufferView): WebAssembly.Module {
  const bytes = checkBytes(source, "");
  try {
    return new WebAssembly.Module(bytes);
  } catch (cause) {
    throw notCompiled(bytes, cause);
  }
}

/** Throws unless the module is the one that these bindings were built with. */
function checkModule(module: WebAssembly.Module): string {
  const [mark] = WebAssembly.Module.customSections(module, "lstm-wasm");
  if (mark === undefined) throw refuse("ERR_MODULE", "another module, or one whose custom sections were stripped");
  const [id, build] = ascii(new Uint8Array(mark)).split(" ") as [string, string];
  if (id !== MODULE_ID)
    throw refuse("ERR_MODULE_VERSION", `that of version ${id} where these bindings are of version ${MODULE_ID}`);
  return build;
}

/** A module that imports and starts nothing fails for want of memory, or because it was to be there at once. */
const notInstantiated = (cause: unknown): OutOfMemoryError | ModuleError =>
  isTooLargeAtOnce(cause)
    ? notAllowed(cause)
    : new OutOfMemoryError("memory: expected room for a module of lstm-wasm, got none", { cause });

/** Node's fetch knows no files. */
interface FileHost {
  readonly process?: {
    getBuiltinModule?(name: "node:fs/promises"): { readFile(url: URL): Promise<Uint8Array> };
  };
}

/** What an address or a response holds. */
async function fetchBytes(source: Remote): Promise<[Uint8Array, string]> {
  const href = typeof source === "string" ? source : "href" in source ? source.href : undefined;
  const failed = (got: string, cause?: unknown) =>
    refuse("ERR_MODULE_FETCH", `${href === undefined ? "" : `from ${href} `}${got}`, cause);
  let response: Partial<Response> & { arrayBuffer(): Promise<ArrayBuffer> };
  try {
    const files = href?.startsWith("file:") && (globalThis as FileHost).process?.getBuiltinModule?.("node:fs/promises");
    if (files) return [await files.readFile(new URL(href as string)), `from ${href} `];
    response = href === undefined ? (source as Response) : await fetch(href);
  } catch (cause) {
    throw failed("nothing", cause);
  }
  if (response.ok === false) throw failed(`status ${response.status}`);
  if (response.bodyUsed) throw failed("a response whose body was read before");
  try {
    const at = response.url || href;
    return [new Uint8Array(await response.arrayBuffer()), at ? `from ${at} ` : ""];
  } catch (cause) {
    throw failed("a response that broke off", cause);
  }
}

/** @internal `load` from a given source. */
export async function loadFrom(
  source: AsyncModuleSource | PromiseLike<AsyncModuleSource>,
  options?: CoreOptions,
): Promise<Core> {
  const given = await source;
  let module: WebAssembly.Module;
  if (isModule(given)) module = given as WebAssembly.Module;
  else if (isBytes(given)) module = await compile(given);
  else if (isRemote(given)) module = await compile(...(await fetchBytes(given)));
  else
    throw new ArgumentTypeError(
      `source: expected a WebAssembly.Module, its bytes, a Response or a URL, got ${show(given)}`,
    );
  const build = checkModule(module);
  const { exports } = await WebAssembly.instantiate(module).catch((cause: unknown) => {
    throw notInstantiated(cause);
  });
  return new Core(exports as unknown as Abi, build, options);
}

/** @internal `loadSync` from a given source. */
export function loadFromSync(source: ModuleSource, options?: CoreOptions): Core {
  if (!isModule(source) && !isBytes(source))
    throw new ArgumentTypeError(
      `source: expected a WebAssembly.Module or its bytes (load takes a Response or URL), got ${show(source)}`,
    );
  const module = isBytes(source) ? compileSync(source) : (source as WebAssembly.Module);
  const build = checkModule(module);
  let instance: WebAssembly.Instance;
  try {
    instance = new WebAssembly.Instance(module);
  } catch (cause) {
    throw notInstantiated(cause);
  }
  return new Core(instance.exports as unknown as Abi, build, options);
}
