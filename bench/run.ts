// `npm run bench`: WebAssembly against plain JavaScript, the same work, interleaved in one process. Every pair is
// compared before it is timed; what disagrees is not timed.
import { readFileSync } from "node:fs";
import { type Core, LSTM, loadSync, type Tensor } from "lstm-wasm";
import { measure } from "mitata";
import { type BenchCase, CASES, flops } from "./cases.ts";
import { backward, createGradients, createTape, forward, type JsLstm } from "./js-lstm.ts";

const AGREEMENT = 1e-4;
const ROUNDS = 5;

interface Contender {
  readonly run: () => void;
  /** What the run computed, for comparison. */
  readonly result: () => Float32Array;
}

/** Numbers in ±1 from a linear congruential generator: the same for all contenders. */
function fill(n: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

function createNet({ I, H }: BenchCase): JsLstm {
  const scaled = (n: number, seed: number) => fill(n, seed).map((value) => value / Math.sqrt(H));
  return { I, H, wih: scaled(4 * H * I, 1), whh: scaled(4 * H * H, 2), bih: scaled(4 * H, 3), bhh: scaled(4 * H, 4) };
}

function inWasm(core: Core, bench: BenchCase, net: JsLstm, x: Tensor): Contender {
  const { I, H, T, B } = bench;
  const lstm = new LSTM(core, { inputSize: I, hiddenSize: H });
  lstm.loadStateDict({
    weight_ih_l0: { data: net.wih, shape: [4 * H, I] },
    weight_hh_l0: { data: net.whh, shape: [4 * H, H] },
    bias_ih_l0: { data: net.bih, shape: [4 * H] },
    bias_hh_l0: { data: net.bhh, shape: [4 * H] },
  });
  if (bench.what === "step") {
    const stream = lstm.stream();
    let h = stream.step(x.data);
    stream.reset();
    return {
      run: () => {
        h = stream.step(x.data);
      },
      result: () => h,
    };
  }
  const dOutput = { data: new Float32Array(T * B * H).fill(1), shape: [T, B, H] };
  let output = new Float32Array();
  if (bench.what === "forward")
    return {
      run: () => {
        output = lstm.forward(x, { view: true }).output.data as typeof output;
      },
      result: () => output,
    };
  const run = () => {
    lstm.zeroGrad();
    lstm.forward(x, { view: true });
    lstm.backward({ output: dOutput });
  };
  return { run, result: () => (lstm.gradients().weight_hh_l0 as Tensor).data };
}

function inJs(bench: BenchCase, net: JsLstm, x: Tensor): Contender {
  const { T, B, H, what } = bench;
  const tape = createTape(T, B, H);
  if (what !== "training") {
    const carry = () => {
      if (what !== "step") return;
      tape.h.copyWithin(0, H);
      tape.c.copyWithin(0, H);
    };
    const run = () => {
      forward(net, tape, x.data, T, B);
      carry();
    };
    return { run, result: () => (what === "step" ? tape.h.subarray(0, H) : tape.h.subarray(B * H)) };
  }
  const dh = new Float32Array((T + 1) * B * H);
  const dc = new Float32Array(B * H);
  const grads = createGradients(net);
  const run = () => {
    for (const grad of Object.values(grads)) grad.fill(0);
    dh.fill(1).fill(0, 0, B * H);
    dc.fill(0);
    forward(net, tape, x.data, T, B);
    backward(net, tape, grads, dh, dc, x.data, T, B);
  };
  return { run, result: () => grads.whh };
}

/** Largest difference over the largest value. */
function disagreement(got: Float32Array, want: Float32Array): number {
  let worst = got.length === want.length ? 0 : Number.POSITIVE_INFINITY;
  let size = 0;
  want.forEach((value, k) => {
    worst = Math.max(worst, Math.abs((got[k] as number) - value));
    size = Math.max(size, Math.abs(value));
  });
  return worst / size;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] as number;

const duration = (ns: number): string =>
  ns < 1e3 ? `${ns.toFixed(0)} ns` : ns < 1e6 ? `${(ns / 1e3).toFixed(2)} µs` : `${(ns / 1e6).toFixed(2)} ms`;

const relaxed = process.argv.includes("--relaxed");
const core = relaxed
  ? loadSync(new Uint8Array(readFileSync(new URL("../build/core.relaxed.wasm", import.meta.url))))
  : loadSync();
console.log(`${relaxed ? "relaxed" : "strict"} build, Node ${process.versions.node} (V8 ${process.versions.v8})\n`);
console.log(
  `${"".padEnd(26)}${"WASM".padStart(12)}${"plain JS".padStart(12)}${"ratio".padStart(9)}${"GFLOP/s".padStart(10)}`,
);
for (const bench of CASES) {
  const { name, what, T, B, I } = bench;
  const net = createNet(bench);
  const x = { data: fill(T * B * I, 5), shape: [T, B, I] };
  const [wasm, js] = [inWasm(core, bench, net, x), inJs(bench, net, x)];
  for (const { run } of [wasm, js]) run();
  const apart = disagreement(wasm.result(), js.result());
  if (!(apart < AGREEMENT)) throw new Error(`${name}: expected results within ${AGREEMENT}, got ${apart}: not timed`);
  const times: { wasm: number[]; js: number[] } = { wasm: [], js: [] };
  for (let round = 0; round < ROUNDS; round++) {
    times.wasm.push((await measure(wasm.run, { min_cpu_time: 1e8 })).p50);
    times.js.push((await measure(js.run, { min_cpu_time: 1e8 })).p50);
  }
  const [a, b] = [median(times.wasm), median(times.js)];
  const ratio = median(times.wasm.map((time, k) => (times.js[k] as number) / time));
  const rate = flops(bench) / a;
  console.log(
    `${`${name} (${what})`.padEnd(26)}${duration(a).padStart(12)}${duration(b).padStart(12)}${`${ratio.toFixed(1)}x`.padStart(9)}${rate.toFixed(1).padStart(10)}`,
  );
}
