// The rival as a contender: js-lstm.ts with, in training, the same head, loss and Adam.
import type { BenchCase } from "./cases.ts";
import { backward, createGradients, createTape, forward, type JsLstm } from "./js-lstm.ts";
import { type Contender, LEARNING_RATE, type Problem } from "./problem.ts";

export function createJs({ what, T, B, I, H }: Omit<BenchCase, "name">, problem: Problem): Contender {
  const values = (name: string) => (problem[name] as Problem[string]).data.slice();
  const net: JsLstm = {
    ...{ I, H, wih: values("weight_ih_l0"), whh: values("weight_hh_l0") },
    ...{ bih: values("bias_ih_l0"), bhh: values("bias_hh_l0") },
  };
  const x = values("x");
  const tape = createTape(T, B, H);
  if (what === "forward") return { run: () => forward(net, tape, x, T, B), result: () => tape.h.subarray(B * H) };
  if (what === "step") {
    const run = () => {
      forward(net, tape, x, T, B);
      tape.h.copyWithin(0, H);
      tape.c.copyWithin(0, H);
    };
    return { run, result: () => tape.h.subarray(0, H) };
  }
  const dh = new Float32Array((T + 1) * B * H);
  const dc = new Float32Array(B * H);
  const grads = createGradients(net);
  const head = { weight: values("head.weight"), bias: values("head.bias") };
  const headGrads = { weight: new Float32Array(H), bias: new Float32Array(1) };
  const target = values("target");
  const step = createAdam([
    ...(["wih", "whh", "bih", "bhh"] as const).map((name) => ({ value: net[name], grad: grads[name] })),
    ...(["weight", "bias"] as const).map((name) => ({ value: head[name], grad: headGrads[name] })),
  ]);
  let loss = 0;
  const run = () => {
    for (const grad of [...Object.values(grads), ...Object.values(headGrads), dh, dc]) grad.fill(0);
    forward(net, tape, x, T, B);
    loss = lastStepLoss(head, headGrads, tape.h, dh, target, T * B, H);
    backward(net, tape, grads, dh, dc, x, T, B);
    step();
  };
  return { run, result: () => [loss] };
}

/** Mean squared error of a linear head on the rows of h from `first` on, one for each target; writes dh there, adds to the head's gradients. */
function lastStepLoss(
  { weight, bias }: { weight: Float32Array; bias: Float32Array },
  grads: { weight: Float32Array; bias: Float32Array },
  h: Float32Array,
  dh: Float32Array,
  target: Float32Array,
  first: number,
  H: number,
): number {
  const B = target.length;
  let loss = 0;
  for (let b = 0; b < B; b++) {
    const row = (first + b) * H;
    let y = bias[0] as number;
    for (let u = 0; u < H; u++) y += (weight[u] as number) * (h[row + u] as number);
    const error = y - (target[b] as number);
    const dy = (2 * error) / B;
    loss += (error * error) / B;
    for (let u = 0; u < H; u++) {
      dh[row + u] = dy * (weight[u] as number);
      grads.weight[u] = (grads.weight[u] as number) + dy * (h[row + u] as number);
    }
    grads.bias[0] = (grads.bias[0] as number) + dy;
  }
  return loss;
}

/** Adam (Kingma & Ba 2015) with PyTorch's defaults. */
function createAdam(parameters: readonly { value: Float32Array; grad: Float32Array }[]): () => void {
  const [b1, b2, eps] = [0.9, 0.999, 1e-8];
  const states = parameters.map(({ value, grad }) => ({
    ...{ value, grad, m: new Float32Array(value.length), v: new Float32Array(value.length) },
  }));
  let steps = 0;
  return () => {
    steps++;
    const rate = LEARNING_RATE / (1 - b1 ** steps);
    const scale = 1 / Math.sqrt(1 - b2 ** steps);
    for (const { value, grad, m, v } of states)
      for (let k = 0; k < value.length; k++) {
        const g = grad[k] as number;
        const mk = b1 * (m[k] as number) + (1 - b1) * g;
        const vk = b2 * (v[k] as number) + (1 - b2) * g * g;
        m[k] = mk;
        v[k] = vk;
        value[k] = (value[k] as number) - (rate * mk) / (Math.sqrt(vk) * scale + eps);
      }
  };
}
