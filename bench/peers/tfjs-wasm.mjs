import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs";
import { setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";

setWasmPaths(fileURLToPath(new URL("node_modules/@tensorflow/tfjs-backend-wasm/dist/", import.meta.url)));
setThreadsCount(1);
await tf.setBackend("wasm");
export const version = () => `TensorFlow.js ${tf.version.tfjs}, ${tf.getBackend()} backend`;
export const oneBias = true;
export { create } from "./tfjs-layers.mjs";
