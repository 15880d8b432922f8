// `node examples/worker/main.ts`: trains in a worker thread while this thread stays free, then forecasts with the weights.
import { Worker } from "node:worker_threads";
import { load } from "lstm-wasm";
import { trainInWorker } from "./client.ts";
import { createModel, type Job } from "./job.ts";

const values = Float32Array.from({ length: 400 }, (_, t) => Math.sin(0.3 * t));
const job: Job = { values, window: 20, hiddenSize: 16, epochs: 20, seed: 1 };

const model = createModel(await load(), job);
const worker = new Worker(new URL("./node-worker.ts", import.meta.url));
for await (const answer of trainInWorker(worker, job)) {
  if (answer.type === "progress") console.log(`epoch ${answer.epoch}  loss ${answer.loss.toFixed(5)}`);
  else model.loadStateDict(answer.weights);
}
await worker.terminate();

const { data } = model.forward({ data: values.slice(-20), shape: [20, 1, 1] });
console.log(`next value: ${data[0]?.toFixed(3)}, truth ${Math.sin(0.3 * 400).toFixed(3)}`);
