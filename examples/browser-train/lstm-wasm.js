// Where this example takes the package from. A worker has no import map, so without a bundler only a path will do; with one, this
// file could be `export * from "lstm-wasm"`, or not be at all.
export * from "./node_modules/lstm-wasm/dist/entries/default.js";
