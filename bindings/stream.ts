import { checkValues, show } from "./check.ts";
import { type Core, Region } from "./core.ts";
import { ArgumentRangeError, ArgumentTypeError, FormatError } from "./errors.ts";
import type { StateName } from "./layers/cell-kind.ts";
import type { TapeName } from "./layers/slice.ts";
import { SEQUENCE_WORDS, type SequenceFields, setSequence } from "./sequence.ts";
import type { Shape } from "./tensor.ts";

/** First four bytes of a snapshot, "LSM1", as a little-endian number. */
const MAGIC = 0x314d534c;
const HEADER_BYTES = 12;

/** What a stream needs of its layer. */
export interface StreamLayer {
  readonly core: Core;
  readonly inputSize: number;
  readonly stateSize: number;
  readonly bidirectional: boolean;
  readonly reverse: boolean;
  readonly slices: readonly StreamSlice[];
  checkUsable(): void;
}

export interface StreamSlice {
  readonly fixed: SequenceFields;
  readonly tapeShapes: (T: number, B: number) => Record<TapeName, Shape>;
  readonly states: readonly StateName[];
  width(name: StateName): number;
  readonly zoneShare: number;
  packForward(): void;
}

/**
 * One sequence, step by step, batch of one: owns its h and c, and gives exactly the bits that `forward` gives for the
 * whole sequence. Follows every change of the layer's parameters.
 */
export class Stream {
  readonly #layer: StreamLayer;
  readonly #region: Region;
  readonly #slices: readonly StreamSlice[];
  /** Addresses of the kernels' Sequences, one a layer. */
  readonly #sequences: readonly number[];
  /** Addresses and widths of all states: h of each layer, then c of each, and so on. */
  readonly #states: readonly { readonly at: number; readonly n: number }[];
  readonly #at: { readonly x: number; readonly output: number };
  readonly #output: Float32Array;
  #x: Float32Array;
  #h: Float32Array;

