import { type Core, GRU, Linear, LSTM, RNN, Sequential, type Tensor } from "lstm-wasm";
import { adam, adamW, mseLoss, type OptimizerFactory, rmsprop, sgd, Trainer } from "lstm-wasm/train";
import { float32, readTensors, type TrainingCase } from "./cases.ts";
import { compare, type Difference, largest } from "./compare.ts";

const OPTIMIZERS = { Adam: adam, AdamW: adamW, SGD: sgd, RMSprop: rmsprop };
/** PyTorch's arguments that change nothing where they are off. */
const OFF = "amsgrad maximize foreach capturable differentiable fused".split(" ");

/** The optimiser of a case: PyTorch's arguments in camelCase. */
function createOptimizer({ optimizer, optimizer_args: args }: TrainingCase): OptimizerFactory {
  if (!Object.hasOwn(OPTIMIZERS, optimizer))
    throw new Error(`optimizer: expected one of ${Object.keys(OPTIMIZERS).join(", ")}, got ${optimizer}`);
  const camel = (name: string) => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  const given = Object.entries(args).filter(([name, value]) => value != null && !(OFF.includes(name) && !value));
  return OPTIMIZERS[optimizer](Object.fromEntries(given.map(([name, value]) => [camel(name), value])));
}

const LAYERS = { lstm: LSTM, gru: GRU, rnn: RNN };

/** The model of a case, from the names and shapes of its parameters: a recurrent layer, and a Linear on every step. */
function createModel(core: Core, { parameters }: TrainingCase, tensors: ReturnType<typeof readTensors>): Sequential {
  const [first = "", second = ""] = new Set(parameters.map((name) => name.split(".")[0] as string));
  const Kind = LAYERS[first as keyof typeof LAYERS];
  const shape = (name: string) => (tensors[`init.${name}`]?.shape ?? []) as [number, number];
  const has = (name: string) => parameters.includes(name);
  if (!Kind || !has(`${second}.weight`))
    throw new Error(`parameters: expected those of an lstm, gru or rnn and of a Linear, got ${parameters.join(", ")}`);
  const recurrent = `${first}.weight_hh_l`;
  const [GH, R] = shape(`${recurrent}0`);
  const hiddenSize = Kind === LSTM ? GH / 4 : R;
  const [outFeatures, inFeatures] = shape(`${second}.weight`);
  const options = {
    inputSize: shape(`${first}.weight_ih_l0`)[1],
    hiddenSize,
    numLayers: parameters.filter((name) => name.startsWith(recurrent) && !name.endsWith("_reverse")).length,
    bidirectional: has(`${recurrent}0_reverse`),
    bias: has(`${first}.bias_ih_l0`),
    ...(R < hiddenSize && { projSize: R }),
  };
  return new Sequential([
    new Kind(core, options),
    new Linear(core, { inFeatures, outFeatures, bias: has(`${second}.bias`) }),
  ]);
}

/** Trains as the case did, through Trainer and Sequential, and compares losses, norms and parameters. */
export function runTraining(core: Core, c: TrainingCase, folder: URL): Difference[] {
  const tensors = readTensors(new URL(c.file, folder));
  const values = (name: string) => tensors[name]?.data ?? [];
  using model = createModel(core, c, tensors);
  /** The goldens name the layers, a Sequential numbers them. */
  const ours = (name: string) => name.replace(/^\w+/, (layer) => (layer in LAYERS ? "0" : "1"));
  model.loadStateDict(Object.fromEntries(c.parameters.map((name) => [ours(name), float32(tensors, `init.${name}`)])));
  using trainer = new Trainer(model, {
    ...{ loss: mseLoss(), optimizer: createOptimizer(c) },
    ...(c.clip_grad_norm != null && { clipNorm: c.clip_grad_norm }),
  });
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
    // Norms have no tolerance of their own; they reach a few times what the losses reach, and are off by a share of their size.
    compare("grad_norms", norms, values("grad_norms"), 10 * c.atol.losses * Math.max(1, largest(values("grad_norms")))),
    ...after1,
    ...compareParameters("final"),
    ...(tensors.final_loss
      ? [compare("final_loss", [trainer.evaluate([batch])], values("final_loss"), c.atol.losses)]
      : []),
  ];
}
