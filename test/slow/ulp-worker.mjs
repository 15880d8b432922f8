// Measures one activation of one build over all 2^32 float32 arguments, against float64.
import { readFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";

const { build, name } = workerData;
const bytes = readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url));
const abi = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;

const REFERENCES = {
  expForward: Math.exp,
  sigmoidForward: (x) => {
    const e = Math.exp(-Math.abs(x));
    return x < 0 ? e / (1 + e) : 1 / (1 + e);
  },
  tanhForward: Math.tanh,
};
/** Where an error in units in the last place is asked for: σ is 0 below −88, where its value is subnormal. */
const LEAST = { expForward: -Infinity, sigmoidForward: -88, tanhForward: -Infinity };
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
const at = abi.allocate(8 * CHUNK);
const x = new Float32Array(abi.memory.buffer, at, CHUNK);
const patterns = new Uint32Array(abi.memory.buffer, at, CHUNK);
const y = new Float32Array(abi.memory.buffer, at + 4 * CHUNK, CHUNK);
let [worst, where, wrongNaN] = [0, 0, 0];
for (let base = 0; base < 2 ** 32; base += CHUNK) {
  for (let k = 0; k < CHUNK; k++) patterns[k] = base + k;
  abi[name](at + 4 * CHUNK, at, CHUNK);
  for (let k = 0; k < CHUNK; k++) {
    const argument = x[k];
    if (Number.isNaN(argument)) {
      if (!Number.isNaN(y[k])) wrongNaN++;
      continue;
    }
    if (argument < LEAST[name]) continue;
    const want = REFERENCES[name](argument);
    if (y[k] === Infinity && want > LARGEST) continue;
    const error = Math.abs(y[k] - want) / ulp(want);
    if (!(error <= worst)) [worst, where] = [error, argument];
  }
}
parentPort.postMessage({ worst, where, wrongNaN });
