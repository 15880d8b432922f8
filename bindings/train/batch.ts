// Batches of training data: what they are, parts of them along time, and how samples become batches.
import { checkFlag, checkInteger, checkOptions, checkTensor, type Mask, show } from "../check.ts";
import { ArgumentRangeError, ArgumentTypeError } from "../errors.ts";
import { type Shape, sizeOf, type Tensor } from "../tensor.ts";

/** Inputs, and what the model should answer to them. */
export interface Batch {
  readonly x: Tensor;
  /** Shaped as the model's output; for classes, as it without its last axis. */
  readonly target: Tensor;
  /** Valid steps of each sequence; behind them x and target do not matter. */
  readonly lengths?: readonly number[] | undefined;
  /** Positions [...] of the output [...,N] that count; by default those within the lengths. */
  readonly mask?: Mask | undefined;
}

/** Batches of one epoch: anything that can be gone through again, or a function of the epoch (from 0). */
export type Batches =
  | Iterable<Batch>
  | AsyncIterable<Batch>
  | ((epoch: number) => Iterable<Batch> | AsyncIterable<Batch>);

/** The batches of an epoch. */
export type Source = (epoch: number) => Iterable<Batch> | AsyncIterable<Batch>;

/** Batches as a function of the epoch, which throws where there is nothing to go through. */
export function sourceOf(name: string, batches: Batches): Source {
  const check = (value: unknown, expected: string) => {
    const { [Symbol.iterator]: now, [Symbol.asyncIterator]: later } = Object(value);
    if (typeof now !== "function" && typeof later !== "function")
      throw new ArgumentTypeError(`${name}: expected ${expected}, got ${show(value)}`);
    return value as ReturnType<Source>;
  };
  const expected = "batches to go through";
  if (typeof batches === "function") return (epoch) => check(batches(epoch), expected);
  check(batches, `${expected}, or a function of the epoch`);
  return () => batches;
}

/** One sequence, and what the model should answer to it. */
export interface Sample {
  /** [T,I], or [T] of indices for an Embedding. */
  readonly x: Tensor;
  /** Of the whole sequence: [N], or [] for a class. Of every step: [T,N], or [T] for classes. */
  readonly target: Tensor;
}

export interface DataLoaderOptions {
  /** Samples a batch. Default 32. */
  readonly batchSize?: number;
  /** Go through the samples in another order every epoch. Default true. */
  readonly shuffle?: boolean;
  /** Seed of the orders. Default 0. */
  readonly seed?: number;
  /** Leave out a last batch of fewer samples. Default false. */
  readonly dropLast?: boolean;
  /** Whether targets are of every step. Default false. */
  readonly stepTargets?: boolean;
}

/**
 * Batches [T,B,…] from samples of any lengths: shorter ones are filled up with zeros, and their lengths given. The order of
 * an epoch depends on the seed and the epoch's number alone.
 */
export function dataLoader(
  samples: readonly Sample[],
  options: DataLoaderOptions = {},
): (epoch: number) => Iterable<Batch> {
  const known = ["batchSize", "shuffle", "seed", "dropLast", "stepTargets"];
  checkOptions("dataLoader options", options, known);
  const { batchSize = 32, shuffle = true, seed = 0, dropLast = false, stepTargets = false } = options;
  checkInteger("batchSize", batchSize);
  checkInteger("seed", seed, 0);
  for (const [name, flag] of Object.entries({ shuffle, dropLast, stepTargets })) checkFlag(name, flag);
  if (!Array.isArray(samples)) throw new ArgumentTypeError(`samples: expected an array, got ${show(samples)}`);
  const count = dropLast ? Math.floor(samples.length / batchSize) : Math.ceil(samples.length / batchSize);
  if (count === 0)
    throw new ArgumentRangeError(`samples: expected enough for a batch of ${batchSize}, got ${samples.length}`);
  const shapeOf = (tensor?: Tensor): Shape => (Array.isArray(tensor?.shape) ? tensor.shape : []);
  const first = { x: shapeOf(samples[0]?.x), target: shapeOf(samples[0]?.target) };
  samples.forEach((sample: Sample | null, k) => {
    if (typeof sample !== "object" || sample === null)
      throw new ArgumentTypeError(`samples[${k}]: expected { x, target }, got ${show(sample)}`);
    const { shape } = checkTensor(`samples[${k}].x`, sample.x, ["T", ...first.x.slice(1)]);
    const target = stepTargets ? [shape[0] as number, ...first.target.slice(1)] : first.target;
    checkTensor(`samples[${k}].target`, sample.target, target);
  });
  return function* batches(epoch: number) {
    const order = shuffle ? shuffled(samples.length, seed, epoch) : samples.map((_, k) => k);
    for (let k = 0; k < count; k++)
      yield collate(
        order.slice(k * batchSize, (k + 1) * batchSize).map((at) => samples[at] as Sample),
        stepTargets,
      );
  };
}

