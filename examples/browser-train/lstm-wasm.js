// Where this example takes the package from. A worker has no import map, so without a bundler only a path will do; with one, this
// file could name `lstm-wasm`, `lstm-wasm/io` and `lstm-wasm/train`, or not be at all.
export * from "./node_modules/lstm-wasm/dist/entries/default.js";
export { encodeSafetensors } from "./node_modules/lstm-wasm/dist/entries/io.js";
export { adam, dataLoader, mseLoss, Trainer } from "./node_modules/lstm-wasm/dist/entries/train.js";
