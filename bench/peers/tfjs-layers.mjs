// TensorFlow.js as its users have it: its own LSTM layer, predict and trainOnBatch. It has no layer for a single step.
import * as tf from "@tensorflow/tfjs";
import { LEARNING_RATE } from "../problem.ts";
import { create as createCells } from "./tfjs-cells.mjs";

/** [A,B,N] with its first two axes swapped. */
function swap(data, A, B, N) {
  const turned = new Float32Array(data.length);
  for (let a = 0; a < A; a++)
    for (let b = 0; b < B; b++) turned.set(data.subarray((a * B + b) * N, (a * B + b + 1) * N), (b * A + a) * N);
  return turned;
}

const transposed = ({ data, shape }) => tf.tidy(() => tf.tensor(data, shape).transpose());
const sum = (a, b) => tf.tensor(a.data.map((value, k) => value + b.data[k]));

export function create(bench, problem) {
  const { what, T, B, I, H } = bench;
  if (what === "step") return createCells(bench, problem);
  const weights = [
    ...[transposed(problem.weight_ih_l0), transposed(problem.weight_hh_l0)],
    sum(problem.bias_ih_l0, problem.bias_hh_l0),
  ];
  const lstm = tf.layers.lstm({
    ...{ units: H, recurrentActivation: "sigmoid", inputShape: [T, I], returnSequences: what === "forward", weights },
  });
  const x = tf.tensor3d(swap(problem.x.data, T, B, I), [B, T, I]);
  let output = new Float32Array();
  if (what === "forward") {
    const model = tf.sequential({ layers: [lstm] });
    const run = () => {
      const y = model.predictOnBatch(x);
      output = y.dataSync();
      y.dispose();
    };
    return { run, result: () => swap(output, B, T, H) };
  }
  const head = [transposed(problem["head.weight"]), tf.tensor(problem["head.bias"].data)];
  const model = tf.sequential({ layers: [lstm, tf.layers.dense({ units: 1, weights: head })] });
  model.compile({ optimizer: tf.train.adam(LEARNING_RATE, 0.9, 0.999, 1e-8), loss: "meanSquaredError" });
  const target = tf.tensor2d(problem.target.data, [B, 1]);
  let loss = 0;
  const run = async () => {
    loss = await model.trainOnBatch(x, target);
  };
  return { run, result: () => [loss] };
}
