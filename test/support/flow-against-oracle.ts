// The flow of the kernels through a layer of one level, against products of Jacobians put together by hand in float64.
import { type Core, GRU, LSTM, type LSTMOptions, MinGRU, MinLSTM, RNN, SLSTM, type Tensor } from "lstm-wasm";
import { type FlowTable, readTable } from "../../bindings/flow/data.ts";
import { readNorms } from "../../bindings/flow/norms.ts";
import { pullBack, type RowStates, stepJacobian, sum } from "../reference/jacobians.ts";
import { type Result, run, type Spec, STATES } from "../reference/recurrent.ts";
import type { Dims } from "./against-oracle.ts";
import { compare, largest } from "./compare.ts";
import { createRandom, randomTensor } from "./random.ts";

const NAMES = ["dh", "dc", "state", "arrived", "direct", "recurrent"] as const;
export type Curves = Record<(typeof NAMES)[number], number[]>;

/** Norms over the batch, by lag, of one slice. */
export function oracleFlow(
  spec: Spec,
  inputs: Parameters<typeof run>[1],
  result: Result,
  slice: number,
  /** The gradient of a slot's h that is the output's own [T,B,R], in the order of time, and of the last states. */
  own: {
    readonly output: (t: number, b: number) => number[];
    readonly hn: (b: number) => number[];
    readonly cn: (b: number) => number[];
  },
): Curves {
  const [T, B] = inputs.x.shape as [number, number];
  const { hiddenSize: H, projSize = 0, cell } = spec;
  const R = projSize || H;
  const reverse = (spec.reverse ?? false) || (slice % 2 === 1 && (spec.bidirectional ?? false));
  const suffix = `_l0${reverse ? "_reverse" : ""}`;
  const names = STATES[cell];
  // Norms are of h and c; n and m of an sLSTM only pass gradients on.
  const measured = R + (names.length > 1 ? H : 0);
  const squares: Curves = Object.fromEntries(NAMES.map((name) => [name, new Array(T + 1).fill(0)])) as Curves;
  const add = (name: keyof Curves, lag: number, ...parts: readonly (readonly number[])[]) => {
    for (const part of parts)
      for (const value of part.slice(0, measured)) squares[name][lag] = (squares[name][lag] as number) + value * value;
  };
  for (let b = 0; b < B; b++) {
    // The states in the order of the pass.
    const order = Array.from({ length: T }, (_, n) => (reverse ? T - 1 - n : n));
    const zero = (given: ArrayLike<number> | undefined, width: number) =>
      Array.from({ length: width }, (_, k) => given?.[(slice * B + b) * width + k] ?? 0);
    const states: RowStates[] = [
      Object.fromEntries(names.map((name) => [name, zero(inputs[`${name}0`]?.data, name === "h" ? R : H)])),
    ];
    for (const t of order) {
      const values = result.record[slice]?.[t]?.[b];
      const before = states.at(-1) as RowStates;
      states.push(values ? Object.fromEntries(names.map((name) => [name, [...(values[name]?.v ?? [])]])) : before);
    }
    let lambda = [...own.hn(b), ...(names.length > 1 ? own.cn(b) : []), ...zero(undefined, (names.length - 2) * H)];
    let direct = lambda.map(() => 0);
    let arrived = lambda.map(() => 0);
    for (let lag = 0; lag <= T; lag++) {
      const t = order[T - 1 - lag];
      const here = t === undefined ? new Array<number>(R).fill(0) : own.output(t, b);
      const recurrent = arrived.map((value, k) => value - (direct[k] as number));
      if (lag > 0) {
        add("arrived", lag, arrived);
        add("direct", lag, direct);
        add("recurrent", lag, recurrent);
      }
      const given = lag === 0 ? lambda : arrived;
      lambda = given.map((value, k) => value + (k < R ? (here[k] as number) : 0));
      const p = lag === 0 ? lambda : direct.map((value, k) => value + (k < R ? (here[k] as number) : 0));
      add("state", lag, lambda);
      add("dh", lag, lambda.slice(0, R));
      if (t === undefined) {
        add("dc", lag, lambda.slice(R, measured));
        break;
      }
      const { direct: D, recurrent: J } = stepJacobian(
        spec,
        inputs,
        result,
        { slice, suffix, t, b },
        states[T - 1 - lag] as RowStates,
      );
      // dL/dc along every path is not an argument's gradient: the autodiff of the oracle has it.
      add("dc", lag, [...(result.record[slice]?.[t]?.[b]?.c?.g ?? lambda.slice(R, measured))]);
      arrived = pullBack(lambda, sum(D, J));
      direct = pullBack(p, D);
    }
  }
  for (const name of NAMES) squares[name] = squares[name].map(Math.sqrt);
  return squares;
}

