// Which steps of which sequence a recurrent layer takes, as bytes [T,B]: from lengths, or from a mask with gaps.
import { checkMask, checkTensor, type Mask, show } from "../check.ts";
import { ArgumentRangeError, ArgumentTypeError } from "../errors.ts";
import type { Shape, Tensor } from "../tensor.ts";

/** How the steps of x lie in memory. */
export interface Steps {
  readonly T: number;
  readonly B: number;
  /** Whether the batch comes before the steps. */
  readonly batchFirst: boolean;
}

/** From the number of valid steps of each sequence. */
export function stepsOfLengths(lengths: readonly number[], { T, B }: Steps): Uint8Array {
  if (!Array.isArray(lengths))
    throw new ArgumentTypeError(`lengths: expected an array of ${B} numbers, got ${show(lengths)}`);
  if (lengths.length !== B) throw new ArgumentRangeError(`lengths: expected ${B} numbers, got ${lengths.length}`);
  lengths.forEach((length, b) => {
    if (!Number.isInteger(length) || length < 0 || length > T)
      throw new ArgumentRangeError(`lengths[${b}]: expected a whole number from 0 to ${T}, got ${show(length)}`);
  });
  return Uint8Array.from({ length: T * B }, (_, row) => (Math.floor(row / B) < (lengths[row % B] as number) ? 1 : 0));
}

/** From a mask of the shape of x without its last axis. */
export function stepsOfMask(mask: Mask, x: Tensor, { T, B, batchFirst }: Steps): Uint8Array {
  const bytes = checkMask(mask, x.shape.slice(0, -1));
  if (!batchFirst) return bytes;
  return Uint8Array.from({ length: T * B }, (_, row) => bytes[(row % B) * T + Math.floor(row / B)] as number);
}

/** Throws unless x is finite at every step that is taken. */
export function checkTakenSteps(taken: Uint8Array, x: Tensor, { T, B, batchFirst }: Steps): void {
  const I = x.shape.at(-1) as number;
  taken.forEach((yes, row) => {
    const [t, b] = [Math.floor(row / B), row % B];
    const from = (batchFirst ? b * T + t : row) * I;
    const bad = yes ? x.data.subarray(from, from + I).find((value) => !Number.isFinite(value)) : undefined;
    if (bad !== undefined)
      throw new ArgumentRangeError(`x: expected finite values, got ${bad} at step ${t} of sequence ${b}`);
  });
}

/** States [n,B,width] with zeros for some sequences of the batch. */
export function clearRows(states: Tensor, sequences: readonly number[]): Tensor {
  if (sequences.length === 0) return states;
  const data = states.data.slice();
  const width = states.shape.at(-1) as number;
  const B = states.shape.length === 2 ? 1 : (states.shape[1] as number);
  for (const b of sequences)
    for (let k = 0; k < (states.shape[0] as number); k++) data.fill(0, (k * B + b) * width, (k * B + b + 1) * width);
  return { data, shape: states.shape };
}

/** Which steps lie within the lengths, in the layout of x: [T,B,…], or with the batch first [B,T,…]. */
export function validSteps(x: Shape, lengths: readonly number[], batchFirst: boolean): Mask {
  const [a, b] = x as [number, number];
  const [T, B] = batchFirst ? [b, a] : [a, b];
  const steps = stepsOfLengths(lengths, { T, B, batchFirst });
  if (!batchFirst) return { data: steps, shape: [T, B] };
  return { data: steps.map((_, k) => steps[(k % T) * B + Math.floor(k / T)] as number), shape: [B, T] };
}

/**
 * x with zeros at the steps that are not valid: what stands behind a sequence's end must not reach layers that look at more than
 * one step. Throws where another value is not finite.
 */
export function withoutPadding(x: Tensor, valid: Mask): Tensor {
  const width = x.data.length / valid.data.length;
  const padded = { data: x.data.map((value, k) => (valid.data[Math.floor(k / width)] ? value : 0)), shape: x.shape };
  checkTensor("x", padded, ["..."]);
  return padded;
}
