// jax-js on its wasm backend. Each operation takes over its arguments; `.ref` keeps one for later. The cell is compiled once
// and called at every step, which is quicker here than compiling all steps as one function.

import { readFileSync } from "node:fs";
import { defaultDevice, init, jit, nn, numpy as np, valueAndGrad } from "@jax-js/jax";
import { LEARNING_RATE } from "../problem.ts";

await init("wasm");
defaultDevice("wasm");

const { version: number } = JSON.parse(
  readFileSync(new URL("node_modules/@jax-js/jax/package.json", import.meta.url), "utf8"),
);
export const version = () => `jax-js ${number}, wasm backend`;

const array = ({ data, shape }) => np.array(data).reshape([...shape]);

/** z [B,4H] with the input's part of the gates, h and c to the next h and c. */
const cell = jit((z, whh, h, c) => {
  const [i, f, g, o] = np.split(z.add(np.matmul(h, whh)), 4, 1);
  const next = nn
    .sigmoid(f)
    .mul(c)
    .add(nn.sigmoid(i).mul(np.tanh(g)));
  return [nn.sigmoid(o).mul(np.tanh(next.ref)), next];
});

const input = jit((x, wih, bias) => np.matmul(x, wih).add(bias));

/** The states h of all steps: x [T,B,I]. */
function unroll(x, [wih, whh, bih, bhh], { T, B, H }) {
  const z = input(x, wih, bih.add(bhh));
  let [h, c] = [np.zeros([B, H]), np.zeros([B, H])];
  const outputs = np.split(z, T, 0).map((zt) => {
    [h, c] = cell(zt.reshape([B, 4 * H]), whh.ref, h, c);
    return h.ref;
  });
  for (const used of [whh, h, c]) used.dispose();
  return outputs;
}

export function create(bench, problem) {
  const { what, I, H } = bench;
  const weights = () => [
    ...[np.transpose(array(problem.weight_ih_l0)), np.transpose(array(problem.weight_hh_l0))],
    ...[array(problem.bias_ih_l0), array(problem.bias_hh_l0)],
  ];
  let output = new Float32Array();
  if (what === "step") {
    const [wih, whh, bih, bhh] = weights();
    const bias = bih.add(bhh);
    const step = jit((x, wih, whh, bias, h, c) => cell(input(x, wih, bias), whh, h, c));
    let [h, c] = [np.zeros([1, H]), np.zeros([1, H])];
    const run = () => {
      [h, c] = step(np.array(problem.x.data).reshape([1, I]), wih.ref, whh.ref, bias.ref, h, c);
      output = h.ref.dataSync();
    };
    return { run, result: () => output };
  }
  const x = array(problem.x);
  if (what === "forward") {
    const parameters = weights();
    const outputs = jit((x, parameters) => np.concatenate(unroll(x, parameters, bench), 0));
    const run = () => {
      output = outputs(
        x.ref,
        parameters.map((w) => w.ref),
      ).dataSync();
    };
    return { run, result: () => output };
  }
  const target = array(problem.target);
  let parameters = [...weights(), np.transpose(array(problem["head.weight"])), array(problem["head.bias"])];
  const loss = (parameters, x, target) => {
    const [weight, bias] = parameters.slice(4);
    const outputs = unroll(x, parameters.slice(0, 4), bench);
    const last = outputs.pop();
    for (const unused of outputs) unused.dispose();
    return np.mean(np.square(np.matmul(last, weight).add(bias).sub(target)));
  };
  const update = jit(valueAndGrad(loss));
  const adam = jit((p, g, m, v, rate, scale) => {
    const nextM = m.mul(0.9).add(g.ref.mul(0.1));
    const nextV = v.mul(0.999).add(np.square(g).mul(0.001));
    const next = p.sub(nextM.ref.mul(rate).div(np.sqrt(nextV.ref).mul(scale).add(1e-8)));
    return [next, nextM, nextV];
  });
  const zeros = () => parameters.map(({ shape }) => np.zeros(shape));
  let [m, v, steps] = [zeros(), zeros(), 0];
  const run = () => {
    steps++;
    const [value, grads] = update(
      parameters.map((p) => p.ref),
      x.ref,
      target.ref,
    );
    const rate = LEARNING_RATE / (1 - 0.9 ** steps);
    const scale = 1 / Math.sqrt(1 - 0.999 ** steps);
    const updated = parameters.map((p, k) => adam(p, grads[k], m[k], v[k], np.array(rate), np.array(scale)));
    [parameters, m, v] = [0, 1, 2].map((part) => updated.map((parts) => parts[part]));
    output = value.dataSync();
    // Everything is computed when it is asked for: ask for the parameters, too.
    for (const p of parameters) p.ref.dataSync();
  };
  return { run, result: () => output };
}
