// An LSTM as an ONNX model: one node, its weights inside (field numbers of onnx.proto3).
import type { Tensor } from "lstm-wasm";
import { PbfWriter } from "pbf";
import type { BenchCase } from "../cases.ts";
import type { Problem } from "../problem.ts";

const FLOAT = 1;
const INT_ATTRIBUTE = 2;

/** ONNX has its gates in the order i, o, f, c; PyTorch i, f, g, o. */
const ORDER = [0, 3, 1, 2];

/** Blocks of rows in ONNX' order, with the axis of directions in front. */
function reorder({ data, shape }: Tensor, axes: readonly number[]): Tensor {
  const block = data.length / 4;
  const turned = new Float32Array(data.length);
  ORDER.forEach((from, k) => {
    turned.set(data.subarray(from * block, (from + 1) * block), k * block);
  });
  return { data: turned, shape: [...axes, ...shape] };
}

function writeTensor({ name, tensor }: { name: string; tensor: Tensor }, pbf: PbfWriter): void {
  pbf.writePackedVarint(1, [...tensor.shape]);
  pbf.writeVarintField(2, FLOAT);
  pbf.writeStringField(8, name);
  pbf.writeBytesField(9, new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength));
}

function writeValue({ name, shape }: { name: string; shape: readonly number[] }, pbf: PbfWriter): void {
  const dim = (size: number, dims: PbfWriter) => dims.writeVarintField(1, size);
  const dims = (_: null, type: PbfWriter) => {
    for (const size of shape) type.writeMessage(1, dim, size);
  };
  const tensor = (_: null, type: PbfWriter) => {
    type.writeVarintField(1, FLOAT);
    type.writeMessage(2, dims, null);
  };
  pbf.writeStringField(1, name);
  pbf.writeMessage(2, (_: null, type: PbfWriter) => type.writeMessage(1, tensor, null), null);
}

/** x, h0, c0 → y, hn, cn. */
export function encodeOnnx({ T, B, I, H }: BenchCase, problem: Problem): Uint8Array {
  const get = (name: string) => problem[name] as Tensor;
  const biases = [get("bias_ih_l0"), get("bias_hh_l0")].map((bias) => reorder(bias, []).data);
  const weights: Record<string, Tensor> = {
    W: reorder(get("weight_ih_l0"), [1]),
    R: reorder(get("weight_hh_l0"), [1]),
    Bias: { data: Float32Array.from(biases.flatMap((values) => [...values])), shape: [1, 8 * H] },
  };
  const state = [1, B, H];
  const pbf = new PbfWriter();
  const attribute = (_: null, a: PbfWriter) => {
    a.writeStringField(1, "hidden_size");
    a.writeVarintField(3, H);
    a.writeVarintField(20, INT_ATTRIBUTE);
  };
  const node = (_: null, n: PbfWriter) => {
    for (const name of ["x", "W", "R", "Bias", "", "h0", "c0"]) n.writeStringField(1, name);
    for (const name of ["y", "hn", "cn"]) n.writeStringField(2, name);
    n.writeStringField(4, "LSTM");
    n.writeMessage(5, attribute, null);
  };
  const graph = (_: null, g: PbfWriter) => {
    g.writeMessage(1, node, null);
    g.writeStringField(2, "lstm");
    for (const [name, tensor] of Object.entries(weights)) g.writeMessage(5, writeTensor, { name, tensor });
    const inputs = { x: [T, B, I], h0: state, c0: state };
    const outputs = { y: [T, 1, B, H], hn: state, cn: state };
    for (const [name, shape] of Object.entries(inputs)) g.writeMessage(11, writeValue, { name, shape });
    for (const [name, shape] of Object.entries(outputs)) g.writeMessage(12, writeValue, { name, shape });
  };
  const opset = (_: null, o: PbfWriter) => {
    o.writeStringField(1, "");
    o.writeVarintField(2, 14);
  };
  pbf.writeVarintField(1, 8);
  pbf.writeMessage(7, graph, null);
  pbf.writeMessage(8, opset, null);
  return pbf.finish();
}
