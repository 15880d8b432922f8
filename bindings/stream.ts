import { checkValues, show } from "./check.ts";
import { type Core, Region } from "./core.ts";
import { ArgumentRangeError, ArgumentTypeError, FormatError } from "./errors.ts";

/** First four bytes of a snapshot, "LSM1", as a little-endian number. */
const MAGIC = 0x314d534c;
const HEADER_BYTES = 12;

/** What a stream needs of its layer. */
export interface StreamLayer {
  readonly core: Core;
  readonly inputSize: number;
  readonly hiddenSize: number;
  checkUsable(): void;
  packForward(): { wih: number; whh: number; bias: number };
}

/**
 * One sequence, step by step, batch of one: owns its h and c, and gives exactly the bits that `forward` gives for the
 * whole sequence. Follows every change of the layer's parameters.
 */
export class Stream {
  readonly #layer: StreamLayer;
  readonly #region: Region;
  readonly #at: Readonly<Record<"h" | "c" | "gates" | "tanhC" | "x", number>>;
  readonly #output: Float32Array;
  #x: Float32Array;
  #h: Float32Array;

  /** @internal Use `lstm.stream()`. */
  constructor(layer: StreamLayer) {
    const { inputSize: I, hiddenSize: H } = layer;
    this.#layer = layer;
    this.#region = new Region(layer.core, this);
    this.#at = this.#region.fit({ h: [2, H], c: [2, H], gates: [4 * H], tanhC: [H], x: [I] });
    this.#output = new Float32Array(H);
    this.#x = layer.core.view(this.#at.x, I);
    this.#h = layer.core.view(this.#at.h, H);
    this.reset();
  }

  /**
   * Feeds one frame [I] and answers h [H]. The answer is the same array at every step, overwritten by the next one;
   * nothing is allocated. A frame with NaN or an infinity is refused and leaves the state as it was.
   */
  step(frame: Float32Array): Float32Array {
    const { core, inputSize: I, hiddenSize: H } = this.#layer;
    this.#checkUsable();
    if (!(frame instanceof Float32Array) || frame.length !== I) checkValues("frame", frame, I);
    const { wih, whh, bias } = this.#layer.packForward();
    this.#refresh();
    this.#x.set(frame);
    const { h, c, gates, tanhC, x } = this.#at;
    const bad = core.abi.lstmStep(h, c, gates, tanhC, x, wih, whh, bias, I, H);
    if (bad >= 0) throw new ArgumentRangeError(`frame: expected finite values, got ${frame[bad]} at [${bad}]`);
    this.#output.set(this.#h);
    return this.#output;
  }

  /** Back to zero states. */
  reset(): void {
    this.#checkUsable();
    const { core, hiddenSize: H } = this.#layer;
    core.zero(this.#at.h, H);
    core.zero(this.#at.c, H);
  }

  /** The states as bytes, the same on every machine: restoring them anywhere continues with the same bits. */
  snapshot(): Uint8Array {
    this.#checkUsable();
    const { core, hiddenSize: H } = this.#layer;
    const bytes = new Uint8Array(HEADER_BYTES + 8 * H);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, MAGIC, true);
    view.setUint32(4, H, true);
    const states = [...core.view(this.#at.h, H), ...core.view(this.#at.c, H)];
    states.forEach((value, k) => {
      view.setFloat32(HEADER_BYTES + 4 * k, value, true);
    });
    view.setUint32(8, checksum(bytes), true);
    return bytes;
  }

  /** Takes over the states of a snapshot; throws, and keeps its own, when the bytes are not one of this width. */
  restore(bytes: Uint8Array): void {
    this.#checkUsable();
    const { core, hiddenSize: H } = this.#layer;
    if (!(bytes instanceof Uint8Array))
      throw new ArgumentTypeError(`snapshot: expected a Uint8Array, got ${show(bytes)}`);
    const size = HEADER_BYTES + 8 * H;
    if (bytes.length !== size)
      throw new FormatError(`snapshot: expected ${size} bytes for hiddenSize ${H}, got ${bytes.length}`);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (
      view.getUint32(0, true) !== MAGIC ||
      view.getUint32(4, true) !== H ||
      view.getUint32(8, true) !== checksum(bytes)
    )
      throw new FormatError(
        `snapshot: expected the bytes of a stream with hiddenSize ${H}, got others or damaged ones`,
      );
    const states = Float32Array.from({ length: 2 * H }, (_, k) => view.getFloat32(HEADER_BYTES + 4 * k, true));
    core.write(this.#at.h, states.subarray(0, H));
    core.write(this.#at.c, states.subarray(H));
  }

  /** Gives the memory of the states back; the layer stays. */
  dispose(): void {
    this.#region.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #checkUsable(): void {
    this.#layer.checkUsable();
    this.#region.checkUsable("Stream");
  }

  /** Growth of memory detaches views: make them anew. */
  #refresh(): void {
    if (this.#x.length > 0) return;
    this.#x = this.#layer.core.view(this.#at.x, this.#layer.inputSize);
    this.#h = this.#layer.core.view(this.#at.h, this.#layer.hiddenSize);
  }
}

/** FNV-1a over a snapshot without its own checksum field. */
function checksum(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  bytes.forEach((byte, k) => {
    if (k < 8 || k >= HEADER_BYTES) hash = Math.imul(hash ^ byte, 0x01000193);
  });
  return hash >>> 0;
}
