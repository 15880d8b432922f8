// What `load` and `loadSync` take the kernels from, and what they say to anything else.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { runInNewContext } from "node:vm";
import { LSTM, load, loadSync, ModuleError } from "lstm-wasm";
import * as relaxed from "lstm-wasm/relaxed";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createRandom, randomTensor } from "./support/random.ts";

const file = (name: string) => new URL(`../build/${name}.wasm`, import.meta.url);
const bytes = new Uint8Array(readFileSync(file("core")));
const x = randomTensor(createRandom(1), [5, 2, 3]);
const module = new WebAssembly.Module(bytes);
const validate = WebAssembly.validate;

const server = createServer((request, response) => {
  if (request.url === "/core.wasm") response.end(bytes);
  else if (request.url === "/cut.wasm") response.writeHead(200, { "content-length": "99" }).write("\0asm");
  else if (request.url === "/page")
    response.setHeader("content-type", "text/html").end("\n <!doctype html><title>app</title>");
  else response.writeHead(404).end();
  if (request.url === "/cut.wasm") setTimeout(() => response.destroy(), 50);
});
let origin = "";
beforeAll(() => new Promise<void>((done) => server.listen(0, "127.0.0.1", done)));
beforeAll(() => {
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());

/** The strict module under another mark. */
function marked(mark: string): Uint8Array<ArrayBuffer> {
  const at = Buffer.from(bytes).lastIndexOf("\x09lstm-wasm") - 2;
  return Uint8Array.from([...bytes.subarray(0, at), 0, mark.length + 10, ...Buffer.from(`\x09lstm-wasm${mark}`)]);
}

describe("sources", () => {
  const shared = new SharedArrayBuffer(bytes.length);
  new Uint8Array(shared).set(bytes);
  const padded = Uint8Array.from([1, 2, 3, ...bytes, 4]);
  const sync = {
    nothing: undefined,
    "a module": module,
    "a module of another realm": runInNewContext("new WebAssembly.Module(bytes)", { bytes }),
    bytes,
    "an ArrayBuffer": bytes.buffer,
    "a SharedArrayBuffer": shared as unknown as ArrayBuffer,
    "a part of a buffer": padded.subarray(3, -1),
    "a DataView": new DataView(bytes.buffer),
  };
  const wanted = new LSTM(loadSync(), { inputSize: 3, hiddenSize: 4 }).forward(x);

  test.each(Object.entries(sync))("%s", async (_, source) => {
    for (const core of [loadSync(source), await load(source)]) {
      expect(core.build).toBe("strict");
      expect(new LSTM(core, { inputSize: 3, hiddenSize: 4 }).forward(x)).toEqual(wanted);
    }
  });

  test.each<[string, () => Parameters<typeof load>[0]]>([
    ["an address", () => `${origin}/core.wasm`],
    ["a URL", () => new URL(`${origin}/core.wasm`)],
    ["a file's URL", () => file("core")],
    ["a file's URL as text", () => file("core").href],
    ["a promise of a response", () => fetch(`${origin}/core.wasm`)],
    ["a response made by hand", () => new Response(bytes)],
    ["a Blob", () => new Blob([bytes])],
    ["a promise of a module", () => WebAssembly.compile(bytes)],
  ])("%s, to load alone", async (_, source) => {
    const core = await load(source());
    expect(new LSTM(core, { inputSize: 3, hiddenSize: 4 }).forward(x)).toEqual(wanted);
  });

  test("a second load compiles nothing, and has a memory of its own", async () => {
    const compile = vi.spyOn(WebAssembly, "compile");
    const [first, second] = [await load(), await load()];
    expect(compile).not.toHaveBeenCalled(); // `loadSync` above did.
    compile.mockRestore();
    const before = second.memoryBytes;
    new LSTM(first, { inputSize: 300, hiddenSize: 300 });
    expect(second.memoryBytes).toBe(before);
    expect(new LSTM(second, { inputSize: 3, hiddenSize: 4 }).forward(x)).toEqual(wanted);
  });

  test("the relaxed entry takes its own module, or the strict one where the host has no relaxed SIMD", async () => {
    // The spy stands for a host without it: the relaxed module alone does not validate.
    const spy = vi
      .spyOn(WebAssembly, "validate")
      .mockImplementation((source) => source.byteLength < 100 && validate(source));
    vi.resetModules();
    const without: typeof relaxed = await import("lstm-wasm/relaxed");
    expect(without.loadSync().build).toBe("strict");
    spy.mockRestore();
    expect(relaxed.loadSync().build).toBe("relaxed");
    expect((await relaxed.load()).build).toBe("relaxed");
  });
});

describe("refused sources", () => {
  const detached = bytes.slice();
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  const version = "that of version 0.0.9+12345678 where these bindings are of version 0.1.0+";
  const html =
    'an HTML page, as servers answer where the file is not (with Vite: put "lstm-wasm" into optimizeDeps.exclude';
  const nothing = "no bytes: the buffer is empty or detached (transferred elsewhere)";
  const stripped = "another module, or one whose custom sections were stripped";
  // (module)
  const empty = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
  const damaged = bytes.subarray(0, 2000);
  const page = new TextEncoder().encode("<!doctype html>");

  test.each<[string, Uint8Array<ArrayBuffer> | ArrayBuffer | WebAssembly.Module, ModuleError["code"], string]>([
    ["no WebAssembly", Uint8Array.of(1, 2, 3), "ERR_MODULE", "3 bytes that are not WebAssembly"],
    ["another module", empty, "ERR_MODULE", stripped],
    ["another module, compiled", new WebAssembly.Module(empty), "ERR_MODULE", stripped],
    ["a damaged module", damaged, "ERR_MODULE", "bytes that do not compile (damaged"],
    ["one of another version", marked("0.0.9+12345678 strict"), "ERR_MODULE_VERSION", version],
    ["a page", page, "ERR_MODULE_HTML", html],
    ["an empty buffer", new ArrayBuffer(0), "ERR_MODULE_DETACHED", nothing],
    ["a detached buffer", detached.buffer, "ERR_MODULE_DETACHED", nothing],
    ["a view of a detached buffer", detached, "ERR_MODULE_DETACHED", nothing],
  ])("%s", async (_, source, code, got) => {
    const error = expect.objectContaining({ name: "ModuleError", code });
    const text = `source: expected a module of lstm-wasm, got ${got}`;
    expect(() => loadSync(source)).toThrow(error);
    expect(() => loadSync(source)).toThrow(text);
    await expect(load(source)).rejects.toThrow(error);
    await expect(load(source)).rejects.toThrow(text);
  });

  test("its mark alone makes the difference", () => {
    const mark = /lstm-wasm(\S+) strict$/.exec(Buffer.from(bytes).toString("latin1"))?.[1];
    expect(loadSync(marked(`${mark} strict`)).build).toBe("strict");
  });

  test.each<[string, () => Parameters<typeof load>[0], ModuleError["code"], RegExp]>([
    [
      "a page where the file should be",
      () => `${origin}/page`,
      "ERR_MODULE_HTML",
      /got from http\S+\/page an HTML page/,
    ],
    ["a file that is not there", () => `${origin}/none`, "ERR_MODULE_FETCH", /got from http\S+\/none status 404/],
    [
      "an answer that breaks off",
      () => `${origin}/cut.wasm`,
      "ERR_MODULE_FETCH",
      /got from \S+ a response that broke off/,
    ],
    ["no such host", () => "http://127.0.0.1:1/core.wasm", "ERR_MODULE_FETCH", /core.wasm nothing$/],
    ["no address", () => "core.wasm", "ERR_MODULE_FETCH", /got from core.wasm nothing$/],
    ["no such file", () => file("nowhere"), "ERR_MODULE_FETCH", /got from file:\S+nowhere.wasm nothing$/],
    ["a failed response", () => new Response("", { status: 500 }), "ERR_MODULE_FETCH", /got status 500$/],
    [
      "a response that was read",
      async () => {
        const response = new Response(bytes);
        await response.text();
        return response;
      },
      "ERR_MODULE_FETCH",
      /got a response whose body was read before$/,
    ],
  ])("%s", async (_, source, code, text) => {
    const error = await load(source()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ModuleError);
    expect(error).toMatchObject({ code, message: expect.stringMatching(text) });
  });

  test("what is no source at all", async () => {
    const kinds = "source: expected a WebAssembly.Module";
    expect(() => loadSync("core.wasm" as never)).toThrow(
      `${kinds} or its bytes (load takes a Response or URL), got "core.wasm"`,
    );
    expect(() => loadSync({} as never)).toThrow(expect.objectContaining({ code: "ERR_ARGUMENT_TYPE" }));
    await expect(load({} as never)).rejects.toThrow(`${kinds}, its bytes, a Response or a URL, got an Object`);
    await expect(load(null as never)).resolves.toMatchObject({ build: "strict" });
    await expect(load(7 as never)).rejects.toThrow("got 7");
  });

  test("a host without SIMD, or without WebAssembly, says so in one sentence", async () => {
    const refused = function refused() {
      throw new WebAssembly.CompileError("invalid value type 0x7b");
    };
    const spies = [
      vi.spyOn(WebAssembly, "validate").mockReturnValue(false),
      vi.spyOn(WebAssembly, "Module").mockImplementation(refused),
      vi.spyOn(WebAssembly, "compile").mockImplementation(async () => refused()),
    ];
    const error = expect.objectContaining({ name: "ModuleError", code: "ERR_NO_SIMD" });
    expect(() => loadSync(bytes)).toThrow(error);
    await expect(load(bytes)).rejects.toThrow("host: expected WebAssembly with SIMD, got an engine without SIMD");
    for (const spy of spies) spy.mockRestore();
    vi.stubGlobal("WebAssembly", undefined);
    expect(() => loadSync(bytes)).toThrow("host: expected WebAssembly with SIMD, got none");
    await expect(load(bytes)).rejects.toThrow(error);
    vi.unstubAllGlobals();
  });

  test("a host that refuses to compile says what to do", async () => {
    const refusal = new WebAssembly.CompileError("Wasm code generation disallowed by embedder");
    const compile = vi.spyOn(WebAssembly, "compile").mockRejectedValue(refusal);
    await expect(load(bytes)).rejects.toThrow("a page needs the CSP script-src 'wasm-unsafe-eval'; Workers");
    await expect(load(bytes)).rejects.toThrow(expect.objectContaining({ code: "ERR_COMPILE", cause: refusal }));
    compile.mockRestore();
  });

  test.each(["default", "relaxed"])("such a host with the module of the %s entry", async (entry) => {
    vi.resetModules();
    const api = await import(`../bindings/entries/${entry}.ts`);
    const refused = function refused() {
      throw new WebAssembly.CompileError("violates the following Content Security Policy directive");
    };
    const spies = [
      vi.spyOn(WebAssembly, "Module").mockImplementation(refused),
      vi.spyOn(WebAssembly, "compile").mockImplementation(async () => refused()),
    ];
    await expect(api.load()).rejects.toThrow("a page needs the CSP script-src 'wasm-unsafe-eval'");
    expect(() => api.loadSync()).toThrow(expect.objectContaining({ code: "ERR_COMPILE" }));
    for (const spy of spies) spy.mockRestore();
    // And once it may, the same entry loads.
    await expect(api.load()).resolves.toHaveProperty("build");
  });

  test.each(["Compile", "Instance"])("a main thread that takes no %s of this size at once", (step) => {
    const refusal = new RangeError(
      `WebAssembly.${step} is disallowed on the main thread, if the buffer size is larger than 8MB.`,
    );
    const refuse = vi
      .spyOn(WebAssembly, step === "Compile" ? "Module" : "Instance")
      .mockImplementation(function refused() {
        throw refusal;
      });
    expect(() => loadSync(bytes)).toThrow("got a refusal (on a page's main thread use load() in place of loadSync())");
    expect(() => loadSync(bytes)).toThrow(expect.objectContaining({ code: "ERR_COMPILE", cause: refusal }));
    refuse.mockRestore();
  });

  test("a host with little beside WebAssembly, as an AudioWorklet is", () => {
    for (const name of ["TextDecoder", "TextEncoder", "URL", "fetch", "atob", "performance", "setTimeout"])
      vi.stubGlobal(name, undefined);
    try {
      expect(loadSync(module).build).toBe("strict");
      expect(loadSync(bytes).build).toBe("strict");
      expect(() => loadSync(Buffer.from("\ufeff\n<html>"))).toThrow("an HTML page");
    } finally {
      vi.unstubAllGlobals();
    }
  });

  test("a host without memory for it", async () => {
    const refusal = new RangeError("Out of memory: Cannot allocate Wasm memory for new instance");
    const instantiate = vi.spyOn(WebAssembly, "instantiate").mockRejectedValue(refusal);
    await expect(load(bytes)).rejects.toThrow(expect.objectContaining({ code: "ERR_MEMORY", cause: refusal }));
    instantiate.mockRestore();
  });
});
