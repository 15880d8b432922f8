// TensorFlow.js, written to run as fast as it can. With a batch: a product for each gate, because cutting a matrix into gates
// takes longer than the product. Without one: all gates in one product. Bias and sigmoid are fused into products that
// nothing differentiates.
import * as tf from "@tensorflow/tfjs";
import { LEARNING_RATE } from "../problem.ts";

/** Weights of gate k as [I + H, H], and its bias. */
function gate({ weight_ih_l0: wih, weight_hh_l0: whh, bias_ih_l0: bih, bias_hh_l0: bhh }, k) {
  const H = whh.shape[1];
  const rows = ({ data, shape }) =>
    tf
      .tensor(data, shape)
      .slice([k * H, 0], [H, -1])
      .transpose();
  const bias = ({ data }) => tf.tensor(data.slice(k * H, (k + 1) * H));
  return { w: tf.variable(tf.concat([rows(wih), rows(whh)])), b: tf.variable(tf.add(bias(bih), bias(bhh))) };
}

const fused = (a, { w, b }, activation = "linear") => tf.fused.matMul({ a, b: w, bias: b, activation });
const apart = (a, { w, b }, activation = "linear") => {
  const z = tf.add(tf.matMul(a, w), b);
  return activation === "sigmoid" ? tf.sigmoid(z) : z;
};

function cell(i, f, g, o, c) {
  const next = tf.add(tf.mul(f, c), tf.mul(i, g));
  return [tf.mul(o, tf.tanh(next)), next];
}

function batchStep(x, h, c, [wi, wf, wg, wo], product) {
  const xh = tf.concat([x, h], 1);
  const [i, f, o] = [wi, wf, wo].map((weights) => product(xh, weights, "sigmoid"));
  return cell(i, f, tf.tanh(product(xh, wg)), o, c);
}

/** With the weights of all gates side by side, in the order i, f, o, g. */
function rowStep(x, h, c, all) {
  const z = fused(tf.concat([x, h], 1), all);
  const H = h.shape[1];
  const [i, f, o] = tf.split(tf.sigmoid(tf.slice(z, [0, 0], [1, 3 * H])), 3, 1);
  return cell(i, f, tf.tanh(tf.slice(z, [0, 3 * H], [1, H])), o, c);
}

export function create({ what, T, B, I, H }, problem) {
  const gates = [0, 1, 2, 3].map((k) => tf.tidy(() => gate(problem, k)));
  const sideBySide = (part, axis) =>
    tf.variable(
      tf.concat(
        [0, 1, 3, 2].map((k) => gates[k][part]),
        axis,
      ),
    );
  const all = { w: sideBySide("w", 1), b: sideBySide("b", 0) };
  const infer = (x, h, c) => (B === 1 ? rowStep(x, h, c, all) : batchStep(x, h, c, gates, fused));
  const train = (x, h, c) => batchStep(x, h, c, gates, apart);
  const x = problem.x.data;
  const frame = (t) => tf.tensor2d(x.subarray(t * B * I, (t + 1) * B * I), [B, I]);
  let output = new Float32Array();
  if (what === "step") {
    let [h, c] = [tf.zeros([B, H]), tf.zeros([B, H])];
    const run = () => {
      const next = tf.tidy(() => infer(frame(0), h, c));
      tf.dispose([h, c]);
      [h, c] = next;
      output = h.dataSync();
    };
    return { run, result: () => output };
  }
  const forward = (step) => {
    let [h, c] = [tf.zeros([B, H]), tf.zeros([B, H])];
    return Array.from({ length: T }, (_, t) => {
      [h, c] = tf.tidy(() => step(frame(t), h, c));
      return h;
    });
  };
  if (what === "forward") {
    const run = () => {
      // Not what tidy answers: it would look for tensors in every element.
      tf.tidy(() => {
        output = tf.concat(forward(infer), 0).dataSync();
      });
    };
    return { run, result: () => output };
  }
  const head = {
    w: tf.variable(tf.tensor(problem["head.weight"].data, [H, 1])),
    b: tf.variable(tf.tensor(problem["head.bias"].data)),
  };
  const target = tf.tensor2d(problem.target.data, [B, 1]);
  const optimizer = tf.train.adam(LEARNING_RATE, 0.9, 0.999, 1e-8);
  const loss = () => tf.mean(tf.squaredDifference(apart(forward(train).at(-1), head), target));
  const run = () => {
    const value = optimizer.minimize(loss, true);
    output = value.dataSync();
    value.dispose();
  };
  return { run, result: () => output };
}
