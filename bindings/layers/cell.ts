// Single steps as layers of their own, as torch.nn's LSTMCell, GRUCell and RNNCell.
import { checkFlag, checkOptions, checkTensor, show } from "../check.ts";
import type { Core } from "../core.ts";
import { ArgumentRangeError, ArgumentTypeError } from "../errors.ts";
import type { Parameter } from "../parameters.ts";
import type { Shape, Tensor } from "../tensor.ts";
import type { StateName } from "./cell-kind.ts";
import { GRU, type GRUOptions } from "./gru.ts";
import { Layer, type Pass } from "./layer.ts";
import { LSTM, type LSTMOptions } from "./lstm.ts";
import { MinGRU, MinLSTM, type MinOptions } from "./min.ts";
import type { Recurrent } from "./recurrent.ts";
import { RNN, type RNNOptions } from "./rnn.ts";
import { SLSTM, type SLSTMOptions } from "./slstm.ts";

/** Options of a layer that a single step has no use for. */
type Unfit = "numLayers" | "batchFirst" | "dropout" | "bidirectional" | "direction" | "goBackwards";
const UNFIT: readonly string[] = "numLayers batchFirst dropout bidirectional direction goBackwards".split(" ");

export type LSTMCellOptions = Omit<LSTMOptions, Unfit>;
export type GRUCellOptions = Omit<GRUOptions, Unfit>;
export type RNNCellOptions = Omit<RNNOptions, Unfit>;
export type SLSTMCellOptions = Omit<SLSTMOptions, Unfit>;
export type MinCellOptions = Omit<MinOptions, Unfit>;

/** Options without those that a single step has no use for. */
function checkCellOptions<T>(options: T): T {
  for (const [name, value] of Object.entries(options ?? {}))
    if (UNFIT.includes(name))
      throw new ArgumentTypeError(`${name}: expected none in a cell, which takes a single step, got ${show(value)}`);
  return options;
}

/** States of one step: h [B,R], and others [B,H]; without B for input without it. */
export type CellStates<Name extends StateName> = { readonly [Each in Name]: Tensor };

/** A recurrent layer run for one step at a time: x [B,I] (unbatched [I]) and states to states. */
abstract class Cell<Name extends StateName> extends Layer {
  /** @internal */
  protected readonly inner: Recurrent;

  constructor(inner: Recurrent) {
    super(inner.core);
    this.inner = inner;
  }

  /** The states behind the step, those before it that are left out being zeros. */
  forward(
    x: Tensor,
    states: Partial<CellStates<Name>> = {},
    { training = false }: { readonly training?: boolean } = {},
  ): CellStates<Name> {
    this.checkUsable();
    checkTensor("x", x, ["..."]);
    const shape = this.outputShape(x.shape);
    checkFlag("training", training);
    const given = this.#renamed("states", states, shape, "0");
    const results = this.#layer.forward({ data: x.data, shape: [1, ...x.shape] }, { ...given, training });
    this.ran(x.shape);
    return this.#results(results, "n");
  }

  /** From dL/d(states behind the step) to those of what went in; adds to the parameters' gradients. */
  backward(d: Partial<CellStates<Name>>): CellStates<Name> & { readonly input: Tensor } {
    const input = this.checkRan();
    const given = this.#renamed("cotangents", d, this.outputShape(input), "n");
    const grads = this.#layer.backward(given);
    this.ran(null);
    return { input: first(grads.input as Tensor), ...this.#results(grads, "0") };
  }

  /** Parameters have the layer's names without the suffix `_l0`. */
  override get parameters(): readonly Parameter[] {
    return this.inner.parameters.map((parameter) => ({ ...parameter, name: parameter.name.replace("_l0", "") }));
  }

  override outputShape(input: Shape): Shape {
    const { inputSize, stateSize } = this.inner;
    if ((input.length !== 1 && input.length !== 2) || input.at(-1) !== inputSize)
      throw new ArgumentRangeError(`x: expected shape [B,${inputSize}] or [${inputSize}], got ${show(input)}`);
    return [...input.slice(0, -1), stateSize];
  }

  override get children(): readonly Layer[] {
    return [this.inner];
  }

  override run(x: number, input: Shape, pass?: Pass): number {
    this.ran(input);
    return this.inner.run(x, [1, ...input], pass);
  }

  override runBackward(dOutput: number, wantInput: boolean, pass?: Pass): number {
    this.checkRan();
    this.ran(null);
    return this.inner.runBackward(dOutput, wantInput, pass);
  }

  /** The layer's calls, by whatever names its states have. */
  get #layer(): {
    forward(x: Tensor, options: object): Record<string, Tensor>;
    backward(d: object): Record<string, Tensor>;
  } {
    return this.inner as never;
  }

  /** States as the layer has them: [1,B,…], and the names with a suffix. */
  #renamed(what: string, states: object, h: Shape, suffix: "0" | "n"): Record<string, Tensor> {
    const names = this.inner.slices[0]?.states ?? [];
    const entries = Object.entries(checkOptions(what, states, names) as Record<string, Tensor | undefined>);
    return Object.fromEntries(
      entries.flatMap(([name, state]) => {
        if (state === undefined) return [];
        const width = name === "h" ? this.inner.stateSize : this.inner.hiddenSize;
        const { data, shape } = checkTensor(name, state, [...h.slice(0, -1), width]);
        return [[name + suffix, { data, shape: [1, ...shape] }]];
      }),
    );
  }

  /** The layer's states under their own names, without its axis of layers. */
  #results(from: Readonly<Record<string, Tensor>>, suffix: "0" | "n"): CellStates<Name> {
    const names = this.inner.slices[0]?.states ?? [];
    return Object.fromEntries(
      names.map((name) => [name, first(from[name + suffix] as Tensor)]),
    ) as unknown as CellStates<Name>;
  }
}

/** A tensor [1,…] without its first axis. */
const first = ({ data, shape }: Tensor): Tensor => ({ data, shape: shape.slice(1) });

/** One step of an LSTM: h [B,R] and c [B,H]. Parameters `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`. */
export class LSTMCell extends Cell<"h" | "c"> {
  constructor(core: Core, options: LSTMCellOptions) {
    super(new LSTM(core, checkCellOptions(options)));
  }
}

/** One step of a GRU: h [B,H]. Parameters `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`. */
export class GRUCell extends Cell<"h"> {
  constructor(core: Core, options: GRUCellOptions) {
    super(new GRU(core, checkCellOptions(options)));
  }
}

/** One step of an RNN: h [B,H]. Parameters `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`. */
export class RNNCell extends Cell<"h"> {
  constructor(core: Core, options: RNNCellOptions) {
    super(new RNN(core, checkCellOptions(options)));
  }
}

/** One step of an sLSTM: h, c, n and m, each [B,H]. Parameters `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`. */
export class SLSTMCell extends Cell<StateName> {
  constructor(core: Core, options: SLSTMCellOptions) {
    super(new SLSTM(core, checkCellOptions(options)));
  }
}

/** One step of a MinGRU: h [B,H]. Parameters `weight_ih` and `bias_ih`. */
export class MinGRUCell extends Cell<"h"> {
  constructor(core: Core, options: MinCellOptions) {
    super(new MinGRU(core, checkCellOptions(options)));
  }
}

/** One step of a MinLSTM: h [B,H]. Parameters `weight_ih` and `bias_ih`. */
export class MinLSTMCell extends Cell<"h"> {
  constructor(core: Core, options: MinCellOptions) {
    super(new MinLSTM(core, checkCellOptions(options)));
  }
}
