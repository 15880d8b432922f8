import * as tf from "@tensorflow/tfjs";
import "./tfjs-wasm.mjs";

export const version = () => `TensorFlow.js ${tf.version.tfjs}, ${tf.getBackend()} backend, cell written by hand`;
export const oneBias = true;
export { create } from "./tfjs-cells.mjs";