  /** @internal Use `stream()` of a layer. */
  constructor(layer: StreamLayer) {
    layer.checkUsable();
    if (layer.bidirectional)
      throw new ArgumentRangeError(
        "bidirectional: expected false for a stream, which cannot know later steps, got true",
      );
    if (layer.reverse)
      throw new ArgumentRangeError(
        "direction: expected forward for a stream, which cannot start from the last step, got reverse",
      );
    const { core, inputSize: I, stateSize: R, slices } = layer;
    this.#layer = layer;
    this.#slices = slices;
    this.#region = new Region(core, this);
    const shapes: Record<string, Shape> = { x: [I] };
    slices.forEach((slice, k) => {
      shapes[`struct${k}`] = [SEQUENCE_WORDS];
      for (const [name, shape] of Object.entries(slice.tapeShapes(1, 1))) shapes[`${name}${k}`] = shape;
      shapes[`zone${k}`] = slice.zoneShare < 1 ? [R] : [0];
    });
    const at = this.#region.fit<string>(shapes);
    const address = (name: string) => at[name] as number;
    this.#sequences = slices.map((slice, k) => {
      const struct = address(`struct${k}`);
      core.zero(struct, SEQUENCE_WORDS);
      const tape = Object.fromEntries(
        Object.keys(slice.tapeShapes(1, 1)).map((name) => [name, address(`${name}${k}`)]),
      );
      const x = k === 0 ? address("x") : address(`h${k - 1}`);
      const zone = address(`zone${k}`);
      if (zone) core.view(zone, R).fill(slice.zoneShare);
      setSequence(core, struct, { ...slice.fixed, ...tape, T: 1, B: 1, x, zone });
      return struct;
    });
    const names = slices[0]?.states ?? [];
    this.#states = names.flatMap((name) =>
      slices.map((slice, k) => ({ at: address(`${name}${k}`), n: slice.width(name) })),
    );
    this.#at = { x: address("x"), output: address(`h${slices.length - 1}`) };
    this.#output = new Float32Array(R);
    this.#x = core.view(this.#at.x, I);
    this.#h = core.view(this.#at.output, R);
    this.reset();
  }

  /**
   * Feeds one frame [I] and answers h [R] of the last layer. The answer is the same array at every step, overwritten by the
   * next one; nothing is allocated. A frame with NaN or an infinity is refused and leaves the state as it was.
   */
  step(frame: Float32Array): Float32Array {
    const { core, inputSize: I, stateSize: R } = this.#layer;
    this.#checkUsable();
    if (!(frame instanceof Float32Array) || frame.length !== I) checkValues("frame", frame, I);
    for (const slice of this.#slices) slice.packForward();
    if (this.#x.length === 0) {
      // Memory grew since, which detached the views.
      this.#x = core.view(this.#at.x, I);
      this.#h = core.view(this.#at.output, R);
    }
    this.#x.set(frame);
    const bad = core.abi.firstNonFinite(this.#at.x, I);
    if (bad >= 0) throw new ArgumentRangeError(`frame: expected finite values, got ${frame[bad]} at [${bad}]`);
    for (const sequence of this.#sequences) core.abi.recurrentStep(sequence);
    this.#output.set(this.#h);
    return this.#output;
  }

  /** Back to zero states. */
  reset(): void {
    this.#checkUsable();
    for (const { at, n } of this.#states) this.#layer.core.zero(at, n);
  }

  /** The states as bytes, the same on every machine: restoring them anywhere continues with the same bits. */
  snapshot(): Uint8Array {
    this.#checkUsable();
    const count = this.#stateCount;
    const bytes = new Uint8Array(HEADER_BYTES + 4 * count);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, MAGIC, true);
    view.setUint32(4, count, true);
    let offset = HEADER_BYTES;
    for (const { at, n } of this.#states) {
      for (const value of this.#layer.core.view(at, n)) {
        view.setFloat32(offset, value, true);
        offset += 4;
      }
    }
    view.setUint32(8, this.#checksum(bytes), true);
    return bytes;
  }

  /** Takes over the states of a snapshot; throws, and keeps its own, when the bytes are not one of these widths. */
  restore(bytes: Uint8Array): void {
    this.#checkUsable();
    if (!(bytes instanceof Uint8Array))
      throw new ArgumentTypeError(`snapshot: expected a Uint8Array, got ${show(bytes)}`);
    const count = this.#stateCount;
    const size = HEADER_BYTES + 4 * count;
    if (bytes.length !== size)
      throw new FormatError(`snapshot: expected ${size} bytes for ${count} values of state, got ${bytes.length}`);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (
      view.getUint32(0, true) !== MAGIC ||
      view.getUint32(4, true) !== count ||
      view.getUint32(8, true) !== this.#checksum(bytes)
    )
      throw new FormatError(
        `snapshot: expected the bytes of a stream with ${count} values of state, got others or damaged ones`,
      );
    let offset = HEADER_BYTES;
    for (const { at, n } of this.#states) {
      const values = Float32Array.from({ length: n }, (_, k) => view.getFloat32(offset + 4 * k, true));
      this.#layer.core.write(at, values);
      offset += 4 * n;
    }
  }

  /** Gives the memory of the states back; the layer stays. */
  dispose(): void {
    this.#region.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  get #stateCount(): number {
    return this.#states.reduce((sum, { n }) => sum + n, 0);
  }

  #checkUsable(): void {
    this.#layer.checkUsable();
    this.#region.checkUsable("Stream");
  }

  /** FNV-1a over the cell, the widths of its states, and a snapshot without its own checksum field. */
  #checksum(bytes: Uint8Array): number {
    let hash = 0x811c9dc5;
    const add = (byte: number) => {
      hash = Math.imul(hash ^ byte, 0x01000193);
    };
    for (const slice of this.#slices) add(slice.fixed.cell as number);
    for (const { n } of this.#states) add(n);
    bytes.forEach((byte, k) => {
      if (k < 8 || k >= HEADER_BYTES) add(byte);
    });
    return hash >>> 0;
  }
}
