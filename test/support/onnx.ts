// ONNX node tests: reading the protobuf (field numbers of onnx.proto3), and running LSTM, GRU and RNN nodes with our layers.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import {
  type Activation,
  type ActivationName,
  type Core,
  GRU,
  LSTM,
  RNN,
  type StateDict,
  type Tensor,
} from "lstm-wasm";
import { PbfReader } from "pbf";
import { compare, type Difference, largest } from "./compare.ts";

interface Values {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

interface Node {
  op: string;
  inputs: string[];
  outputs: string[];
  attributes: Record<string, number | string | number[] | string[]>;
}

/** Data types of TensorProto, as arrays. */
const ARRAYS: Readonly<
  Record<number, (bytes: ArrayBuffer) => Float32Array | Float64Array | Int32Array | BigInt64Array>
> = {
  1: (bytes) => new Float32Array(bytes),
  6: (bytes) => new Int32Array(bytes),
  7: (bytes) => new BigInt64Array(bytes),
  11: (bytes) => new Float64Array(bytes),
};

/** TensorProto, its values as float32. */
function readTensor(pbf: PbfReader, end?: number): Values {
  const tensor = { name: "", type: 0, shape: [] as number[], raw: null as Uint8Array | null, listed: [] as number[] };
  pbf.readFields(
    (field, t) => {
      if (field === 1) pbf.readPackedVarint(t.shape, true);
      else if (field === 2) t.type = pbf.readVarint();
      else if (field === 4) pbf.readPackedFloat(t.listed);
      else if (field === 5 || field === 7) pbf.readPackedVarint(t.listed, true);
      else if (field === 8) t.name = pbf.readString();
      else if (field === 9) t.raw = pbf.readBytes();
      else if (field === 10) pbf.readPackedDouble(t.listed);
    },
    tensor,
    end,
  );
  const { name, type, shape, raw, listed } = tensor;
  const create = ARRAYS[type];
  if (!create) throw new Error(`${name}: expected float, double, int32 or int64, got data type ${type}`);
  // A copy: aligned, and only these bytes (a Buffer's own slice would share the whole file).
  const values = raw ? create(new Uint8Array(raw).buffer) : listed;
  const data = Float32Array.from(values as ArrayLike<number | bigint>, Number);
  const size = shape.reduce((n, k) => n * k, 1);
  if (data.length !== size) throw new Error(`${name}: expected ${size} values in the file, got ${data.length}`);
  return { name, shape, data };
}

/** ModelProto down to its graph: one node, and the names of the graph's inputs and outputs. */
function readModel(bytes: Uint8Array): { nodes: Node[]; inputs: string[]; outputs: string[]; initializers: Values[] } {
  const graph = { nodes: [] as Node[], inputs: [] as string[], outputs: [] as string[], initializers: [] as Values[] };
  const pbf = new PbfReader(bytes);
  const end = () => pbf.readVarint() + pbf.pos;
  const readName = () => {
    const info = { name: "" };
    pbf.readFields(
      (field) => {
        if (field === 1) info.name = pbf.readString();
      },
      info,
      end(),
    );
    return info.name;
  };
  const readAttribute = (node: Node) => {
    const a = {
      name: "",
      f: 0,
      i: 0,
      s: "",
      floats: [] as number[],
      ints: [] as number[],
      strings: [] as string[],
      type: 0,
      field: 0,
    };
    pbf.readFields(
      (field, o) => {
        // Old files tell the type by the field alone.
        if (field > 1 && field < 12) o.field = field;
        if (field === 1) o.name = pbf.readString();
        else if (field === 2) o.f = pbf.readFloat();
        else if (field === 3) o.i = pbf.readVarint(true);
        else if (field === 4) o.s = pbf.readString();
        else if (field === 7) pbf.readPackedFloat(o.floats);
        else if (field === 8) pbf.readPackedVarint(o.ints, true);
        else if (field === 9) o.strings.push(pbf.readString());
        else if (field === 20) o.type = pbf.readVarint();
      },
      a,
      end(),
    );
    // By type, and by the number of the field. A value of 0 or none at all may be left out of the file.
    const values = { 1: a.f, 2: a.i, 3: a.s, 6: a.floats, 7: a.ints, 8: a.strings };
    const fields = { 2: a.f, 3: a.i, 4: a.s, 7: a.floats, 8: a.ints, 9: a.strings };
    const value = values[a.type as 1] ?? fields[a.field as 2];
    if (value === undefined) throw new Error(`${a.name}: expected numbers or names, got attribute type ${a.type}`);
    node.attributes[a.name] = value;
  };
  const readNode = () => {
    const node: Node = { op: "", inputs: [], outputs: [], attributes: {} };
    pbf.readFields(
      (field) => {
        if (field === 1) node.inputs.push(pbf.readString());
        else if (field === 2) node.outputs.push(pbf.readString());
        else if (field === 4) node.op = pbf.readString();
        else if (field === 5) readAttribute(node);
      },
      node,
      end(),
    );
    return node;
  };
  const readGraph = () =>
    pbf.readFields(
      (field) => {
        if (field === 1) graph.nodes.push(readNode());
        else if (field === 5) graph.initializers.push(readTensor(pbf, end()));
        else if (field === 11) graph.inputs.push(readName());
        else if (field === 12) graph.outputs.push(readName());
      },
      graph,
      end(),
    );
  pbf.readFields((field) => void (field === 7 && readGraph()), graph);
  return graph;
}

/** Where block k of ours stands in ONNX: i f g o in i o f c, r z n in z r h; peepholes i f o in i o f. */
const ORDER = { LSTM: [0, 2, 3, 1], GRU: [1, 0, 2], RNN: [0] } as const;
const PEEPHOLE_ORDER = [0, 2, 1];

function blocks(from: Float32Array, order: readonly number[], size: number): Float32Array {
  const to = new Float32Array(order.length * size);
  order.forEach((block, k) => {
    to.set(from.subarray(block * size, (block + 1) * size), k * size);
  });
  return to;
}

const camel = (name: string) => (name[0]?.toLowerCase() + name.slice(1)) as ActivationName;
const WITH_ALPHA = ["affine", "leakyRelu", "thresholdedRelu", "scaledTanh", "hardSigmoid", "elu"];
const WITH_BETA = ["affine", "scaledTanh", "hardSigmoid"];

/** The activations of each direction; α and β are listed for those that take them. */
function readActivations(node: Node, letters: string): Record<string, Activation>[] | undefined {
  const names = node.attributes.activations as string[] | undefined;
  if (!names) return undefined;
  const alphas = [...((node.attributes.activation_alpha as number[] | undefined) ?? [])];
  const betas = [...((node.attributes.activation_beta as number[] | undefined) ?? [])];
  const acts = names.map((text): Activation => {
    const name = camel(text);
    const alpha = WITH_ALPHA.includes(name) ? alphas.shift() : undefined;
    const beta = WITH_BETA.includes(name) ? betas.shift() : undefined;
    return { name, ...(alpha !== undefined && { alpha }), ...(beta !== undefined && { beta }) };
  });
  const D = node.attributes.direction === "bidirectional" ? 2 : 1;
  if (names.length !== D * letters.length)
    throw new Error(`activations: expected ${D * letters.length} names, got ${names.join(", ")}`);
  const each = (d: number) =>
    Object.fromEntries([...letters].map((letter, k) => [letter, acts[d * letters.length + k] as Activation]));
  return D === 2 ? [each(0), each(1)] : [each(0), each(0)];
}

/** Runs an LSTM, GRU or RNN node on named inputs; answers its outputs by their names. */
function runNode(core: Core, node: Node, given: ReadonlyMap<string, Values>): Record<string, ArrayLike<number>> {
  const op = node.op as keyof typeof ORDER;
  if (!Object.hasOwn(ORDER, op)) throw new Error(`expected a node LSTM, GRU or RNN, got ${node.op}`);
  const [X, W, R, B, lengths, h0, c0, P] = node.inputs.map((name) => given.get(name));
  if (!X || !W || !R) throw new Error(`expected inputs X, W and R, got ${node.inputs}`);
  const { direction = "forward", clip = 0, input_forget = 0, linear_before_reset = 0, layout = 0 } = node.attributes;
  const [D, GH, I] = W.shape as [number, number, number];
  const H = R.shape[2] as number;
  if (D !== (direction === "bidirectional" ? 2 : 1))
    throw new Error(`direction: expected as many directions as W has, ${D}, got ${direction}`);
  const [T, batch] = layout
    ? [X.shape[1] as number, X.shape[0] as number]
    : [X.shape[0] as number, X.shape[1] as number];
  const activations = readActivations(node, { LSTM: "fgh", GRU: "fg", RNN: "f" }[op]);
  const options = {
    inputSize: I,
    hiddenSize: H,
    direction: direction as "forward",
    batchFirst: layout === 1,
    gateClip: clip as number,
    ...(activations && { activations: activations as [object, object] }),
  };
  using layer = (
    op === "LSTM"
      ? new LSTM(core, { ...options, peephole: P !== undefined, coupled: input_forget === 1 })
      : op === "GRU"
        ? new GRU(core, { ...options, resetAfter: linear_before_reset === 1 })
        : new RNN(core, options)
  ) as LSTM;
  const state: StateDict = {};
  for (let d = 0; d < D; d++) {
    const suffix = d === 1 || direction === "reverse" ? "_l0_reverse" : "_l0";
    const part = (values: Float32Array, n: number) => values.subarray(d * n, (d + 1) * n);
    const bias = (half: number) =>
      B ? part(B.data, 2 * GH).subarray(half * GH, (half + 1) * GH) : new Float32Array(GH);
    state[`weight_ih${suffix}`] = { data: blocks(part(W.data, GH * I), ORDER[op], H * I), shape: [GH, I] };
    state[`weight_hh${suffix}`] = { data: blocks(part(R.data, GH * H), ORDER[op], H * H), shape: [GH, H] };
    state[`bias_ih${suffix}`] = { data: blocks(bias(0), ORDER[op], H), shape: [GH] };
    state[`bias_hh${suffix}`] = { data: blocks(bias(1), ORDER[op], H), shape: [GH] };
    if (P) state[`weight_ph${suffix}`] = { data: blocks(part(P.data, 3 * H), PEEPHOLE_ORDER, H), shape: [3 * H] };
  }
  layer.loadStateDict(state);
  // Layout 1 puts the batch before the directions in the states, too: from rows [C,A] to rows [A,C].
  const turn = (data: Float32Array, A: number, C: number) =>
    layout
      ? Float32Array.from(
          data,
          (_, k) => data[((Math.floor(k / H) % C) * A + Math.floor(k / H / C)) * H + (k % H)] as number,
        )
      : data;
  const states = (values: Values | undefined, name: string) =>
    values ? { [name]: { data: turn(values.data, D, batch), shape: [D, batch, H] } } : {};
  const result = layer.forward(
    { data: X.data, shape: [...X.shape] },
    { ...states(h0, "h0"), ...states(c0, "c0"), ...(lengths && { lengths: [...lengths.data] }) },
  );
  // Ours is [T,B,D·H] ([B,T,D·H]), ONNX' Y [T,D,B,H] ([B,T,D,H]).
  const { data } = result.output;
  const Y = layout
    ? data
    : Float32Array.from(data, (_, k) => {
        const [u, b, d, t] = [
          k % H,
          Math.floor(k / H) % batch,
          Math.floor(k / H / batch) % D,
          Math.floor(k / H / batch / D),
        ];
        return data[((t * batch + b) * D + d) * H + u] as number;
      });
  if (T * batch * D * H !== Y.length) throw new Error("expected Y to have T·B·D·H values");
  const back = (tensor: Tensor | undefined) => (tensor ? turn(tensor.data, batch, D) : []);
  const outputs = [Y, back(result.hn), back(result.cn)];
  return Object.fromEntries(node.outputs.flatMap((name, k) => (name ? [[name, outputs[k] as ArrayLike<number>]] : [])));
}

/** Runs every data set of a folder with model.onnx. onnxruntime agrees with the goldens to 1e-6 of their size; so must we. */
export function runOnnx(core: Core, folder: URL): Difference[] {
  const { nodes, inputs, outputs, initializers } = readModel(readFileSync(new URL("model.onnx", folder)));
  const [node] = nodes;
  if (!node || nodes.length !== 1) throw new Error(`expected a graph of one node, got ${nodes.length}`);
  const sets = readdirSync(folder)
    .filter((name) => name.startsWith("test_data_set_"))
    .sort();
  if (sets.length === 0) throw new Error("expected folders test_data_set_*, got none");
  return sets.flatMap((set) => {
    const read = (name: string) => {
      const file = new URL(`${set}/${name}.pb`, folder);
      return existsSync(file) ? readTensor(new PbfReader(readFileSync(file))) : undefined;
    };
    const given = new Map(initializers.map((values) => [values.name, values]));
    // Old models list their initializers among the inputs, for which there are no files.
    inputs
      .filter((name) => !given.has(name))
      .forEach((name, k) => {
        const values = read(`input_${k}`);
        if (values) given.set(name, values);
      });
    const got = runNode(core, node, given);
    return outputs.map((name, k) => {
      const want = read(`output_${k}`)?.data;
      if (!want) throw new Error(`${set}: expected output_${k}.pb, got none`);
      return compare(`${set}/${name}`, got[name] ?? [], want, 2e-6 * Math.max(1, largest(want)));
    });
  });
}
