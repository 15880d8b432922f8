// The safetensors format (https://github.com/huggingface/safetensors): 8 bytes with the length of the header, a
// JSON header of names, dtypes, shapes and byte ranges, and the values behind it, little-endian, without gaps.
import { checkTensor, show } from "../check.ts";
import { ArgumentRangeError, ArgumentTypeError, FormatError } from "../errors.ts";
import type { StateDict } from "../parameters.ts";
import { type Shape, sizeOf } from "../tensor.ts";

/** Longest header that is read, as in the reference implementation: 100 MB. */
const MAX_HEADER = 100_000_000;

/** What the values of each type come as; half precision (IEEE and bfloat16) as Float32Array. */
const ARRAYS = { F32: Float32Array, F64: Float64Array, I32: Int32Array, U8: Uint8Array } as const;
const HALVES = { F16: fromHalf, BF16: (bits: number) => fromBits(bits << 16) } as const;
type DType = keyof typeof ARRAYS | keyof typeof HALVES;
const isHalf = (dtype: DType): dtype is keyof typeof HALVES => Object.hasOwn(HALVES, dtype);

const word = new DataView(new ArrayBuffer(4));
function fromBits(bits: number): number {
  word.setInt32(0, bits);
  return word.getFloat32(0);
}

/** IEEE 754 binary16. */
function fromHalf(bits: number): number {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** A tensor of a file, in the file's own type. */
export interface FileTensor {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly data: Float32Array | Float64Array | Int32Array | Uint8Array;
}

export interface SafetensorsFile {
  readonly tensors: Record<string, FileTensor>;
  readonly metadata: Record<string, string>;
}

/** The bytes of a file with these tensors (all F32), names in order, and metadata. */
export function encodeSafetensors(tensors: StateDict, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
  if (!isObject(tensors)) throw new ArgumentTypeError(`tensors: expected an object of tensors, got ${show(tensors)}`);
  if (!isObject(metadata))
    throw new ArgumentTypeError(`metadata: expected an object of strings, got ${show(metadata)}`);
  const header: Record<string, unknown> = Object.create(null);
  for (const [key, value] of Object.entries(metadata))
    if (typeof value !== "string")
      throw new ArgumentTypeError(`metadata.${key}: expected a string, got ${show(value)}`);
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata;
  let end = 0;
  for (const [name, tensor] of Object.entries(tensors)) {
    if (name === "__metadata__") throw new ArgumentTypeError(`tensors: expected names of tensors, got ${show(name)}`);
    checkTensor(name, tensor, ["..."]);
    const begin = end;
    end += 4 * tensor.data.length;
    header[name] = { dtype: "F32", shape: tensor.shape, data_offsets: [begin, end] };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + padded + end);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(padded), true);
  bytes.set(json, 8);
  bytes.fill(0x20, 8 + json.length, 8 + padded);
  let at = 8 + padded;
  for (const { data } of Object.values(tensors)) {
    for (const value of data) {
      view.setFloat32(at, value, true);
      at += 4;
    }
  }
  return bytes;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/**
<<<<<<< HEAD
 * The tensors of a file as `loadStateDict` takes them, F64 as float32: those whose names begin with `prefix`, without it
 * ("rnn." of a PyTorch module's parameter "rnn.weight_ih_l0"). Throws an ArgumentRangeError where there is none.
 */
export function toStateDict({ tensors }: Pick<SafetensorsFile, "tensors">, prefix = ""): StateDict {
  const found = Object.entries(tensors).filter(([name]) => name.startsWith(prefix));
  if (found.length === 0)
    throw new ArgumentRangeError(
      `prefix: expected the beginning of a name, as in ${show(Object.keys(tensors)[0])}, got ${show(prefix)}`,
    );
  return Object.fromEntries(
    found.map(([name, { data, shape }]) => {
      const values = data instanceof Float32Array ? data : Float32Array.from(data);
      return [name.slice(prefix.length), { data: values, shape }];
    }),
  );
}

/**
 * Reads a file; with `wanted` only the tensors of some names, so that others may be of any type.
 *
 * @throws {ArgumentTypeError} when the bytes are no Uint8Array.
 * @throws {FormatError} when they are anything but exactly one file, before any value is looked at.
 */
export function decodeSafetensors(bytes: Uint8Array, wanted: (name: string) => boolean = () => true): SafetensorsFile {
  if (!(bytes instanceof Uint8Array))
    throw new ArgumentTypeError(`safetensors: expected a Uint8Array, got ${show(bytes)}`);
  const { header, body } = readHeader(bytes);
  const tensors: [string, FileTensor][] = [];
  const metadata: [string, string][] = [];
  const ranges: { name: string; begin: number; end: number }[] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__") {
      if (!isObject(entry))
        throw new FormatError(`safetensors: expected __metadata__ to be an object, got ${show(entry)}`);
      for (const [key, value] of Object.entries(entry)) {
        if (typeof value !== "string")
          throw new FormatError(`safetensors: expected __metadata__.${key} to be a string, got ${show(value)}`);
        metadata.push([key, value]);
      }
      continue;
    }
    const { dtype, shape, begin, end } = checkEntry(name, entry, wanted(name));
    ranges.push({ name, begin, end });
    if (end > body.length)
      throw new FormatError(
        `safetensors: expected ${end} bytes of values for ${show(name)}, got ${body.length}: truncated`,
      );
    if (!wanted(name)) continue;
    // A copy: the values are then aligned, and independent of the caller's buffer.
    const { buffer } = new Uint8Array(body.subarray(begin, end));
    const data = isHalf(dtype) ? Float32Array.from(new Uint16Array(buffer), HALVES[dtype]) : new ARRAYS[dtype](buffer);
    tensors.push([name, { dtype, shape, data }]);
  }
  let covered = 0;
  for (const { name, begin, end } of ranges.sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== covered)
      throw new FormatError(`safetensors: expected ${show(name)} to begin at byte ${covered}, got ${begin}`);
    covered = end;
  }
  if (covered !== body.length)
    throw new FormatError(
      `safetensors: expected ${covered} bytes of values, got ${body.length}: more than the header names`,
    );
  return { tensors: Object.fromEntries(tensors), metadata: Object.fromEntries(metadata) };
}

