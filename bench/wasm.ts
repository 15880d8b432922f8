// The contender that all this is about, through the public API alone.
import { type Core, Linear, LSTM, lastStep, Sequential, type StateDict } from "lstm-wasm";
import { adam, mseLoss, Trainer } from "lstm-wasm/train";
import type { BenchCase } from "./cases.ts";
import { type Contender, LEARNING_RATE, type Problem } from "./problem.ts";

const LSTM_WEIGHTS = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"];

const pick = (problem: Problem, names: readonly string[], rename: (name: string) => string = (name) => name) =>
  Object.fromEntries(names.map((name) => [rename(name), problem[name]])) as StateDict;

/** An LSTM with the weights of a problem. */
export function createLstm(core: Core, { I, H }: Pick<BenchCase, "I" | "H">, problem: Problem): LSTM {
  const lstm = new LSTM(core, { inputSize: I, hiddenSize: H });
  lstm.loadStateDict(pick(problem, LSTM_WEIGHTS));
  return lstm;
}

/**
 * LSTM, last step, linear head to 1, and Adam on the mean squared error; `L` layers. With `oneBias` only b_ih moves, as in
 * libraries that have one bias: with Adam two that are added move twice as far.
 */
export function createTrainer(
  core: Core,
  { I, H, L = 1 }: { I: number; H: number; L?: number },
  oneBias = false,
): Trainer {
  const model = new Sequential([
    new LSTM(core, { inputSize: I, hiddenSize: H, numLayers: L }),
    lastStep(),
    new Linear(core, { inFeatures: H, outFeatures: 1 }),
  ]);
  // A rate of 0 is refused; this one moves no float32.
  const groups = oneBias ? [{ match: /bias_hh/, lr: 1e-30 }] : [];
  return new Trainer(model, { loss: mseLoss(), optimizer: adam({ lr: LEARNING_RATE, groups }) });
}

export function createWasm(
  core: Core,
  bench: Omit<BenchCase, "name">,
  problem: Problem,
  oneBias = false,
): Contender & Disposable {
  const x = problem.x as Problem[string];
  if (bench.what === "training") {
    const trainer = createTrainer(core, bench, oneBias);
    trainer.model.loadStateDict({
      ...pick(problem, LSTM_WEIGHTS, (name) => `0.${name}`),
      ...pick(problem, ["head.weight", "head.bias"], (name) => name.replace("head", "2")),
    });
    const batch = { x, target: problem.target as Problem[string] };
    let loss = 0;
    const run = () => {
      ({ loss } = trainer.step(batch));
    };
    const dispose = () => {
      trainer.dispose();
      trainer.model.dispose();
    };
    return { run, result: () => [loss], [Symbol.dispose]: dispose };
  }
  const lstm = createLstm(core, bench, problem);
  if (bench.what === "step") {
    const stream = lstm.stream();
    let h = new Float32Array();
    const run = () => {
      h = stream.step(x.data) as typeof h;
    };
    const dispose = () => {
      stream.dispose();
      lstm.dispose();
    };
    return { run, result: () => h, [Symbol.dispose]: dispose };
  }
  let output = new Float32Array();
  const run = () => {
    output = lstm.forward(x, { view: true }).output.data as typeof output;
  };
  return { run, result: () => output, [Symbol.dispose]: () => lstm.dispose() };
}