/** What differs by more than rounding explains, in every slice. */
export function flowDifferences(core: Core, dims: Dims): string[] {
  const { cell, T, B, I, H, bidirectional = false, projSize = 0, lengths, mask } = dims;
  const random = createRandom(T * 1000 + B * 100 + I * 10 + H);
  const D = bidirectional ? 2 : 1;
  const R = projSize || H;
  const sizes = { inputSize: I, hiddenSize: H, bidirectional, seed: 3, projSize, ...dims.options, ...dims.noise };
  const { projSize: _, ...hidden } = sizes;
  using layer = (
    cell === "LSTM"
      ? new LSTM(core, sizes as LSTMOptions)
      : new { GRU, RNN, SLSTM, MinGRU, MinLSTM }[cell](core, hidden as LSTMOptions)
  ) as LSTM;
  const parameters = layer.stateDict();
  for (const name of Object.keys(parameters).filter((key) => key.includes("_ln_")))
    parameters[name] = randomTensor(random, (parameters[name] as Tensor).shape);
  layer.loadStateDict(parameters);
  const x = randomTensor(random, [T, B, I]);
  const h0 = randomTensor(random, [D, B, R]);
  const hasC = STATES[cell].length > 1;
  const c0 = hasC ? randomTensor(random, [D, B, H]) : undefined;
  const got = layer.forward(x, {
    ...{ h0, record: true, training: dims.training ?? false },
    ...(c0 && { c0 }),
    ...(lengths && { lengths }),
    ...(mask && { mask: { data: Uint8Array.from(mask), shape: [T, B] } }),
  });
  const give = dims.give ?? ["output", "hn", "cn"];
  const output = give.includes("output") ? randomTensor(random, [T, B, D * R]) : undefined;
  const hn = give.includes("hn") ? randomTensor(random, [D, B, R]) : undefined;
  const cn = give.includes("cn") && hasC ? randomTensor(random, [D, B, H]) : undefined;
  layer.backward({ ...(output && { output }), ...(hn && { hn }), ...(cn && { cn }) }, { flow: true });

  const { direction, peephole: _p, layerNorm: _l, ...same } = dims.options ?? {};
  const spec: Spec = {
    cell,
    inputSize: I,
    hiddenSize: H,
    bidirectional,
    projSize,
    reverse: direction === "reverse",
    ...same,
  };
  const masks = (got.record as unknown as Record<string, Tensor>[]).map(({ zone }) =>
    zone ? { zone: zone.data } : {},
  );
  const inputs = { x, h0, c0, lengths, mask, masks, parameters };
  const result = run(spec, inputs);
  result.backward({ output: output?.data, hn: hn?.data, cn: cn?.data });
  return layer.slices.flatMap((slice, k) => {
    const part = (values: Tensor | undefined, from: number, width: number) =>
      Array.from({ length: width }, (_, j) => values?.data[from + j] ?? 0);
    const want = oracleFlow(spec, inputs, result, k, {
      // Past its length a sequence's output is 0 whatever h is.
      output: (t, b) =>
        lengths && t >= (lengths[b] as number) ? new Array(R).fill(0) : part(output, ((t * B + b) * D + k) * R, R),
      hn: (b) => part(hn, (k * B + b) * R, R),
      cn: (b) => (hasC ? part(cn, (k * B + b) * H, H) : []),
    });
    const norms = readNorms(readTable(slice) as FlowTable, slice);
    return NAMES.flatMap((name) => {
      const curve = norms[name];
      if (!curve) return [];
      // As in against-oracle.ts; differences of two parts are as exact as the larger one.
      const epsilon = (dims.options?.layerNorm ? 320 : 32) * 2 ** -24 * Math.sqrt((I + H + T * B) * T);
      return curve.flatMap((value, lag) => {
        const atol = epsilon * largest([want.state[lag] as number, want.dc[lag] as number, 1e-30]);
        const { ratio, text } = compare(
          `slice ${k}: ${name} at lag ${lag}`,
          [value],
          [want[name][lag] as number],
          atol,
        );
        return ratio <= 1 ? [] : [text];
      });
    });
  });
}
