import { show } from "../check.ts";
import type { Core } from "../core.ts";
import { ArgumentRangeError, ArgumentTypeError, StateError } from "../errors.ts";
import type { Parameter } from "../parameters.ts";
import type { Shape, Tensor } from "../tensor.ts";
import { Layer, layersOf, type Pass, SimpleLayer } from "./layer.ts";

/** A layer, or (for layers without parameters) a function that makes one for the model's core. */
export type LayerLike = Layer | ((core: Core) => Layer);

/**
 * Layers one after the other; an LSTM in it passes on its output sequence. Parameters are named as in PyTorch's
 * nn.Sequential: "0.weight_ih_l0", "2.bias". The model owns its layers: `dispose` disposes them.
 */
export class Sequential extends SimpleLayer {
  readonly layers: readonly Layer[];
  /** What `passes` of each layer was when `run` ended. */
  #left: readonly number[] = [];

  constructor(layers: readonly LayerLike[]) {
    if (!Array.isArray(layers)) throw new ArgumentTypeError(`layers: expected an array of layers, got ${show(layers)}`);
    const core = layers.find((layer) => layer instanceof Layer)?.core;
    if (!core) throw new ArgumentRangeError(`layers: expected at least one layer with parameters, got ${show(layers)}`);
    super(core);
    this.layers = layers.map((layer, k) => {
      // A class of layers is a function, too.
      const made = typeof layer === "function" && !(layer.prototype instanceof Layer) ? layer(core) : layer;
      if (!(made instanceof Layer))
        throw new ArgumentTypeError(
          `layers[${k}]: expected a layer, or a function that makes one such as lastStep(), got ${show(layer)}`,
        );
      if (made.core !== core)
        throw new ArgumentRangeError(
          `layers[${k}]: expected a layer on the core of the others, got one on another core`,
        );
      return made;
    });
    this.layers.forEach((layer, k) => {
      if (k > 0) layer.checkBehind?.(this.layers[k - 1] as Layer);
    });
    const all = this.layers.flatMap(layersOf);
    const again = all.find((layer, k) => all.indexOf(layer) !== k);
    if (again)
      throw new ArgumentRangeError(
        `layers: expected each layer once, since it keeps what its backward pass needs, got ${again.constructor.name} twice`,
      );
    const [first, ...others] = all.filter(({ batchFirst }) => batchFirst !== undefined);
    const other = others.find(({ batchFirst }) => batchFirst !== first?.batchFirst);
    if (other)
      throw new ArgumentRangeError(
        `layers: expected all to take time along the same axis, got ${first?.constructor.name} with batchFirst ${first?.batchFirst} and ${other.constructor.name} with ${other.batchFirst}`,
      );
  }

  override get parameters(): readonly Parameter[] {
    return this.layers.flatMap((layer, k) => layer.parameters.map((p) => ({ ...p, name: `${k}.${p.name}` })));
  }

  override outputShape(input: Shape): Shape {
    return this.layers.reduce((shape, layer, k) => {
      try {
        return layer.outputShape(shape);
      } catch (error) {
        if (k === 0 || !(error instanceof ArgumentRangeError)) throw error;
        // What this layer gets is what the one before it gives.
        throw new ArgumentRangeError(`layers[${k}], ${layer.constructor.name}: ${error.message}`);
      }
    }, input);
  }

  override get children(): readonly Layer[] {
    return this.layers;
  }

  override checkInput(x: Tensor): void {
    this.layers[0]?.checkInput(x);
  }

  override run(x: number, input: Shape, pass?: Pass): number {
    let shape = input;
    for (const layer of this.layers) {
      x = layer.run(x, shape, pass);
      shape = layer.outputShape(shape);
    }
    this.#left = this.layers.map(({ passes }) => passes);
    this.ran(input);
    return x;
  }

  override runBackward(dOutput: number, wantInput: boolean, pass?: Pass): number {
    const used = this.layers.find(({ passes }, k) => passes !== this.#left[k]);
    if (used)
      throw new StateError(
        "ERR_NO_FORWARD",
        `${this.constructor.name}: expected its layers as its forward left them, got ${used.constructor.name} used alone since`,
      );
    this.ran(null);
    return this.layers.reduceRight((d, layer, k) => layer.runBackward(d, wantInput || k > 0, pass), dOutput);
  }
}
