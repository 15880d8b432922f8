import * as ort from "onnxruntime-node";
import { createWith } from "./ort.mjs";

export const version = () => `onnxruntime-node ${ort.env.versions.node}`;
export const create = createWith(ort, { executionProviders: ["cpu"] });
