// Measures one activation of one build over all 2^32 float32 arguments, against float64.
import { readFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";

const { build, name } = workerData;
// The core has exp only inside of other functions.
const file = name === "exp" ? build.replace("core", "peak") : build;
const bytes = readFileSync(new URL(`../../build/${file}.wasm`, import.meta.url));
const abi = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;

/** By name: what is measured, the reference, and from where on: σ is 0 below −88, where its value is subnormal. */
const [run, reference, least] = {
  exp: [(y, x, n) => abi.expForward(y, x, n), Math.exp, -Infinity],
  sigmoid: [
    (y, x, n) => abi.activationForward(y, x, 0, 0, 0, n),
    (x) => {
      const e = Math.exp(-Math.abs(x));
      return x < 0 ? e / (1 + e) : 1 / (1 + e);
    },
    -88,
  ],
  tanh: [(y, x, n) => abi.activationForward(y, x, 1, 0, 0, n), Math.tanh, -Infinity],
}[name];
const LARGEST = 3.4028234663852886e38;

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The distance between float32 numbers at |r|. */
function ulp(r) {
  const size = Math.abs(r);
  if (size >= LARGEST) return 2 ** 104;
  float[0] = size;
  if (float[0] > size) bits[0]--;
  return 2 ** (Math.max(bits[0] >>> 23, 1) - 150);
}

const CHUNK = 1 << 16;
const at = 65536 * abi.memory.grow((8 * CHUNK) / 65536);
const x = new Float32Array(abi.memory.buffer, at, CHUNK);
const patterns = new Uint32Array(abi.memory.buffer, at, CHUNK);
const y = new Float32Array(abi.memory.buffer, at + 4 * CHUNK, CHUNK);
let [worst, where, wrongNaN] = [0, 0, 0];
for (let base = 0; base < 2 ** 32; base += CHUNK) {
  for (let k = 0; k < CHUNK; k++) patterns[k] = base + k;
  run(at + 4 * CHUNK, at, CHUNK);
  for (let k = 0; k < CHUNK; k++) {
    const argument = x[k];
    if (Number.isNaN(argument)) {
      if (!Number.isNaN(y[k])) wrongNaN++;
      continue;
    }
    if (argument < least) continue;
    const want = reference(argument);
    if (y[k] === Infinity && want > LARGEST) continue;
    const error = Math.abs(y[k] - want) / ulp(want);
    if (!(error <= worst)) [worst, where] = [error, argument];
  }
}
parentPort.postMessage({ worst, where, wrongNaN });
