// A module inside the package: no file to find, no fetch, nothing for a bundler to do.
import { unpackModule } from "../generated/unpack.ts";
import { bytesOf, compileSync } from "../load.ts";

/** @internal The bytes behind a text that bindings/build.mjs wrote. */
export function unpack(text: string): Uint8Array<ArrayBuffer> {
  const { exports } = new WebAssembly.Instance(compileSync(bytesOf(unpackModule)));
  const { memory, unpack } = exports as { memory: WebAssembly.Memory; unpack(n: number): number };
  const bytes = new Uint8Array(memory.buffer as ArrayBuffer);
  // An AudioWorklet has no TextEncoder.
  if (typeof TextEncoder === "function") new TextEncoder().encodeInto(text, bytes);
  else for (let k = 0; k < text.length; k++) bytes[k] = text.charCodeAt(k);
  return bytes.subarray(0, unpack(text.length));
}
