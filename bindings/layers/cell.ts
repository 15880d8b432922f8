// Single steps as layers of their own, as torch.nn's LSTMCell, GRUCell and RNNCell.
import { checkTensor } from "../check.ts";
import type { Core } from "../core.ts";
import { ArgumentTypeError } from "../errors.ts";
import type { Parameter } from "../parameters.ts";
import type { Shape, Tensor } from "../tensor.ts";
import { GRU, type GRUOptions } from "./gru.ts";
import { Layer, type Pass } from "./layer.ts";
import { LSTM, type LSTMOptions } from "./lstm.ts";
import type { Recurrent } from "./recurrent.ts";
import { RNN, type RNNOptions } from "./rnn.ts";

/** Options of a layer that a single step has no use for. */
type Unfit = "numLayers" | "batchFirst" | "dropout" | "bidirectional" | "direction" | "goBackwards";
const UNFIT: readonly string[] = "numLayers batchFirst dropout bidirectional direction goBackwards".split(" ");

export type LSTMCellOptions = Omit<LSTMOptions, Unfit>;
export type GRUCellOptions = Omit<GRUOptions, Unfit>;
export type RNNCellOptions = Omit<RNNOptions, Unfit>;

/** Options without those that a single step has no use for. */
function checkCellOptions<T>(options: T): T {
  const unfit = Object.keys(options ?? {}).find((name) => UNFIT.includes(name));
  if (unfit !== undefined)
    throw new ArgumentTypeError(`options: expected none of ${UNFIT.join(", ")} in a cell, got "${unfit}"`);
  return options;
}

/** A recurrent layer run for one step at a time. Parameters have the layer's names without the suffix `_l0`. */
abstract class Cell<Inner extends Recurrent> extends Layer {
  /** @internal */
  protected readonly inner: Inner;

  constructor(inner: Inner) {
    super(inner.core);
    this.inner = inner;
  }

  override get parameters(): readonly Parameter[] {
    return this.inner.parameters.map((parameter) => ({ ...parameter, name: parameter.name.replace("_l0", "") }));
  }

  override outputShape(input: Shape): Shape {
    checkWidth(input, this.inner.inputSize);
    return [input[0] as number, this.inner.stateSize];
  }

  override get children(): readonly Layer[] {
    return [this.inner];
  }

  override run(x: number, input: Shape, pass?: Pass): number {
    this.ran(input);
    return this.inner.run(x, [1, ...input], pass);
  }

  override runBackward(dOutput: number, wantInput: boolean): number {
    this.checkRan();
    this.ran(null);
    return this.inner.runBackward(dOutput, wantInput);
  }

  /** @internal x [B,I] as a sequence of one step. */
  protected sequence(x: Tensor): Tensor {
    this.checkUsable();
    checkTensor("x", x, ["B", this.inner.inputSize]);
    return { data: x.data, shape: [1, ...x.shape] };
  }
}

function checkWidth(input: Shape, width: number): void {
  if (input.length !== 2 || input[1] !== width)
    checkTensor("x", { data: new Float32Array(), shape: input }, ["B", width]);
}

/** A state [B,R] as that of one layer [1,B,R], under a name of the layer's. */
const given = <Name extends string>(name: Name, state: Tensor | undefined): Partial<Record<Name, Tensor>> =>
  state === undefined
    ? {}
    : ({ [name]: { data: state.data, shape: [1, ...state.shape] } } as unknown as Record<Name, Tensor>);

/** A tensor [1,…] without its first axis. */
const first = ({ data, shape }: Tensor): Tensor => ({ data, shape: shape.slice(1) });

/** One step of an LSTM: x [B,I] and states to states. Parameters `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`. */
export class LSTMCell extends Cell<LSTM> {
  constructor(core: Core, options: LSTMCellOptions) {
    super(new LSTM(core, checkCellOptions(options)));
  }

  /** h [B,R] and c [B,H] behind the step; states left out are zeros. */
  forward(
    x: Tensor,
    states: { readonly h?: Tensor; readonly c?: Tensor } = {},
  ): { readonly h: Tensor; readonly c: Tensor } {
    const { hn, cn } = this.inner.forward(this.sequence(x), { ...given("h0", states.h), ...given("c0", states.c) });
    return { h: first(hn), c: first(cn) };
  }

  /** From dL/dh and dL/dc behind the step to those of what went in; adds to the parameters' gradients. */
  backward(d: { readonly h?: Tensor; readonly c?: Tensor }): {
    readonly input: Tensor;
    readonly h: Tensor;
    readonly c: Tensor;
  } {
    const { input, h0, c0 } = this.inner.backward({ ...given("hn", d.h), ...given("cn", d.c) });
    return { input: first(input), h: first(h0), c: first(c0) };
  }
}

/** One step of a cell without c: x [B,I] and h to h. */
abstract class HiddenCell<Inner extends GRU | RNN> extends Cell<Inner> {
  /** h [B,H] behind the step; zeros before it if left out. */
  forward(x: Tensor, states: { readonly h?: Tensor } = {}): { readonly h: Tensor } {
    return { h: first(this.inner.forward(this.sequence(x), given("h0", states.h)).hn) };
  }

  /** From dL/dh behind the step to those of what went in; adds to the parameters' gradients. */
  backward(d: { readonly h?: Tensor }): { readonly input: Tensor; readonly h: Tensor } {
    const { input, h0 } = this.inner.backward(given("hn", d.h));
    return { input: first(input), h: first(h0) };
  }
}

/** One step of a GRU. Parameters `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`. */
export class GRUCell extends HiddenCell<GRU> {
  constructor(core: Core, options: GRUCellOptions) {
    super(new GRU(core, checkCellOptions(options)));
  }
}

/** One step of an RNN. Parameters `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`. */
export class RNNCell extends HiddenCell<RNN> {
  constructor(core: Core, options: RNNCellOptions) {
    super(new RNN(core, checkCellOptions(options)));
  }
}
