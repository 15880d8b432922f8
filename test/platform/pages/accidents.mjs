// What goes wrong on pages, tried on one. Each answers what came of it, or { name, code, message } of its error.
import * as core from "/node_modules/lstm-wasm/dist/entries/default.js";
import * as io from "/node_modules/lstm-wasm/dist/entries/io.js";
import * as train from "/node_modules/lstm-wasm/dist/entries/train.js";
import { report } from "./report.mjs";
import { run } from "./script.mjs";

const api = { ...core, ...io, ...train };
const WASM = "/node_modules/lstm-wasm/dist/core.wasm";

async function outcome(work) {
  try {
    return await work();
  } catch (error) {
    return { name: error.name, code: error.code, message: error.message };
  }
}

/** The module behind a custom section of so many bytes. */
function inflate(bytes, size) {
  const name = new TextEncoder().encode("padding");
  let rest = size + 1 + name.length;
  const length = [];
  for (; rest > 127; rest >>>= 7) length.push((rest & 127) | 128);
  length.push(rest);
  const head = [...bytes.subarray(0, 8), 0, ...length, name.length, ...name];
  const inflated = new Uint8Array(head.length + size + bytes.length - 8);
  inflated.set(head);
  inflated.set(bytes.subarray(8), head.length + size);
  return inflated;
}

/** Answers what `loadSync` says in a worker to the same bytes. */
function inWorker(bytes) {
  const worker = new Worker("/sync-worker.mjs", { type: "module" });
  return new Promise((resolve) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.postMessage(bytes);
  });
}

report(async () => {
  const bytes = new Uint8Array(await (await fetch(WASM)).arrayBuffer());
  const large = inflate(bytes, 9 << 20);
  const largeModule = await WebAssembly.compile(large);
  const used = await fetch(WASM);
  await used.arrayBuffer();
  const detached = bytes.slice();
  structuredClone(detached, { transfer: [detached.buffer] });
  return {
    type: (await fetch(WASM)).headers.get("content-type"),
    digests: {
      url: await outcome(() => run(api, WASM)),
      response: await outcome(() => run(api, fetch(WASM))),
      bytes: await outcome(() => run(api, bytes)),
    },
    builds: {
      sync: await outcome(() => api.loadSync().build),
      syncBytes: await outcome(() => api.loadSync(bytes).build),
      largeAsync: await outcome(async () => (await api.load(large)).build),
      largeInWorker: await inWorker(large),
    },
    failures: {
      html: await outcome(() => api.load("/assets/missing.wasm")),
      htmlResponse: await outcome(() => api.load(fetch("/assets/missing.wasm"))),
      largeSync: await outcome(() => api.loadSync(large)),
      largeModuleSync: await outcome(() => api.loadSync(largeModule)),
      used: await outcome(() => api.load(used)),
      detached: await outcome(() => api.load(detached)),
      unreachable: await outcome(() => api.load("http://127.0.0.1:1/core.wasm")),
    },
  };
});
