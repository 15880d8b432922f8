// Modules inside the package: no file to find, no fetch, nothing for a bundler to do.
import { compile, compileSync } from "../load.ts";

/** @internal The bytes behind a text that bindings/build.mjs wrote: there is the rule. */
export function decode(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  let n = 0;
  const digit = (k: number) => {
    const code = text.charCodeAt(k);
    return code > 92 ? code - 36 : code - 35;
  };
  for (let k = 0; k < text.length; k++) {
    const first = digit(k);
    bytes[n++] = (first < 89 ? first : 89 + 91 * (first - 89) + digit(++k)) - 29;
  }
  return bytes.slice(0, n);
}

/** @internal One module, decoded and compiled when it is first asked for. */
export class Embedded {
  readonly #bytes: () => Uint8Array<ArrayBuffer>;
  #module: WebAssembly.Module | undefined;

  constructor(bytes: () => Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
  }

  async compiled(): Promise<WebAssembly.Module> {
    this.#module ??= await compile(this.#bytes());
    return this.#module;
  }

  compiledSync(): WebAssembly.Module {
    this.#module ??= compileSync(this.#bytes());
    return this.#module;
  }
}
