// A recurrent layer through the public API, against the float64 oracle.
import {
  type Core,
  GRU,
  type GRUOptions,
  LSTM,
  type LSTMOptions,
  MinGRU,
  MinLSTM,
  type MinOptions,
  RNN,
  type RNNOptions,
  type Shape,
  SLSTM,
  type SLSTMCotangents,
  type SLSTMForwardOptions,
  type Tensor,
} from "lstm-wasm";
import { type Act, run, type Spec, STATES } from "../reference/recurrent.ts";
import { compare, largest } from "./compare.ts";
import { createRandom, randomTensor } from "./random.ts";

/** Sizes, options and what is given. */
export interface Dims {
  readonly cell: Spec["cell"];
  readonly T: number;
  readonly B: number;
  readonly I: number;
  readonly H: number;
  readonly L?: number;
  readonly bidirectional?: boolean;
  readonly bias?: boolean;
  readonly projSize?: number;
  readonly states?: boolean;
  readonly lengths?: readonly number[];
  readonly give?: readonly ("output" | "hn" | "cn" | "nn" | "mn")[];
  /** 1 where a step [T,B] is taken. */
  readonly mask?: readonly number[];
  /** Further options, the same for the layer and the oracle. */
  readonly options?: Partial<
    Pick<Spec, "resetAfter" | "coupled" | "gateClip" | "cellClip" | "positive" | "clipStep">
  > & {
    readonly peephole?: boolean;
    readonly layerNorm?: boolean;
    readonly activations?: readonly { readonly f?: Act; readonly g?: Act; readonly h?: Act }[];
    readonly direction?: "reverse";
  };
  /** Probabilities; the masks that the layer drew are handed to the oracle. */
  readonly noise?: Partial<Record<"zoneout" | "inputDropout" | "recurrentDropout" | "weightDropout", number>>;
  readonly training?: boolean;
}

const PREACTIVATIONS = {
  ...{ LSTM: "ai af ag ao", GRU: "ar az an", RNN: "a", SLSTM: "ai af az ao", MinGRU: "az an", MinLSTM: "af ai an" },
};

