// The same for Node: new Worker(new URL("./node-worker.ts", import.meta.url)) of node:worker_threads.
import { parentPort } from "node:worker_threads";
import { serve } from "./serve.ts";

parentPort?.on("message", (port) => serve(port as unknown as MessagePort));
