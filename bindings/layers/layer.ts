/// <reference lib="esnext.disposable" preserve="true" />
import { checkFlag, checkOptions, checkTensor } from "../check.ts";
import { type Core, Region } from "../core.ts";
import { StateError } from "../errors.ts";
import {
  createParameters,
  type Init,
  type Parameter,
  readParameters,
  type StateDict,
  writeParameters,
} from "../parameters.ts";
import { type Shape, sizeOf, type Tensor } from "../tensor.ts";
import { validSteps, withoutPadding } from "./steps.ts";

/** What a pass through a model is told beside its input. */
export interface Pass {
  /** Apply dropout and its relatives. Default false. */
  readonly training?: boolean;
  /** Valid steps of each sequence: recurrent layers and lastStep keep to them. Default: all. */
  readonly lengths?: readonly number[] | undefined;
  /**
   * Recurrent layers start from the states that they carry, and carry those they end in; backwards the same with the
   * gradients of the states. Default false.
   */
  readonly carry?: boolean;
  /** Bound on each element of dL/da at every step of recurrent layers, backwards (Graves 2013); 0 for none. Default 0. */
  readonly clipStep?: number;
}

/**
 * What every layer offers. Between layers values pass as addresses in linear memory: `run` and `runBackward` copy
 * nothing in or out and check nothing; the public calls around them do, once.
 */
export abstract class Layer {
  /** The kernels, and the memory that the layer is in. */
  readonly core: Core;
  /** Of a layer that tells steps from sequences: whether the batch is the first axis, and time the second. */
  declare readonly batchFirst?: boolean | undefined;
  /** @internal Throws where this layer cannot be meant to stand behind another in a Sequential. */
  checkBehind?(before: Layer): void;
  readonly #parameters: readonly Parameter[];
  readonly #store: Region;
  readonly #inputs: Region;
  readonly #cotangents: Region;
  #disposed = false;
  #ranOn: Shape | null = null;
  #passes = 0;
  /** @internal Passes that drew random numbers: each has numbers of its own. */
  draws = 0;

  constructor(core: Core, init: Init = { shapes: {}, bound: 0, seed: 0 }) {
    this.core = core;
    this.#store = new Region(core, this);
    this.#parameters = createParameters(core, this.#store, init);
    this.#inputs = new Region(core, this);
    this.#cotangents = new Region(core, this);
  }

  /** The shape of the output for an input of this shape; throws where that does not fit. */
  abstract outputShape(input: Shape): Shape;

  /** @internal Throws where a value of the input is none that this layer takes, and changes nothing that a pass needs. */
  checkInput(_x: Tensor): void {}

  /** @internal Input address to output address. The input must stay as it is until `runBackward`. */
  abstract run(x: number, input: Shape, pass?: Pass): number;

  /** @internal dL/d(output), which stays as it is, to dL/d(input), adding to the gradients; 0 where `wantInput` is false. */
  abstract runBackward(dOutput: number, wantInput: boolean, pass?: Pass): number;

  /** @internal Layers that this one is made of, and owns. */
  get children(): readonly Layer[] {
    return [];
  }

  /** Parameters in a fixed order. */
  get parameters(): readonly Parameter[] {
    return this.#parameters;
  }

  /** A copy of every parameter. */
  stateDict(): StateDict {
    this.checkUsable();
    return readParameters(this.core, this.parameters, "value");
  }

  /**
   * Takes over every parameter; where it throws, it changes none.
   *
   * @throws {ArgumentTypeError} when the dict or one of its entries is no such thing.
   * @throws {ArgumentRangeError} when a name is missing or unknown, a shape does not fit, or a value is not finite.
   * @throws {StateError} when the layer is disposed.
   */
  loadStateDict(dict: StateDict): void {
    this.checkUsable();
    writeParameters(this.core, this.parameters, dict);
  }

  /** A copy of every parameter's gradient: the sum over all backward passes since `zeroGrad`. */
  gradients(): StateDict {
    this.checkUsable();
    return readParameters(this.core, this.parameters, "grad");
  }

  /** Sets every gradient to zero. */
  zeroGrad(): void {
    this.checkUsable();
    for (const { grad, size } of this.parameters) this.core.zero(grad, size);
  }

