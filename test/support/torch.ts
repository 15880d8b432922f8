import { type Core, GRU, LSTM, type LSTMCotangents, RNN, type StateDict, type Tensor } from "lstm-wasm";
import { run, type Spec } from "../reference/recurrent.ts";
import { float32, goldens, readTensors, type TorchCase } from "./cases.ts";

/** What a case asks for, by its own names. */
export type Answers = Record<string, ArrayLike<number>>;

/** The loss of a case: Σ over its terms of cotangent · result. */
function lossOf(answers: Answers, tensors: ReturnType<typeof readTensors>): number {
  const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
    Array.from(a).reduce((sum, value, k) => sum + value * (b[k] as number), 0);
  const terms = [
    ["w_out", "out"],
    ["w_h", "hn"],
    ["w_c", "cn"],
  ] as const;
  return terms.reduce(
    (sum, [w, name]) => (tensors[w] ? sum + dot(tensors[w].data, answers[name] as ArrayLike<number>) : sum),
    0,
  );
}

/** The layer of a case, with its weights. */
export function createLayer(core: Core, c: TorchCase): LSTM | GRU | RNN {
  const options = {
    inputSize: c.input_size,
    hiddenSize: c.hidden_size,
    numLayers: c.num_layers ?? 1,
    bidirectional: c.bidirectional ?? false,
    bias: c.bias ?? true,
    batchFirst: c.batch_first ?? false,
  };
  if (c.dropout) throw new Error(`dropout: expected 0, for its masks cannot be the same, got ${c.dropout}`);
  if (c.op === "LSTM") return new LSTM(core, { ...options, projSize: c.proj_size ?? 0 });
  if (c.op === "GRU") return new GRU(core, options);
  if (c.op === "RNN_TANH" || c.op === "RNN_RELU")
    return new RNN(core, { ...options, nonlinearity: c.op === "RNN_RELU" ? "relu" : "tanh" });
  throw new Error(`op: expected LSTM, GRU, RNN_TANH or RNN_RELU, got ${c.op}`);
}

/** The answers of the kernels, through the public API. Padding is replaced by NaN: it must not matter. */
export function runKernels(core: Core, c: TorchCase, folder = goldens("torch/")): Answers {
  const tensors = readTensors(new URL(c.file, folder));
  const get = (name: string) => float32(tensors, name);
  using layer = createLayer(core, c) as LSTM;
  layer.loadStateDict(Object.fromEntries(layer.parameters.map(({ name }) => [name, get(name)])) as StateDict);
  const x = get("x");
  if (c.lengths) {
    const [rows, columns] = x.shape as [number, number];
    for (let row = 0; row < rows * columns; row++) {
      const [a, b] = [Math.floor(row / columns), row % columns];
      const [t, sequence] = c.batch_first ? [b, a] : [a, b];
      if (t >= (c.lengths[sequence] as number)) x.data.fill(Number.NaN, row * c.input_size, (row + 1) * c.input_size);
    }
  }
  /** What is there of some tensors, by our names for them. */
  const some = (names: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(names).flatMap(([ours, name]) => (tensors[name] ? [[ours, get(name)]] : [])));
  const result = layer.forward(x, { ...some({ h0: "h0", c0: "c0" }), ...(c.lengths && { lengths: c.lengths }) });
  const cotangents: LSTMCotangents = some({ output: "w_out", hn: "w_h", cn: "w_c" });
  const grads = layer.backward(cotangents);
  const named: Record<string, Tensor | null | undefined> = {
    out: result.output,
    hn: result.hn,
    cn: result.cn,
    "grad.x": grads.input,
    "grad.h0": grads.h0,
    "grad.c0": grads.c0,
  };
  for (const [name, grad] of Object.entries(layer.gradients())) named[`grad.${name}`] = grad;
  const answers: Answers = Object.fromEntries(
    Object.entries(named).flatMap(([name, tensor]) => (tensor ? [[name, tensor.data]] : [])),
  );
  return { ...answers, loss: [lossOf(answers, tensors)] };
}

/** The answers of the float64 oracle. */
export function runOracle(c: TorchCase): Answers {
  const tensors = readTensors(goldens(`torch/${c.file}`));
  const batchFirst = c.batch_first ?? false;
  const timeMajor = (name: string) => swap(float32(tensors, name), batchFirst);
  const spec: Spec = {
    cell: c.op === "LSTM" || c.op === "GRU" ? c.op : "RNN",
    inputSize: c.input_size,
    hiddenSize: c.hidden_size,
    numLayers: c.num_layers ?? 1,
    bidirectional: c.bidirectional ?? false,
    projSize: c.proj_size ?? 0,
    ...(c.op === "RNN_RELU" ? { activations: [{ f: { name: "relu" } }, { f: { name: "relu" } }] } : {}),
  };
  const weights = Object.keys(tensors).filter((name) => /^(weight|bias)_/.test(name));
  const parameters = Object.fromEntries(weights.map((name) => [name, float32(tensors, name)]));
  const { h0, c0 } = tensors;
  const x = timeMajor("x");
  const [T, B] = x.shape as [number, number];
  const result = run(spec, { x, h0, c0, lengths: c.lengths ?? undefined, parameters });
  const grads = result.backward({ output: timeMajor("w_out").data, hn: tensors.w_h?.data, cn: tensors.w_c?.data });
  const back = (data: Float64Array, width: number) => swap({ data, shape: [T, B, width] }, batchFirst).data;
  const answers: Answers = {
    out: back(result.output, result.output.length / (T * B)),
    hn: result.hn,
    cn: result.cn,
    ...Object.fromEntries(
      Object.entries(grads).map(([name, grad]) => [`grad.${name}`, name === "x" ? back(grad, c.input_size) : grad]),
    ),
  };
  return { ...answers, loss: [lossOf(answers, tensors)] };
}

/** [A,B,N] to [B,A,N], if asked to. */
function swap<D extends Float32Array | Float64Array>(of: { data: D; shape: readonly number[] }, yes: boolean) {
  const [A, B, N] = of.shape as [number, number, number];
  if (!yes) return of;
  const data = of.data.slice() as D;
  for (let a = 0; a < A; a++)
    for (let b = 0; b < B; b++) data.set(of.data.subarray((a * B + b) * N, (a * B + b + 1) * N), (b * A + a) * N);
  return { data, shape: [B, A, N] };
}