/** Whole numbers below n in an order of their own for each seed and epoch (Fisher and Yates; mulberry32). */
export function shuffled(n: number, seed: number, epoch: number): number[] {
  const order = Array.from({ length: n }, (_, k) => k);
  let state = (Math.imul(seed, 0x9e3779b1) + Math.imul(epoch + 1, 0x85ebca6b)) >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  for (let k = n - 1; k > 0; k--) {
    const j = Math.floor(random() * (k + 1));
    [order[k], order[j]] = [order[j] as number, order[k] as number];
  }
  return order;
}

function collate(samples: readonly Sample[], stepTargets: boolean): Batch {
  const lengths = samples.map(({ x }) => x.shape[0] as number);
  const T = Math.max(...lengths);
  const targets = samples.map(({ target }) => target);
  return {
    x: stackSteps(
      samples.map(({ x }) => x),
      T,
    ),
    target: stepTargets ? stackSteps(targets, T) : stack(targets),
    ...(lengths.some((length) => length < T) && { lengths }),
  };
}

/** [B,…] from tensors [...] of one shape. */
function stack(tensors: readonly Tensor[]): Tensor {
  const [{ shape }] = tensors as readonly [Tensor];
  const n = sizeOf(shape);
  const data = new Float32Array(tensors.length * n);
  tensors.forEach((tensor, b) => {
    data.set(tensor.data, b * n);
  });
  return { data, shape: [tensors.length, ...shape] };
}

/** [T,B,…] from tensors [t,…] with t up to T; zeros behind their ends. */
function stackSteps(tensors: readonly Tensor[], T: number): Tensor {
  const [{ shape }] = tensors as readonly [Tensor];
  const [rest, B] = [shape.slice(1), tensors.length];
  const n = sizeOf(rest);
  const data = new Float32Array(T * B * n);
  tensors.forEach((tensor, b) => {
    for (let t = 0; t < (tensor.shape[0] as number); t++)
      data.set(tensor.data.subarray(t * n, (t + 1) * n), (t * B + b) * n);
  });
  return { data, shape: [T, B, ...rest] };
}

/** Indices `from` up to `to` of an axis. */
export function sliceAxis<Data extends Float32Array | Uint8Array>(
  { data, shape }: { readonly data: Data; readonly shape: Shape },
  axis: number,
  from: number,
  to: number,
): { readonly data: Data; readonly shape: Shape } {
  const size = shape[axis] as number;
  const inner = sizeOf(shape.slice(axis + 1));
  const outer = sizeOf(shape.slice(0, axis));
  const part = (to - from) * inner;
  const taken = data.slice(0, outer * part) as Data;
  for (let k = 0; k < outer; k++) {
    const start = (k * size + from) * inner;
    taken.set(data.subarray(start, start + part), k * part);
  }
  return { data: taken, shape: [...shape.slice(0, axis), to - from, ...shape.slice(axis + 1)] };
}

/** FNV-1a over a batch, to tell whether data is what it was. */
export function checksum({ x, target, lengths = [], mask }: Batch): number {
  let hash = 0x811c9dc5;
  const add = (words: ArrayLike<number>) => {
    for (let k = 0; k < words.length; k++) hash = Math.imul(hash ^ (words[k] as number), 0x01000193);
  };
  for (const { data, shape } of [x, target]) {
    add(shape);
    add(new Uint32Array(data.buffer, data.byteOffset, data.length));
  }
  add(lengths);
  if (mask) add(mask.data);
  return hash >>> 0;
}
