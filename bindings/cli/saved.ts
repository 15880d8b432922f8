// The files that `train` saves: safetensors with the weights under PyTorch's names, and in the metadata, as JSON, all else
// that a model needs. Everything read is checked before anything is built from it.
import { FormatError, type Sequential, type Shape, type StateDict } from "lstm-wasm";
import { decodeSafetensors, encodeSafetensors } from "lstm-wasm/io";

const FORMAT = "lstm-wasm model 1";

export type Kind = "forecaster" | "classifier" | "text";

/** What stands in the metadata beside format and kind, each as JSON. */
export type Notes = Readonly<Record<string, unknown>>;

/** A file that was read: its kind, its notes, and tensors that are float32. */
export interface SavedFile {
  readonly kind: string;
  readonly notes: Record<string, unknown>;
  readonly tensors: StateDict;
}

export function encodeModel(kind: Kind, model: Sequential, notes: Notes): Uint8Array {
  const texts = Object.entries(notes).map(([name, value]) => [name, JSON.stringify(value)]);
  return encodeSafetensors(model.stateDict(), { format: FORMAT, kind, ...Object.fromEntries(texts) });
}

export function decodeModel(bytes: Uint8Array): SavedFile {
  const { tensors, metadata } = decodeSafetensors(bytes);
  const { format, kind = "", ...texts } = metadata;
  if (format !== FORMAT)
    throw new FormatError(
      `model: expected a model that \`lstm-wasm train\` saved, got tensors ${format === undefined ? "without a format" : `of format ${JSON.stringify(format)}`}`,
    );
  const notes = Object.entries(texts).map(([name, text]) => [name, parse(name, text)]);
  const floats = Object.entries(tensors).map(([name, { data, shape, dtype }]) => {
    if (!(data instanceof Float32Array)) throw new FormatError(`model: expected ${name} in F32, got ${dtype}`);
    return [name, { data, shape }];
  });
  return { kind, notes: Object.fromEntries(notes), tensors: Object.fromEntries(floats) };
}

/** Takes over the weights of a file; a model that they do not fit is given up. */
export function restore(model: Sequential, tensors: StateDict): void {
  try {
    model.loadStateDict(tensors);
  } catch (error) {
    model.dispose();
    throw new FormatError(`model: ${(error as Error).message}`);
  }
}

function parse(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new FormatError(`model: expected ${name} in the metadata as JSON, got ${JSON.stringify(text).slice(0, 60)}`);
  }
}

const wrong = (name: string, expected: string, value: unknown) =>
  new FormatError(`model: expected ${name} to be ${expected}, got ${JSON.stringify(value ?? null).slice(0, 60)}`);

export const isText = (value: unknown): value is string => typeof value === "string";
export const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
export const isAbove0 = (value: unknown): value is number => isNumber(value) && value > 0;

/** The value, if it is of the kind that `expected` names. */
export function check<T>(name: string, expected: string, value: unknown, is: (value: unknown) => value is T): T {
  if (!is(value)) throw wrong(name, expected, value);
  return value;
}

export function checkObject(name: string, value: unknown): Record<string, unknown> {
  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  return check(name, "an object", value, isObject);
}

export const checkSize = (name: string, value: unknown, least: number): number =>
  check(
    name,
    `a whole number from ${least} to 1000000`,
    value,
    (x): x is number => Number.isInteger(x) && (x as number) >= least && (x as number) <= 1e6,
  );

/** A list of `length` values, or of one to a million. */
export function checkList<T>(
  name: string,
  expected: string,
  value: unknown,
  is: (value: unknown) => value is T,
  length?: number,
): readonly T[] {
  const fits = (n: number) => (length === undefined ? n > 0 && n <= 1e6 : n === length);
  return check(name, expected, value, (x): x is T[] => Array.isArray(x) && fits(x.length) && x.every(is));
}

/** A list of texts, each once; it may be empty. */
export function checkNames(name: string, expected: string, value: unknown): readonly string[] {
  const names = Array.isArray(value) && value.length === 0 ? [] : checkList(name, expected, value, isText);
  if (new Set(names).size < names.length) throw wrong(name, `${expected}, each once`, value);
  return names;
}

/** Throws unless a tensor has this shape: sizes from the metadata must be those of tensors, which are in memory already. */
export function checkShape(tensors: StateDict, name: string, shape: Shape): void {
  const found = tensors[name]?.shape;
  if (found?.join() !== shape.join())
    throw new FormatError(`model: expected ${name} of shape [${shape}], got ${found ? `[${found}]` : "none"}`);
}
