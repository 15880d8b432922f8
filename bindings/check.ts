// The checks that arguments share, made before anything is copied, so that a rejected call changes nothing.
import { ArgumentRangeError, ArgumentTypeError } from "./errors.ts";
import { type Shape, sizeOf, type Tensor } from "./tensor.ts";

/** Short text for a value in a message. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number" || typeof value === "boolean" || value == null) return String(value);
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return value.length <= 8 ? `[${value.map(show)}]` : `an array of ${value.length}`;
  const name = value.constructor?.name ?? "object";
  // As it is said: an LSTM, an RNN.
  return `${/^[AEIO]|^[LRS][A-Z]/.test(name) ? "an" : "a"} ${name}`;
}

const fits = (shape: Shape, want: readonly (number | string)[]): boolean =>
  want[0] === "..." ||
  (shape.length === want.length && want.every((size, k) => typeof size === "string" || size === shape[k]));

/** A whole number from `least` to 2^31 − 1. */
export function checkInteger(name: string, value: unknown, least = 1): number {
  if (typeof value !== "number") throw new ArgumentTypeError(`${name}: expected a whole number, got ${show(value)}`);
  if (value > 0x7fffffff)
    throw new ArgumentRangeError(`${name}: expected a whole number up to ${0x7fffffff}, got ${value}`);
  if (!Number.isInteger(value) || value < least)
    throw new ArgumentRangeError(`${name}: expected a whole number of at least ${least}, got ${value}`);
  return value;
}

/** A finite number for which `rule` (stated in `expected`) holds. */
export function checkNumber(
  name: string,
  value: unknown,
  expected = "a number",
  rule: (x: number) => boolean = () => true,
): number {
  if (typeof value !== "number") throw new ArgumentTypeError(`${name}: expected ${expected}, got ${show(value)}`);
  if (!Number.isFinite(value) || !rule(value))
    throw new ArgumentRangeError(`${name}: expected ${expected}, got ${value}`);
  return value;
}

/** A finite number above 0. */
export const checkPositive = (name: string, value: unknown): number =>
  checkNumber(name, value, "a number above 0", (x) => x > 0);

/** A finite number of at least 0. */
export const checkNonNegative = (name: string, value: unknown): number =>
  checkNumber(name, value, "a number of at least 0", (x) => x >= 0);

/** A number from 0 to below 1. */
export const checkShare = (name: string, value: unknown): number =>
  checkNumber(name, value, "a number in [0, 1)", (x) => x >= 0 && x < 1);

/** A Float32Array of `size` values, finite ones unless told otherwise. */
export function checkValues(
  name: string,
  value: unknown,
  size: number,
  shape: Shape = [size],
  finite = true,
): Float32Array {
  if (!(value instanceof Float32Array))
    throw new ArgumentTypeError(`${name}: expected a Float32Array, got ${show(value)}`);
  if (value.length !== size) {
    const got = value.buffer.byteLength > 0 ? value.length : "an empty or detached buffer (transferred elsewhere)";
    throw new ArgumentRangeError(`${name}: expected [${shape}], ${size} values, got ${got}`);
  }
  for (let k = 0; finite && k < size; k++)
    if (!Number.isFinite(value[k]))
      throw new ArgumentRangeError(`${name}: expected finite values, got ${value[k]} at ${indexText(k, shape)}`);
  return value;
}

/** The index of flat element k, as [t,b,i]. */
export function indexText(k: number, shape: Shape): string {
  const index: number[] = [];
  for (const size of [...shape].reverse()) {
    index.unshift(k % size);
    k = Math.floor(k / size);
  }
  return `[${index}]`;
}

/** A tensor of finite (unless told otherwise) values whose shape matches `want`: a number is a size to meet, a letter any size, "..." any shape. */
export function checkTensor(name: string, value: unknown, want: readonly (number | string)[], finite = true): Tensor {
  const tensor = value as Tensor | null | undefined;
  if (typeof tensor !== "object" || tensor === null || !Array.isArray(tensor.shape))
    throw new ArgumentTypeError(`${name}: expected a tensor { data, shape: [${want}] }, got ${show(value)}`);
  if (!fits(tensor.shape, want) || !tensor.shape.every((size) => Number.isInteger(size) && size > 0))
    throw new ArgumentRangeError(`${name}: expected shape [${want}], got ${show(tensor.shape)}`);
  checkValues(name, tensor.data, sizeOf(tensor.shape), tensor.shape, finite);
  return tensor;
}

/** An object of options that has no other keys than `known`. */
export function checkOptions<T extends object>(name: string, value: T, known: readonly string[]): T {
  if (typeof value !== "object" || value === null)
    throw new ArgumentTypeError(`${name}: expected an object of options, got ${show(value)}`);
  for (const key of Object.keys(value))
    if (!known.includes(key))
      throw new ArgumentTypeError(`${name}: expected options among ${known.join(", ")}, got ${show(key)}`);
  return value;
}

/** A boolean. */
export function checkFlag(name: string, value: unknown): boolean {
  if (typeof value !== "boolean") throw new ArgumentTypeError(`${name}: expected true or false, got ${show(value)}`);
  return value;
}

/** Which positions count, 1, and which do not, 0. */
export interface Mask {
  readonly data: Uint8Array;
  readonly shape: Shape;
}

/** The bytes of a mask of this shape. */
export function checkMask(mask: Mask, shape: Shape): Uint8Array {
  if (typeof mask !== "object" || mask === null || !(mask.data instanceof Uint8Array))
    throw new ArgumentTypeError(`mask: expected { data: Uint8Array, shape: [${shape}] }, got ${show(mask)}`);
  if (show(mask.shape) !== show([...shape]) || mask.data.length !== sizeOf(shape))
    throw new ArgumentRangeError(
      `mask: expected shape [${shape}], ${sizeOf(shape)} values, got ${show(mask.shape)}, ${mask.data.length}`,
    );
  const other = mask.data.find((value) => value > 1);
  if (other !== undefined) throw new ArgumentRangeError(`mask: expected 0 or 1, got ${other}`);
  return mask.data;
}
