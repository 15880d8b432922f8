import fc from "fast-check";
import { FormatError } from "lstm-wasm";
import { decodeSafetensors, encodeSafetensors, toStateDict } from "lstm-wasm/io";
import { describe, expect, test } from "vitest";

const tensors = {
  "0.weight": { data: Float32Array.of(1, -2.5, 3e-40, 4, 5, 6), shape: [2, 3] },
  "0.bias": { data: Float32Array.of(0.5), shape: [1] },
};
const metadata = { format: "pt", note: "ä “quoted” \n line" };
const good = encodeSafetensors(tensors, metadata);

/** A file with this header and so many bytes of values. */
function forge(header: unknown, bytes = 28): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + json.length + bytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  return file;
}

describe("a round trip", () => {
  test("keeps names, order, shapes, bits and metadata", () => {
    const { tensors: got, metadata: notes } = decodeSafetensors(good);
    expect(Object.keys(got)).toEqual(Object.keys(tensors));
    for (const [name, { data, shape }] of Object.entries(tensors))
      expect(got[name]).toEqual({ dtype: "F32", data, shape });
    expect(notes).toEqual(metadata);
  });

  test("aligns the values to 8 bytes", () => {
    expect(new DataView(good.buffer).getBigUint64(0, true) % 8n).toBe(0n);
  });

  test("does not depend on where the bytes lie", () => {
    const shifted = new Uint8Array(good.length + 3);
    shifted.set(good, 3);
    expect(decodeSafetensors(shifted.subarray(3)).tensors).toEqual(decodeSafetensors(good).tensors);
    expect(decodeSafetensors(Buffer.from(good)).tensors).toEqual(decodeSafetensors(good).tensors);
  });

  test("holds for any names and values", () => {
    const name = fc
      .string({ minLength: 1 })
      .filter((text) => text !== "__metadata__" && text !== "__proto__" && !/^\d+$/.test(text));
    const float = fc.float({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(fc.dictionary(name, fc.array(float, { minLength: 1, maxLength: 5 })), (values) => {
        const given = Object.fromEntries(
          Object.entries(values).map(([key, list]) => [key, { data: Float32Array.from(list), shape: [list.length] }]),
        );
        const { tensors: got } = decodeSafetensors(encodeSafetensors(given));
        expect(Object.keys(got)).toEqual(Object.keys(given));
        for (const [key, { data }] of Object.entries(given)) expect(got[key]?.data).toEqual(data);
      }),
      { seed: 1 },
    );
  });
});

describe("a damaged or forged file", () => {
  const f32 = (shape: unknown, data_offsets: unknown, dtype: unknown = "F32") => ({
    a: { dtype, shape, data_offsets },
  });
  test.each<[string, Uint8Array, string]>([
    ["nothing", new Uint8Array(0), "expected at least 8 bytes, got 0"],
    ["half a length", good.subarray(0, 5), "expected at least 8 bytes, got 5"],
    ["half a header", good.subarray(0, 40), "got 32: truncated"],
    ["half the values", good.subarray(0, good.length - 6), "got 22: truncated"],
    [
      "more bytes than named",
      forge(f32([6], [0, 24]), 28),
      "expected 24 bytes of values, got 28: more than the header names",
    ],
    [
      "a huge header length",
      Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255, 123),
      "expected a header of at most 100000000 bytes",
    ],
    ["no JSON", forge("{not json"), "expected a header in JSON, got something else"],
    ["no UTF-8", forge("{}").fill(0xff, 8, 10), "expected a header in JSON, got something else"],
    ["a list", forge("[]"), "expected a header object, got []"],
    ["an entry that is none", forge({ a: 1 }), 'expected "a" to be an object, got 1'],
    [
      "an unknown type",
      forge(f32([7], [0, 28], "F8")),
      'expected "a" to have a dtype among F32,F64,I32,U8,F16,BF16, got "F8"',
    ],
    ["a type from the prototype", forge(f32([7], [0, 28], "constructor")), 'got "constructor"'],
    ["a negative size", forge(f32([-7], [0, 28])), 'expected "a" to have a shape of whole numbers, got [-7]'],
    ["half a size", forge(f32([3.5, 2], [0, 28])), 'expected "a" to have a shape of whole numbers, got [3.5,2]'],
    ["a huge shape", forge(f32([1e9, 1e9], [0, 28])), "expected 4000000000000000000 bytes"],
    ["a size that does not fit", forge(f32([6], [0, 28])), 'expected 24 bytes for "a" [6], got 28'],
    [
      "no offsets",
      forge({ a: { dtype: "F32", shape: [7] } }),
      'expected "a" to have two ordered data_offsets, got undefined',
    ],
    ["offsets turned round", forge(f32([7], [28, 0])), "got [28,0]"],
    ["negative offsets", forge(f32([7], [-28, 0])), "got [-28,0]"],
    ["values behind the end", forge(f32([7], [28, 56])), 'expected 56 bytes of values for "a", got 28: truncated'],
    [
      "a hole",
      forge({ ...f32([1], [0, 4]), b: { dtype: "F32", shape: [5], data_offsets: [8, 28] } }),
      'expected "b" to begin at byte 4, got 8',
    ],
    [
      "an overlap",
      forge({ ...f32([4], [0, 16]), b: { dtype: "F32", shape: [4], data_offsets: [12, 28] } }),
      'expected "b" to begin at byte 16, got 12',
    ],
    [
      "the same name twice",
      forge(
        '{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},"a":{"dtype":"F32","shape":[4],"data_offsets":[12,28]}}',
      ),
      'expected "a" to begin at byte 0, got 12',
    ],
    ["metadata that is none", forge({ __metadata__: 3 }, 0), "expected __metadata__ to be an object, got 3"],
    ["metadata of numbers", forge({ __metadata__: { n: 3 } }, 0), "expected __metadata__.n to be a string, got 3"],
  ])("%s", (_, bytes, message) => {
    expect(() => decodeSafetensors(bytes)).toThrow(FormatError);
    expect(() => decodeSafetensors(bytes)).toThrow(message);
  });

  test("a name that is a prototype's is a name", () => {
    const { tensors: got } = decodeSafetensors(
      forge('{"__proto__":{"dtype":"F32","shape":[7],"data_offsets":[0,28]}}'),
    );
    expect(Object.keys(got)).toEqual(["__proto__"]);
    expect(({} as Record<string, unknown>).dtype).toBeUndefined();
  });

  test("any changed bytes are read or refused, never worse", () => {
    const place = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(place, { minLength: 1, maxLength: 4 }), fc.nat(good.length), (changes, length) => {
        const bytes = good.slice(0, length || good.length);
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        try {
          decodeSafetensors(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 2000, seed: 2 },
    );
  });
});

describe("what cannot be encoded", () => {
  test.each<[string, () => unknown, string]>([
    [
      "a NaN",
      () => encodeSafetensors({ a: { data: Float32Array.of(Number.NaN), shape: [1] } }),
      "a: expected finite values, got NaN at [0]",
    ],
    [
      "another length",
      () => encodeSafetensors({ a: { data: new Float32Array(3), shape: [4] } }),
      "a: expected [4], 4 values, got 3",
    ],
    [
      "a list",
      () => encodeSafetensors({ a: { data: [1] as never, shape: [1] } }),
      "a: expected a Float32Array, got [1]",
    ],
    [
      "the reserved name",
      () => encodeSafetensors({ __metadata__: tensors["0.bias"] }),
      'tensors: expected names of tensors, got "__metadata__"',
    ],
    [
      "a number in the metadata",
      () => encodeSafetensors(tensors, { n: 1 as never }),
      "metadata.n: expected a string, got 1",
    ],
    ["no bytes", () => decodeSafetensors("x" as never), 'safetensors: expected a Uint8Array, got "x"'],
  ])("%s", (_, call, message) => {
    expect(call).toThrow(message);
  });
});

describe("a state dict of a file", () => {
  const file = (dtype: string, bytes: number[], shape: number[]): Uint8Array => {
    const header = JSON.stringify({ "rnn.w": { dtype, shape, data_offsets: [0, bytes.length] } });
    const all = new Uint8Array(8 + header.length + bytes.length);
    new DataView(all.buffer).setBigUint64(0, BigInt(header.length), true);
    all.set(new TextEncoder().encode(header), 8);
    all.set(bytes, 8 + header.length);
    return all;
  };

  test.each([
    [
      "F16",
      [0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00, 0x00, 0x7c, 0x55, 0x35],
      [1, -2, 2 ** -24, Number.POSITIVE_INFINITY, 0.333251953125],
    ],
    ["BF16", [0x80, 0x3f, 0x00, 0xc0, 0x20, 0x41], [1, -2, 10]],
    ["F64", [...new Uint8Array(Float64Array.of(0.5, -3).buffer)], [0.5, -3]],
  ])("%s comes as float32, names without their prefix", (dtype, bytes, values) => {
    const dict = toStateDict(decodeSafetensors(file(dtype, bytes, [values.length])), "rnn.");
    expect(Object.keys(dict)).toEqual(["w"]);
    expect(dict.w?.data).toBeInstanceOf(Float32Array);
    expect([...(dict.w?.data ?? [])]).toEqual(values);
  });

  test("a prefix that no name has; a file of torch.save", () => {
    const read = decodeSafetensors(file("F32", [0, 0, 0, 0], [1]));
    expect(() => toStateDict(read, "lstm.")).toThrow(
      'prefix: expected the beginning of a name, as in "rnn.w", got "lstm."',
    );
    expect(() => decodeSafetensors(new TextEncoder().encode("PK and what follows"))).toThrow(
      "got a zip as torch.save writes it",
    );
  });

  test("tensors that are not wanted may be of any type", () => {
    const bytes = file("I64", [0, 0, 0, 0, 0, 0, 0, 0], [1]);
    expect(decodeSafetensors(bytes, (name) => name !== "rnn.w").tensors).toEqual({});
    expect(() => decodeSafetensors(bytes)).toThrow('got "I64"');
  });
});
