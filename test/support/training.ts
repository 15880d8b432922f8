import {
  adam,
  adamW,
  type Core,
  Linear,
  LSTM,
  mseLoss,
  type OptimizerFactory,
  rmsprop,
  Sequential,
  sgd,
  type Tensor,
  Trainer,
} from "lstm-wasm";
import { float32, readTensors, type TrainingCase } from "./cases.ts";
import { compare, type Difference } from "./compare.ts";

/** The optimiser of a case: PyTorch's arguments in camelCase. */
function createOptimizer({ optimizer, optimizer_args: args }: TrainingCase): OptimizerFactory {
  const camel = (name: string) => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  const options = Object.fromEntries(Object.entries(args).map(([name, value]) => [camel(name), value]));
  return { Adam: adam, AdamW: adamW, SGD: sgd, RMSprop: rmsprop }[optimizer](options);
}

/** Trains as the case did, through Trainer and Sequential, and compares losses, norms and parameters. */
export function runTraining(core: Core, c: TrainingCase, folder: URL): Difference[] {
  const tensors = readTensors(new URL(c.file, folder));
  const values = (name: string) => tensors[name]?.data as Float64Array;
  /** The goldens call the layers lstm and fc; a Sequential numbers them. */
  const ours = (name: string) => name.replace("lstm.", "0.").replace("fc.", "1.");
  const { input_size: inputSize, hidden_size: hiddenSize, output_size: outFeatures } = c;
  using model = new Sequential([
    new LSTM(core, { inputSize, hiddenSize }),
    new Linear(core, { inFeatures: hiddenSize, outFeatures }),
  ]);
  model.loadStateDict(Object.fromEntries(c.parameters.map((name) => [ours(name), float32(tensors, `init.${name}`)])));
  using trainer = new Trainer(model, { loss: mseLoss(), optimizer: createOptimizer(c), clipNorm: c.clip_grad_norm });
  const batch = { x: float32(tensors, "x"), target: float32(tensors, "target") };
  const losses: number[] = [];
  const norms: number[] = [];
  const compareParameters = (when: "after1" | "final") => {
    const got = model.stateDict();
    return c.parameters.map((name) =>
      compare(`${when}.${name}`, (got[ours(name)] as Tensor).data, values(`${when}.${name}`), c.atol[when]),
    );
  };
  let after1: Difference[] = [];
  for (let step = 0; step < c.steps; step++) {
    const { loss, gradNorm } = trainer.step(batch);
    losses.push(loss);
    norms.push(gradNorm);
    if (step === 0) after1 = compareParameters("after1");
  }
  return [
    compare("losses", losses, values("losses"), c.atol.losses),
    // Norms have no tolerance of their own; they reach a few times what the losses reach.
    compare("grad_norms", norms, values("grad_norms"), 10 * c.atol.losses),
    ...after1,
    ...compareParameters("final"),
    compare("final_loss", [trainer.evaluate([batch])], values("final_loss"), c.atol.losses),
  ];
}
