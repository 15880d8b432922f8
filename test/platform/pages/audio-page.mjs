// The page around the AudioWorklet: renders offline for the bits, and in real time for the deadlines.
import * as core from "lstm-wasm";
import * as io from "lstm-wasm/io";
import * as train from "lstm-wasm/train";
import { digestOf, filter, noise, RATE } from "./audio-filter.mjs";
import { report } from "./report.mjs";
import { run } from "./script.mjs";

const api = { ...core, ...io, ...train };

async function play(context, module, { x, loop = false, ...processorOptions }) {
  await context.audioWorklet.addModule("/out/audio-worklet.js");
  const node = new AudioWorkletNode(context, "filter", {
    processorOptions: { module, ...processorOptions },
    outputChannelCount: [1],
  });
  const failed = new Promise((_, reject) => {
    node.onprocessorerror = () => reject(new Error("the processor threw"));
  });
  failed.catch(() => {});
  const buffer = new AudioBuffer({ length: x.length, sampleRate: context.sampleRate });
  buffer.copyToChannel(x, 0);
  const source = new AudioBufferSourceNode(context, { buffer, loop });
  source.connect(node).connect(context.destination);
  source.start();
  return { node, failed };
}

async function offline(module, x) {
  const context = new OfflineAudioContext(1, x.length, RATE);
  const { failed } = await play(context, module, { x });
  const start = performance.now();
  const rendered = await Promise.race([context.startRendering(), failed]);
  return { y: rendered.getChannelData(0), ms: performance.now() - start };
}

async function realTime(module, x, { seconds, burn = 0 }) {
  const context = new AudioContext({ sampleRate: RATE });
  const { node, failed } = await play(context, module, { x, keep: x.length, loop: true, burn });
  await context.resume();
  await Promise.race([failed, new Promise((resolve) => setTimeout(resolve, 1000 * seconds))]);
  const counts = await new Promise((resolve) => {
    node.port.onmessage = ({ data }) => resolve(data);
    node.port.postMessage("counts");
  });
  const { underrunEvents = null } = context.playbackStats ?? {};
  await context.close();
  return { ...counts, underruns: underrunEvents, share: counts.busy / (1000 * seconds) };
}

const sameBits = (a, b) => a.length === b.length && a.every((value, k) => Object.is(value, b[k]));
const isClean = ({ late, skipped, underruns }) => late === 0 && skipped === 0 && !underruns;

report(async () => {
  const response = await fetch("/node_modules/lstm-wasm/dist/core.wasm");
  const module = await WebAssembly.compile(await response.arrayBuffer());
  const x = noise(RATE);
  const expected = filter(api, await api.load(module), x);
  const { y, ms } = await offline(module, x);
  // Whatever else the machine does can starve the audio thread: one clean stretch shows what the filter can do.
  const stretches = [];
  while (stretches.length < 6 && !stretches.some(isClean)) {
    const { kept, ...counts } = await realTime(module, x, { seconds: 2 });
    stretches.push({ ...counts, exact: sameBits(kept, expected) });
  }
  // The control: a processor that does miss its deadlines has to be seen.
  const { kept: _, ...burning } = await realTime(module, x, { seconds: 1, burn: 5 });
  return {
    digest: await run(api, module),
    audio: await digestOf(y),
    offline: { exact: sameBits(y, expected), ms },
    stretches,
    burning,
  };
});
