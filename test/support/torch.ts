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
    numLayers: c.num_layers,
    bidirectional: c.bidirectional,
    bias: c.bias,
    batchFirst: c.batch_first,
  };
  if (c.op === "LSTM") return new LSTM(core, { ...options, projSize: c.proj_size });
  if (c.op === "GRU") return new GRU(core, options);
  return new RNN(core, { ...options, nonlinearity: c.op === "RNN_RELU" ? "relu" : "tanh" });
}

/** The answers of the kernels, through the public API. Padding is replaced by NaN: it must not matter. */
export function runKernels(core: Core, c: TorchCase, folder = goldens("torch/")): Answers {
  const tensors = readTensors(new URL(c.file, folder));
  const get = (name: string) => float32(tensors, name);
  using layer = createLayer(core, c) as LSTM;
  layer.loadStateDict(Object.fromEntries(c.weights.map((name) => [name, get(name)])) as StateDict);
  const x = get("x");
  if (c.lengths && !c.batch_first) {
    for (let row = 0; row < c.seq * c.batch; row++)
      if (Math.floor(row / c.batch) >= (c.lengths[row % c.batch] as number))
        x.data.fill(Number.NaN, row * c.input_size, (row + 1) * c.input_size);
  }
  const states = c.has_initial_state ? { h0: get("h0"), ...(tensors.c0 ? { c0: get("c0") } : {}) } : {};
  const result = layer.forward(x, { ...states, ...(c.lengths ? { lengths: c.lengths } : {}) });
  const cotangents: LSTMCotangents = {
    output: get("w_out"),
    hn: get("w_h"),
    ...(tensors.w_c ? { cn: get("w_c") } : {}),
  };
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
  const timeMajor = (name: string) => swap(float32(tensors, name), c.batch_first);
  const spec: Spec = {
    cell: c.op === "LSTM" || c.op === "GRU" ? c.op : "RNN",
    inputSize: c.input_size,
    hiddenSize: c.hidden_size,
    numLayers: c.num_layers,
    bidirectional: c.bidirectional,
    projSize: c.proj_size,
    ...(c.op === "RNN_RELU" ? { activations: [{ f: { name: "relu" } }, { f: { name: "relu" } }] } : {}),
  };
  const parameters = Object.fromEntries(c.weights.map((name) => [name, float32(tensors, name)]));
  const { h0, c0 } = tensors;
  const result = run(spec, { x: timeMajor("x"), h0, c0, lengths: c.lengths ?? undefined, parameters });
  const grads = result.backward({ output: timeMajor("w_out").data, hn: tensors.w_h?.data, cn: tensors.w_c?.data });
  const back = (data: Float64Array, width: number) =>
    swap({ data, shape: [c.seq, c.batch, width] }, c.batch_first).data;
  const answers: Answers = {
    out: back(result.output, result.output.length / (c.seq * c.batch)),
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
