import * as tf from "@tensorflow/tfjs";

await tf.setBackend("cpu");
export const version = () => `TensorFlow.js ${tf.version.tfjs}, ${tf.getBackend()} backend`;
export const oneBias = true;
export { create } from "./tfjs-layers.mjs";
