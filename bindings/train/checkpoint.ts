// The file that training goes on from: one safetensors file with every tensor, and everything else as JSON in its metadata.
import { checkTensor, show } from "../check.ts";
import { FormatError } from "../errors.ts";
import { decodeSafetensors, encodeSafetensors } from "../io/safetensors.ts";
import { checkStateDict, type Parameter, type StateDict } from "../parameters.ts";
import type { Tensor } from "../tensor.ts";
import type { ModelStates, StateShapes } from "./passes.ts";

const FORMAT = "lstm-wasm checkpoint 1";

/** Where in the data training is. */
export interface Progress {
  readonly epoch: number;
  /** Batch of the epoch to go on with. */
  readonly batch: number;
  /** Window of this batch to go on with, in truncated back-propagation. */
  readonly window: number;
  /** Updates of the epoch, and the sum of their losses. */
  readonly step: number;
  readonly total: number;
  /** Whether the epoch has no more updates, only its end. */
  readonly over: boolean;
  /** The last batch trained on. */
  readonly last: { readonly epoch: number; readonly batch: number; readonly checksum: number } | null;
}

/** What kind of optimiser and schedule. */
interface Names {
  readonly optimizer: string;
  readonly schedule: string;
}

/** Everything that training depends on. */
export interface Checkpoint {
  readonly model: StateDict;
  readonly optimizer: StateDict;
  readonly names: Names;
  /** Updates of the optimiser, and the learning rates of its groups. */
  readonly steps: number;
  readonly rates: readonly number[];
  /** What the schedule remembers. */
  readonly memory: readonly number[];
  /** Lowest loss of an epoch, and the weights then, if they are kept. */
  readonly best: { readonly loss: number; readonly epoch: number; readonly weights: StateDict | null } | null;
  readonly states: ModelStates;
  readonly draws: readonly number[];
  readonly progress: Progress;
}

/** What a checkpoint must fit. */
export interface Wanted {
  readonly parameters: readonly Parameter[];
  readonly optimizer: StateDict;
  readonly names: Names;
  /** Numbers of groups, of what the schedule remembers, and of all layers. */
  readonly groups: number;
  readonly memory: number;
  readonly draws: number;
  /** Of each recurrent layer. */
  readonly states: readonly StateShapes[];
}

const prefixed = (prefix: string, dict: object): StateDict =>
  Object.fromEntries(Object.entries(dict).map(([name, tensor]) => [`${prefix}.${name}`, tensor as Tensor]));

export function encodeCheckpoint(
  { model, optimizer, best, states, ...rest }: Checkpoint,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const tensors: StateDict = {
    ...prefixed("model", model),
    ...prefixed("optimizer", optimizer),
    ...prefixed("best", best?.weights ?? {}),
  };
  states.forEach((carried, k) => {
    Object.assign(tensors, prefixed(`states.${k}`, carried ?? {}));
  });
  const training = { ...rest, best: best && { loss: best.loss, epoch: best.epoch } };
  return encodeSafetensors(tensors, { ...metadata, format: FORMAT, training: JSON.stringify(training) });
}

/** Reads and checks a checkpoint against what it is to be loaded into. */
export function decodeCheckpoint(bytes: Uint8Array, wanted: Wanted): Checkpoint {
  const { tensors, metadata } = decodeSafetensors(bytes);
  if (metadata.format !== FORMAT)
    throw new FormatError(`checkpoint: expected format ${show(FORMAT)}, got ${show(metadata.format)}`);
  const parts: Record<string, StateDict> = { model: {}, optimizer: {}, best: {} };
  for (const [name, { data, shape, dtype }] of Object.entries(tensors)) {
    const [, part, rest] = /^(model|optimizer|best|states\.\d+)\.(.+)$/.exec(name) ?? [];
    if (part === undefined || rest === undefined || !(data instanceof Float32Array))
      throw new FormatError(`checkpoint: expected tensors of a model in F32, got ${show(name)} in ${dtype}`);
    parts[part] = { ...parts[part], [rest]: { data, shape } };
  }
  const { model = {}, optimizer = {}, best = {} } = parts;
  const training = parseTraining(metadata.training, wanted);
  const keepsBest = Object.keys(best).length > 0;
  const carried = wanted.states.map((_, k) => parts[`states.${k}`] ?? null);
  try {
    checkStateDict("model", wanted.parameters, model);
    const moments = Object.entries(wanted.optimizer).map(([name, { shape }]) => ({ name, shape }));
    checkStateDict("optimizer", moments, optimizer);
    if (keepsBest) checkStateDict("best weights", wanted.parameters, best);
    carried.forEach((states, k) => {
      if (states)
        for (const [name, shape] of Object.entries({ ...wanted.states[k] }))
          checkTensor(`states.${k}.${name}`, states[name], shape);
    });
  } catch (error) {
    throw new FormatError(`checkpoint: ${(error as Error).message}`);
  }
  return {
    ...{ ...training, model, optimizer, states: carried as ModelStates },
    best: training.best && { ...training.best, weights: keepsBest ? best : null },
  };
}

type Training = Omit<Checkpoint, "model" | "optimizer" | "states" | "best"> & {
  readonly best: { readonly loss: number; readonly epoch: number } | null;
};

/** The metadata of a checkpoint, field by field. */
function parseTraining(text: string | undefined, wanted: Wanted): Training {
  let training: Partial<Training> | null = null;
  try {
    training = JSON.parse(text ?? "null");
  } catch {
    // Said below.
  }
  const { names, steps, rates, memory, best, draws, progress } = training ?? {};
  const isNumber = (x: unknown): x is number => typeof x === "number" && Number.isFinite(x);
  const isCount = (x: unknown): x is number => Number.isSafeInteger(x) && (x as number) >= 0;
  const isList = (x: unknown, n: number, is: (x: unknown) => boolean) =>
    Array.isArray(x) && x.length === n && x.every(is);
  const expect = (what: string, expected: string, value: unknown, holds: boolean) => {
    if (!holds)
      throw new FormatError(
        `checkpoint: expected ${what} to be ${expected}, got ${JSON.stringify(value ?? null).slice(0, 60)}`,
      );
  };
  for (const [kind, name] of Object.entries(wanted.names)) {
    const got = names?.[kind as keyof Names];
    if (got !== name) throw new FormatError(`checkpoint: expected ${kind} ${name}, got ${got}`);
  }
  expect("steps", "a whole number", steps, isCount(steps));
  expect("learning rates", `${wanted.groups} numbers`, rates, isList(rates, wanted.groups, isNumber));
  expect("the schedule's memory", `${wanted.memory} numbers`, memory, isList(memory, wanted.memory, isNumber));
  expect("draws", `${wanted.draws} whole numbers`, draws, isList(draws, wanted.draws, isCount));
  expect("best", "a loss and an epoch", best, best === null || (isNumber(best?.loss) && isCount(best?.epoch)));
  const { last, total, epoch, batch, window, step, over }: Partial<Progress> = progress ?? {};
  const isPlace = [epoch, batch, window, step].every(isCount) && isNumber(total) && typeof over === "boolean";
  const isLast = last === null || [last?.epoch, last?.batch, last?.checksum].every(isCount);
  expect("progress", "a place in the data", progress, isPlace && isLast);
  return training as Training;
}