function readHeader(bytes: Uint8Array): { header: Record<string, unknown>; body: Uint8Array } {
  if (bytes.length < 8) throw new FormatError(`safetensors: expected at least 8 bytes, got ${bytes.length}`);
  if (bytes[0] === 0x50 && bytes[1] === 0x4b)
    throw new FormatError(
      "safetensors: expected a safetensors file, got a zip as torch.save writes it; write it by safetensors.torch.save_file(model.state_dict(), file)",
    );
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
  if (length > MAX_HEADER)
    throw new FormatError(
      `safetensors: expected a header of at most ${MAX_HEADER} bytes, got ${length}, so it may be a file of another kind`,
    );
  if (length > bytes.length - 8)
    throw new FormatError(`safetensors: expected a header of ${length} bytes, got ${bytes.length - 8}: truncated`);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, 8 + length)));
  } catch {
    throw new FormatError("safetensors: expected a header in JSON, got something else");
  }
  if (!isObject(header)) throw new FormatError(`safetensors: expected a header object, got ${show(header)}`);
  return { header, body: bytes.subarray(8 + length) };
}

function checkEntry(
  name: string,
  entry: unknown,
  wanted: boolean,
): { dtype: DType; shape: Shape; begin: number; end: number } {
  if (!isObject(entry))
    throw new FormatError(`safetensors: expected ${show(name)} to be an object, got ${show(entry)}`);
  const { dtype, shape, data_offsets: offsets } = entry;
  const dtypes = [...Object.keys(ARRAYS), ...Object.keys(HALVES)];
  if (typeof dtype !== "string" || (wanted && !dtypes.includes(dtype)))
    throw new FormatError(`safetensors: expected ${show(name)} to have a dtype among ${dtypes}, got ${show(dtype)}`);
  if (!Array.isArray(shape) || !shape.every(isSize))
    throw new FormatError(`safetensors: expected ${show(name)} to have a shape of whole numbers, got ${show(shape)}`);
  if (
    !Array.isArray(offsets) ||
    offsets.length !== 2 ||
    !offsets.every(isSize) ||
    !((offsets[0] as number) <= (offsets[1] as number))
  )
    throw new FormatError(`safetensors: expected ${show(name)} to have two ordered data_offsets, got ${show(offsets)}`);
  const [begin, end] = offsets as [number, number];
  const size =
    sizeOf(shape) * (isHalf(dtype as DType) ? 2 : (ARRAYS[dtype as keyof typeof ARRAYS]?.BYTES_PER_ELEMENT ?? 0));
  if (wanted && end - begin !== size)
    throw new FormatError(`safetensors: expected ${size} bytes for ${show(name)} [${shape}], got ${end - begin}`);
  return { dtype: dtype as DType, shape, begin, end };
}