/** What differs by more than rounding can explain. */
export function differences(core: Core, dims: Dims): string[] {
  const {
    cell,
    T,
    B,
    I,
    H,
    L = 1,
    bidirectional = false,
    bias = true,
    projSize = 0,
    states = true,
    lengths,
    mask,
  } = dims;
  const random = createRandom(T * 1000 + B * 100 + I * 10 + H);
  const D = bidirectional ? 2 : 1;
  const R = projSize || H;
  const sizes = { inputSize: I, hiddenSize: H, numLayers: L, bidirectional, bias, seed: 3 };
  const { clipStep, ...own } = dims.options ?? {};
  const options = { ...sizes, ...own, ...dims.noise } as LSTMOptions;
  const create = {
    LSTM: () => new LSTM(core, { ...options, projSize }),
    GRU: () => new GRU(core, options as GRUOptions),
    RNN: () => new RNN(core, options as RNNOptions),
    SLSTM: () => new SLSTM(core, options),
    MinGRU: () => new MinGRU(core, options as MinOptions),
    MinLSTM: () => new MinLSTM(core, options as MinOptions),
  };
  using layer = create[cell]() as SLSTM;
  const names = STATES[cell];
  // Gains of 1 and shifts of 0 would hide what is left out.
  if (dims.options?.layerNorm) {
    const state = layer.stateDict();
    for (const name of Object.keys(state).filter((key) => key.includes("_ln_")))
      state[name] = randomTensor(random, (state[name] as Tensor).shape);
    layer.loadStateDict(state);
  }
  const x = randomTensor(random, [T, B, I]);
  const initial = Object.fromEntries(
    names.map((name) => [`${name}0`, randomTensor(random, [L * D, B, name === "h" ? R : H])]),
  );
  // What n counts is not below 0, and here and there it is 0.
  if (initial.n0) initial.n0 = { ...initial.n0, data: initial.n0.data.map((n) => Math.max(0, n + 0.8)) };
  const given: SLSTMForwardOptions = {
    ...(states && initial),
    ...(lengths && { lengths }),
    ...(mask && { mask: { data: Uint8Array.from(mask), shape: [T, B] } }),
    record: true,
    training: dims.training ?? false,
  };
  const got = layer.forward(x, given);
  const shapes: Record<string, Shape> = { output: [T, B, D * R] };
  for (const name of names) shapes[`${name}n`] = [L * D, B, name === "h" ? R : H];
  const cotangents: SLSTMCotangents = Object.fromEntries(
    Object.entries(shapes)
      .filter(([name]) => dims.give?.includes(name as "output") ?? true)
      .map(([name, shape]) => [name, randomTensor(random, shape)]),
  );
  const parameters = layer.stateDict();
  const grads = layer.backward(cotangents, { record: true, ...(clipStep && { clipStep }) });

  const { direction, peephole: _, layerNorm, ...same } = dims.options ?? {};
  const spec: Spec = {
    cell,
    inputSize: I,
    hiddenSize: H,
    numLayers: L,
    bidirectional,
    projSize,
    reverse: direction === "reverse",
    ...same,
  };
  const masks =
    dims.noise &&
    (got.record as unknown as Record<string, Tensor>[]).map((record) =>
      Object.fromEntries(
        ["zone", "xMask", "hMask", "wMask"].flatMap((name) => (record[name] ? [[name, record[name].data]] : [])),
      ),
    );
  const want = run(spec, { x, ...(states && initial), lengths, mask, masks, parameters });
  const wantGrads = want.backward(
    Object.fromEntries(Object.entries(cotangents).map(([name, { data }]) => [name, data])),
  );

  const pairs: [string, ArrayLike<number>, ArrayLike<number>][] = [
    ["output", got.output.data, want.output],
    ["x", grads.input.data, wantGrads.x as Float64Array],
    ...names.flatMap((name): typeof pairs => [
      [`${name}n`, got[`${name}n`].data, want[`${name}n`]],
      [`${name}0`, grads[`${name}0`].data, wantGrads[`${name}0`] as Float64Array],
    ]),
    ...Object.entries(layer.gradients()).map(([name, { data }]): (typeof pairs)[number] => [
      name,
      data,
      wantGrads[name] as Float64Array,
    ]),
  ];
  // Intermediates of every step that was taken.
  got.record?.forEach((record, slice) => {
    const forward = record as unknown as Record<string, Tensor>;
    const backward = grads.record?.[slice] as unknown as Record<string, Tensor>;
    want.record[slice]?.forEach((rows, t) => {
      rows.forEach((names, b) => {
        const at = (tensor: Tensor | undefined, width: number) =>
          tensor?.data.subarray((t * B + b) * width, (t * B + b + 1) * width) ?? [];
        for (const name of ["i", "f", "g", "o", "c", "tanhC", "r", "z", "n", "m", "p"])
          if (names[name]) pairs.push([`${name} at ${t},${b}`, at(forward[name], H), names[name].v]);
        pairs.push([`h at ${t},${b}`, at(forward.h, R), (names.h as { v: Float64Array }).v]);
        pairs.push([`dh at ${t},${b}`, at(backward.dh, R), (names.h as { g: Float64Array }).g]);
        for (const name of ["c", "n", "m"])
          if (backward[`d${name}`])
            pairs.push([`d${name} at ${t},${b}`, at(backward[`d${name}`], H), names[name]?.g ?? []]);
        const gates = PREACTIVATIONS[cell].split(" ").map((name) => names[name]);
        pairs.push([`a at ${t},${b}`, at(forward.a, gates.length * H), gates.flatMap((gate) => [...(gate?.v ?? [])])]);
        pairs.push([
          `da at ${t},${b}`,
          at(backward.da, gates.length * H),
          gates.flatMap((gate) => [...(gate?.g ?? [])]),
        ]);
      });
    });
  });
  // A sum of n float32 terms in ±1 is off by about √n·2⁻²⁴ of its size, a recurrence of T steps repeats that T times;
  // 32 leaves room for the activations' 2 ULP and the growth along several layers.
  // Normalising divides by the deviation of a row, which may be small: ten times as much.
  const epsilon = (layerNorm ? 320 : 32) * 2 ** -24 * Math.sqrt(I + H + T * B) * Math.sqrt(T * L);
  return pairs
    .map(([name, a, b]) => compare(name, a, b, epsilon * Math.max(1, largest(b))))
    .filter(({ ratio }) => !(ratio <= 1))
    .map(({ text }) => text);
}
