// Training runs of every kind that a checkpoint has to hold, for tests that stop and resume them.
import { type Core, Linear, LSTM, lastStep, Sequential, SLSTM } from "lstm-wasm";
import {
  adam,
  type Batch,
  dataLoader,
  type FitOptions,
  mseLoss,
  reduceLROnPlateau,
  rmsprop,
  sgd,
  Trainer,
  type TrainerOptions,
  warmup,
} from "lstm-wasm/train";
import { createRandom, randomTensor } from "./random.ts";

/** What is trained, how, and on what. */
interface Run {
  readonly options: Partial<TrainerOptions>;
  /** The recurrent layer; an LSTM by default. */
  readonly cell?: typeof SLSTM;
  readonly layer?: object;
  readonly fit: FitOptions;
  readonly batches: readonly Batch[] | ((epoch: number) => Iterable<Batch>);
  /** The model answers at every step, instead of the last one. */
  readonly each?: boolean;
}

const long = (T: number, seed: number): Batch => {
  const random = createRandom(seed);
  return { x: randomTensor(random, [T, 2, 3]), target: randomTensor(random, [T, 2, 1]) };
};

const samples = Array.from({ length: 13 }, (_, k) => {
  const random = createRandom(k);
  return { x: randomTensor(random, [3 + (k % 4), 3]), target: randomTensor(random, [1]) };
});
const validation = [...dataLoader(samples.slice(0, 5), { batchSize: 5 })(0)];
const noise = {
  numLayers: 2,
  dropout: 0.3,
  zoneout: 0.2,
  recurrentDropout: 0.2,
  weightDropout: 0.1,
  inputDropout: 0.1,
};

export const RUNS: Readonly<Record<string, Run>> = {
  "adam, shuffled, dropout of every kind": {
    options: { optimizer: adam({ lr: 0.02 }), clipNorm: 0.5 },
    layer: noise,
    fit: { epochs: 4 },
    batches: dataLoader(samples, { batchSize: 4, seed: 5 }),
  },
  "sgd with momentum, accumulated, validated": {
    options: { optimizer: sgd({ lr: 0.5, momentum: 0.9 }), accumulate: 3, clipValue: 0.1 },
    fit: { epochs: 6, validation, patience: 2 },
    batches: dataLoader(samples, { batchSize: 2, seed: 6 }),
  },
  "rmsprop, centered, groups, a schedule with a memory": {
    options: {
      optimizer: rmsprop({
        lr: 0.02,
        centered: true,
        momentum: 0.5,
        groups: [{ match: /bias/, lr: 0.001, momentum: 0 }],
      }),
      schedule: warmup({ totalIters: 5 }, reduceLROnPlateau({ patience: 0, threshold: 0.2, factor: 0.5 })),
    },
    fit: { epochs: 5, validation },
    batches: dataLoader(samples, { batchSize: 6, seed: 7 }),
  },
  "truncated, with states carried on": {
    options: { optimizer: adam({ lr: 0.02 }), tbptt: { k1: 3, k2: 7 }, clipStep: 0.05 },
    layer: { numLayers: 2, dropout: 0.2 },
    fit: { epochs: 2 },
    batches: [long(20, 1), long(11, 2)],
    each: true,
  },
  "truncated, an sLSTM": {
    options: { optimizer: adam({ lr: 0.02 }), tbptt: { k1: 3, k2: 7 } },
    cell: SLSTM,
    layer: { numLayers: 2, dropout: 0.2 },
    fit: { epochs: 2 },
    batches: [long(20, 1), long(11, 2)],
    each: true,
  },
  checkpointed: {
    options: { optimizer: adam({ lr: 0.02 }), checkpointing: true },
    layer: { numLayers: 2, dropout: 0.2, zoneout: 0.1 },
    fit: { epochs: 3 },
    batches: [long(20, 1), long(11, 2)],
    each: true,
  },
};

/** A fresh model and trainer of a run. */
export function createRun(core: Core, name: string): { run: Run; model: Sequential; trainer: Trainer } {
  const run = RUNS[name] as Run;
  const lstm = new (run.cell ?? LSTM)(core, { inputSize: 3, hiddenSize: 6, seed: 4, ...run.layer });
  const linear = new Linear(core, { inFeatures: 6, outFeatures: 1, seed: 5 });
  const model = new Sequential(run.each ? [lstm, linear] : [lstm, lastStep(), linear]);
  const trainer = new Trainer(model, { loss: mseLoss(), optimizer: adam(), ...run.options });
  return { run, model, trainer };
}
