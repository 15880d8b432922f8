import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-web";
import { createWith } from "./ort.mjs";

ort.env.wasm.numThreads = 1;
export const version = () => `onnxruntime-web ${ort.env.versions.web}`;
export const create = (bench, problem, onnx) =>
  createWith(ort, { executionProviders: ["wasm"] })(bench, problem, new Uint8Array(readFileSync(onnx)));
