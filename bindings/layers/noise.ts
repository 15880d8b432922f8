// What a recurrent layer does at random: zoneout, and dropout on x, h and W_hh. Masks are drawn by a forward pass and hold for
// the backward pass behind it.
import { type Core, Region } from "../core.ts";
import type { SequenceFields } from "../sequence.ts";
import type { Shape, Tensor } from "../tensor.ts";
import type { Noise } from "./cell-kind.ts";

/** Numbers for a forward pass: `stream`, and `held` + 1 to 3, are streams of random numbers. */
export interface Draw {
  readonly training: boolean;
  readonly seed: number;
  readonly stream: number;
  /** For masks that hold for whole sequences, of which a pass may see a part. */
  readonly held: number;
}

/** The weights W_hh and their gradient. */
export interface Weights {
  readonly value: number;
  readonly grad: number;
  readonly size: number;
  readonly shape: Shape;
}

export class NoiseTape {
  readonly #core: Core;
  readonly #region: Region;
  readonly #back: Region;
  readonly #noise: Noise;
  readonly #sizes: { readonly I: number; readonly R: number };
  readonly #Hh: Weights;
  #last = { T: 0, B: 0, training: false };
  /** Address of W_hh as the last forward pass took it: with DropConnect a masked copy. */
  weights = 0;
  /** Addresses of the masks of the last forward pass, 0 where there is none. */
  masks = { zone: 0, xMask: 0, hMask: 0, wMask: 0 };
  /** Where gradients go that a mask stands before, 0 where there is none. */
  #masked = { dMasked: 0, dWeights: 0 };

  constructor(core: Core, owner: object, noise: Noise, sizes: { I: number; R: number }, Hh: Weights) {
    this.#core = core;
    this.#region = new Region(core, owner);
    this.#back = new Region(core, owner);
    this.#noise = noise;
    this.#sizes = sizes;
    this.#Hh = Hh;
  }

  /** Draws the masks of a forward pass, and answers the fields that they change. */
  draw(x: number, T: number, B: number, { training, seed, stream, held }: Draw): SequenceFields {
    const { zoneout, inputDropout, recurrentDropout, weightDropout } = this.#noise;
    const [px, ph, pw] = training ? [inputDropout, recurrentDropout, weightDropout] : [0, 0, 0];
    const { I, R } = this.#sizes;
    const { abi } = this.#core;
    const { size, value } = this.#Hh;
    const at = this.#region.fitFor(T, 2 * B + +training, () => ({
      zone: zoneout ? [T, B, R] : [0],
      xMask: px ? [B, I] : [0],
      xMasked: px ? [T, B, I] : [0],
      hMask: ph ? [B, R] : [0],
      hMasked: ph ? [T, B, R] : [0],
      wMask: pw ? [size] : [0],
      weights: pw ? [size] : [0],
    }));
    // Zoneout is 0 or 1 in training, its expectation outside.
    if (zoneout && training) abi.dropoutMask(at.zone, zoneout, 1, seed, stream, T * B * R);
    else if (zoneout) this.#core.view(at.zone, T * B * R).fill(1 - zoneout);
    if (px) {
      abi.dropoutMask(at.xMask, px, 1 / (1 - px), seed, held + 1, B * I);
      abi.maskSteps(at.xMasked, x, at.xMask, false, T, B * I);
    }
    if (ph) abi.dropoutMask(at.hMask, ph, 1 / (1 - ph), seed, held + 2, B * R);
    if (pw) {
      abi.dropoutMask(at.wMask, pw, 1 / (1 - pw), seed, held + 3, size);
      abi.multiply(at.weights, value, at.wMask, size);
    }
    this.#last = { T, B, training };
    this.masks = at;
    this.weights = at.weights || value;
    const { zone, hMask, hMasked } = at;
    return { x: at.xMasked || x, zone, hMask, hMasked };
  }

  /** The fields of a backward pass that adds dL/dx to `dx` (`addDx`), or puts it there (0: nowhere). */
  prepare(dx: number, addDx: boolean): SequenceFields {
    const { T, B, training } = this.#last;
    const { zone, xMask, hMask, wMask } = this.masks;
    const { I, R } = this.#sizes;
    const { size, grad } = this.#Hh;
    const at = this.#back.fitFor(T, 4 * B + 2 * +training + +(dx > 0), () => ({
      dhZone: zone ? [T, B, R] : [0],
      dhMasked: hMask ? [B, R] : [0],
      dMasked: xMask && dx ? [T, B, I] : [0],
      dWeights: wMask ? [size] : [0],
    }));
    if (wMask) this.#core.zero(at.dWeights, size);
    this.#masked = at;
    const { dhZone, dhMasked, dMasked } = at;
    return {
      ...{ dhZone, dhMasked, dx: dMasked || dx, addDx: addDx && !dMasked ? 1 : 0 },
      dWeightHh: at.dWeights || grad,
    };
  }

  /** Takes what such a pass left through the masks. */
  finish(dx: number, addDx: boolean): void {
    const { T, B } = this.#last;
    const { dMasked, dWeights } = this.#masked;
    const { abi } = this.#core;
    const { size, grad } = this.#Hh;
    if (dWeights) abi.multiplyAdd(grad, dWeights, this.masks.wMask, size);
    if (dMasked) abi.maskSteps(dx, dMasked, this.masks.xMask, addDx, T, B * this.#sizes.I);
  }

  /** Copies of the masks that the last forward pass drew. */
  record(): Record<string, Tensor> {
    const { T, B } = this.#last;
    const { I, R } = this.#sizes;
    const shapes = { zone: [T, B, R], xMask: [B, I], hMask: [B, R], wMask: this.#Hh.shape };
    const drawn = (Object.keys(shapes) as (keyof typeof shapes)[]).filter((name) => this.masks[name]);
    return Object.fromEntries(drawn.map((name) => [name, this.#core.tensor(this.masks[name], shapes[name])]));
  }

  dispose(): void {
    this.#region.dispose();
    this.#back.dispose();
  }
}