  /** Gives the memory back. Any later call throws a StateError. */
  dispose(): void {
    this.#disposed = true;
    for (const { changes } of this.#parameters) changes.count = Number.NaN;
    this.#store.dispose();
    this.#inputs.dispose();
    this.#cotangents.dispose();
    for (const child of this.children) child.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** @internal */
  checkUsable(): void {
    if (this.#disposed)
      throw new StateError("ERR_DISPOSED", `${this.constructor.name}: expected a layer in use, got a disposed one`);
    for (const child of this.children) child.checkUsable();
  }

  /** @internal The shape that the last forward pass ran on; throws unless it still waits for its backward pass. */
  protected checkRan(): Shape {
    this.checkUsable();
    if (!this.#ranOn)
      throw new StateError(
        "ERR_NO_FORWARD",
        `${this.constructor.name}: expected one forward before each backward, got a backward without it`,
      );
    return this.#ranOn;
  }

  /** @internal Says that a forward pass on this shape left what a backward pass needs, or (null) that nothing is left. */
  protected ran(input: Shape | null): void {
    this.#ranOn = input;
    this.#passes++;
  }

  /** @internal Goes up with every pass, forward or backward: whoever remembers it can tell whether it was the last. */
  get passes(): number {
    return this.#passes;
  }

  /** @internal Copies the input in; it lasts until the next one. */
  protected giveInput(x: Tensor): number {
    this.ran(null);
    const data = this.#outside(x.data);
    const { at } = this.#inputs.fit({ at: x.shape });
    this.core.write(at, data);
    return at;
  }

  /** @internal Copies gradients in; null stands for none, address 0. */
  protected giveCotangents<Name extends string>(given: Readonly<Record<Name, Tensor | null>>): Record<Name, number> {
    const entries = Object.entries<Tensor | null>(given).map(
      ([name, tensor]) => [name, tensor && { ...tensor, data: this.#outside(tensor.data) }] as [Name, Tensor | null],
    );
    const at = this.#cotangents.fit(
      Object.fromEntries(entries.map(([name, tensor]) => [name, tensor?.shape ?? [0]])) as Record<Name, Shape>,
    );
    for (const [name, tensor] of entries) if (tensor) this.core.write(at[name], tensor.data);
    return at;
  }

  /** Values that a growing memory does not detach: a copy of a view of it. */
  #outside(data: Float32Array): Float32Array {
    return data.buffer === this.core.abi.memory.buffer ? data.slice() : data;
  }

  /** @internal Copies a tensor out, or shows it in place. */
  protected take(at: number, shape: Shape, view = false): Tensor {
    return view ? { data: this.core.view(at, sizeOf(shape)), shape } : this.core.tensor(at, shape);
  }
}

/** @internal A layer and all layers inside of it. */
export const layersOf = (layer: Layer): readonly Layer[] => [layer, ...layer.children.flatMap(layersOf)];

/** A layer from one tensor to one tensor. */
export abstract class SimpleLayer extends Layer {
  /**
   * Computes the output, and keeps what `backward` needs. With the lengths of sequences padding in x does not matter, even NaN,
   * and what the output has there means nothing.
   */
  forward(x: Tensor, pass: Pick<Pass, "training" | "lengths"> = {}): Tensor {
    this.checkUsable();
    const { training = false, lengths } = checkOptions("forward options", pass, ["training", "lengths"]) as typeof pass;
    checkFlag("training", training);
    checkTensor("x", x, ["..."], lengths === undefined);
    const shape = this.outputShape(x.shape);
    const batchFirst = layersOf(this).some((layer) => layer.batchFirst);
    const input = lengths ? withoutPadding(x, validSteps(x.shape, lengths, batchFirst)) : x;
    this.checkInput(input);
    return this.take(this.run(this.giveInput(input), x.shape, pass), shape);
  }

  /** From dL/d(output) to dL/d(input); adds to the parameters' gradients. */
  backward(dOutput: Tensor): Tensor {
    const input = this.checkRan();
    checkTensor("dOutput", dOutput, this.outputShape(input));
    return this.take(this.runBackward(this.giveCotangents({ dOutput }).dOutput, true), input);
  }
}
