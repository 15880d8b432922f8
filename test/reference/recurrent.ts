// The float64 oracle: every recurrent cell with every option, one row of one step at a time, from the equations in
// assembly/cells/*.ts. Slow and plain on purpose.
import { Tape, type Vec } from "./autodiff.ts";

export interface Values {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
}

/** An activation with its derivative; α and β as in bindings/layers/activation.ts. */
export interface Act {
  readonly name: string;
  readonly alpha?: number;
  readonly beta?: number;
}

export interface Spec {
  readonly cell: "LSTM" | "GRU" | "RNN" | "SLSTM" | "MinGRU" | "MinLSTM";
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly numLayers?: number;
  readonly bidirectional?: boolean;
  readonly reverse?: boolean;
  readonly projSize?: number;
  readonly resetAfter?: boolean;
  readonly coupled?: boolean;
  readonly gateClip?: number;
  readonly cellClip?: number;
  readonly positive?: boolean;
  /** Bound on dL/da at every step. */
  readonly clipStep?: number;
  /** One a direction, by letter; defaults are PyTorch's. */
  readonly activations?: readonly { readonly f?: Act; readonly g?: Act; readonly h?: Act }[];
}

export interface Inputs {
  /** [T,B,I] */
  readonly x: Values;
  readonly h0?: Values | undefined;
  readonly c0?: Values | undefined;
  readonly n0?: Values | undefined;
  readonly m0?: Values | undefined;
  /** Valid steps of each sequence; output is 0 past them. */
  readonly lengths?: readonly number[] | undefined;
  /** 1 where a step [T,B] is taken, 0 where the state is held and repeated. */
  readonly mask?: ArrayLike<number> | undefined;
  /** What is multiplied in, for each slice: shares of zoneout [T,B,R], masks on x [B,I], on h [B,R], on W_hh. */
  readonly masks?:
    | readonly Readonly<Partial<Record<"zone" | "xMask" | "hMask" | "wMask", ArrayLike<number>>>>[]
    | undefined;
  /** By PyTorch's names. */
  readonly parameters: Readonly<Record<string, Values>>;
}

/** What a step of one row of one slice computed, by name. */
type StepRecord = Record<string, Vec>;

/** What each cell carries from step to step. */
export const STATES = {
  ...{ LSTM: ["h", "c"], GRU: ["h"], RNN: ["h"], SLSTM: ["h", "c", "n", "m"], MinGRU: ["h"], MinLSTM: ["h"] },
} as const satisfies Record<Spec["cell"], readonly State[]>;
export type State = "h" | "c" | "n" | "m";
/** Gates of each cell. */
export const GATES = { LSTM: 4, GRU: 3, RNN: 1, SLSTM: 4, MinGRU: 2, MinLSTM: 3 };

/** Gradients of results; none counts as zero. */
export type Cotangents = { readonly [Name in "output" | `${State}n`]?: ArrayLike<number> | undefined };

export interface Result {
  readonly output: Float64Array;
  /** Final states; those that the cell has not are empty. */
  readonly hn: Float64Array;
  readonly cn: Float64Array;
  readonly nn: Float64Array;
  readonly mn: Float64Array;
  /** slice → t → b. */
  readonly record: readonly (readonly StepRecord[])[][];
  /** Gradients of everything that went in, by name, for gradients of the results. */
  backward(d: Cotangents): Record<string, Float64Array>;
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** Functions and derivatives by name. */
const ACTS: Record<string, (a: number, b: number) => [(x: number) => number, (x: number) => number]> = {
  sigmoid: () => [sigmoid, (x) => sigmoid(x) * (1 - sigmoid(x))],
  tanh: () => [Math.tanh, (x) => 1 - Math.tanh(x) ** 2],
  relu: () => [(x) => Math.max(0, x), (x) => (x > 0 ? 1 : 0)],
  affine: (a, b) => [(x) => a * x + b, () => a],
  leakyRelu: (a) => [(x) => (x >= 0 ? x : a * x), (x) => (x >= 0 ? 1 : a)],
  thresholdedRelu: (a) => [(x) => (x > a ? x : 0), (x) => (x > a ? 1 : 0)],
  scaledTanh: (a, b) => [(x) => a * Math.tanh(b * x), (x) => a * b * (1 - Math.tanh(b * x) ** 2)],
  hardSigmoid: (a, b) => [(x) => Math.min(1, Math.max(0, a * x + b)), (x) => (a * x + b > 0 && a * x + b < 1 ? a : 0)],
  elu: (a) => [(x) => (x >= 0 ? x : a * Math.expm1(x)), (x) => (x >= 0 ? 1 : a * Math.exp(x))],
  softsign: () => [(x) => x / (1 + Math.abs(x)), (x) => 1 / (1 + Math.abs(x)) ** 2],
  softplus: () => [(x) => Math.log1p(Math.exp(-Math.abs(x))) + Math.max(x, 0), sigmoid],
};

/** Candidate of the minimal cells, and its derivative. */
const G: [(x: number) => number, (x: number) => number] = [
  (x) => (x < 0 ? sigmoid(x) : x + 0.5),
  (x) => (x < 0 ? sigmoid(x) * (1 - sigmoid(x)) : 1),
];

const DEFAULT_ALPHA: Record<string, number> = {
  affine: 1,
  leakyRelu: 0.01,
  thresholdedRelu: 1,
  scaledTanh: 1,
  hardSigmoid: 0.2,
  elu: 1,
};
const DEFAULT_BETA: Record<string, number> = { scaledTanh: 1, hardSigmoid: 0.5 };

/** An activation of every element. */
export function activate(tape: Tape, { name, alpha, beta }: Act, x: Vec): Vec {
  const [f, slope] = (ACTS[name] as (typeof ACTS)[string])(
    alpha ?? DEFAULT_ALPHA[name] ?? 0,
    beta ?? DEFAULT_BETA[name] ?? 0,
  );
  return tape.map(x, f, slope);
}

export function run(spec: Spec, inputs: Inputs): Result {
  const tape = new Tape();
  const [T, B, I] = inputs.x.shape as [number, number, number];
  const { hiddenSize: H, numLayers: L = 1, bidirectional = false } = spec;
  const R = spec.projSize || H;
  const D = bidirectional ? 2 : 1;
  const leaves: Record<string, Vec> = {};
  for (const [name, { data }] of Object.entries(inputs.parameters)) leaves[name] = tape.leaf(data);
  const rows = (values: Values | undefined, n: number, width: number): Vec[] =>
    Array.from({ length: n }, (_, k) =>
      values
        ? tape.leaf(Array.from({ length: width }, (_, j) => values.data[k * width + j] as number))
        : tape.zeros(width),
    );
  const valid = (t: number, b: number): boolean =>
    inputs.lengths ? t < (inputs.lengths[b] as number) : inputs.mask ? inputs.mask[t * B + b] === 1 : true;
  // Rows that nobody may look at: NaN would show it.
  const xs = rows(inputs.x, T * B, I);
  const names: readonly State[] = STATES[spec.cell];
  const width = (name: State) => (name === "h" ? R : H);
  const initial = names.map((name) => rows(inputs[`${name}0`], L * D * B, width(name)));
  const final: Vec[][] = names.map(() => []);
  const record: StepRecord[][][] = [];

  let layerInput: Vec[] = xs;
  for (let layer = 0; layer < L; layer++) {
    const outputs: Vec[][] = [];
    for (let direction = 0; direction < D; direction++) {
      const slice = layer * D + direction;
      const backwards = direction === 1 || (spec.reverse ?? false);
      const suffix = `_l${layer}${backwards ? "_reverse" : ""}`;
      const masks = inputs.masks?.[slice] ?? {};
      /** Row k of a mask, times a vector; the vector itself without the mask. */
      const masked = (name: "xMask" | "hMask", b: number, x: Vec) => {
        const mask = masks[name];
        return mask ? tape.multiply(x, tape.leaf(Array.from(x.v, (_, k) => mask[b * x.v.length + k] as number))) : x;
      };
      const step = createStep(tape, spec, leaves, suffix, direction, masks.wMask);
      const out: Vec[] = new Array(T * B);
      record[slice] = Array.from({ length: T }, () => []);
      for (let b = 0; b < B; b++) {
        // A sequence without a step ends in zeros, whatever it started from.
        const empty = inputs.lengths?.[b] === 0;
        let held = names.map((name, k) => (empty ? tape.zeros(width(name)) : (initial[k]?.[slice * B + b] as Vec)));
        for (let n = 0; n < T; n++) {
          const t = backwards ? T - 1 - n : n;
          const h = held[0] as Vec;
          if (valid(t, b)) {
            const now = step(masked("xMask", b, layerInput[t * B + b] as Vec), held, masked("hMask", b, h));
            const { zone } = masks;
            if (zone) {
              const share = tape.leaf(Array.from(h.v, (_, k) => zone[(t * B + b) * R + k] as number));
              now.h = tape.add(tape.multiply(share, now.h as Vec), tape.multiply(tape.rest(share), h));
            }
            held = names.map((name) => now[name] as Vec);
            ((record[slice] as StepRecord[][])[t] as StepRecord[])[b] = now;
          }
          // Past its length a sequence's output is 0; where it is masked, the held state.
          out[t * B + b] = inputs.lengths && !valid(t, b) ? tape.zeros(R) : (held[0] as Vec);
        }
        held.forEach((state, k) => {
          (final[k] as Vec[])[slice * B + b] = state;
        });
      }
      outputs.push(out);
    }
    layerInput = (outputs[0] as Vec[]).map((first, row) =>
      D === 1 ? first : tape.concat(first, (outputs[1] as Vec[])[row] as Vec),
    );
  }
  const flat = (vecs: readonly Vec[], which: "v" | "g") => Float64Array.from(vecs.flatMap((vec) => [...vec[which]]));
  const give = (vecs: readonly Vec[], values: ArrayLike<number> | undefined) => {
    let at = 0;
    for (const { g } of vecs) for (let k = 0; k < g.length; k++) g[k] = (g[k] as number) + (values?.[at++] ?? 0);
  };
  const end = (name: State) => flat(final[names.indexOf(name)] ?? [], "v");
  return {
    output: flat(layerInput, "v"),
    ...{ hn: end("h"), cn: end("c"), nn: end("n"), mn: end("m") },
    record,
    backward(d) {
      give(layerInput, d.output);
      names.forEach((name, k) => {
        give(final[k] as Vec[], d[`${name}n`]);
      });
      tape.backward();
      return {
        x: flat(xs, "g"),
        ...Object.fromEntries(names.map((name, k) => [`${name}0`, flat(initial[k] as Vec[], "g")])),
        ...Object.fromEntries(Object.entries(leaves).map(([name, { g }]) => [name, g])),
      };
    },
  };
}

/** From x, the states h, c, …, and h as W_hh sees it. */
type Step = (x: Vec, states: readonly Vec[], seen: Vec) => StepRecord;

function createStep(
  tape: Tape,
  spec: Spec,
  leaves: Record<string, Vec>,
  suffix: string,
  direction: number,
  wMask: ArrayLike<number> | undefined,
): Step {
  const { hiddenSize: H, gateClip = 0, cellClip = 0, clipStep = 0 } = spec;
  const leaf = (name: string) => leaves[`${name}${suffix}`];
  const wih = leaf("weight_ih") as Vec;
  const whh = wMask ? tape.multiply(leaf("weight_hh") as Vec, tape.leaf(wMask)) : (leaf("weight_hh") as Vec);
  const block = (v: Vec, k: number) => tape.part(v, k * H, H);
  const [bih, bhh, whr, ph] = [leaf("bias_ih"), leaf("bias_hh"), leaf("weight_hr"), leaf("weight_ph")];
  const given = spec.activations?.[direction] ?? {};
  const act = (which: Act | undefined, otherwise: string) => (x: Vec) =>
    activate(tape, which ?? { name: otherwise }, x);
  const clip = (x: Vec, limit: number) =>
    limit === 0
      ? x
      : tape.map(
          x,
          (value) => Math.min(limit, Math.max(-limit, value)),
          (value) => (Math.abs(value) <= limit ? 1 : 0),
        );
  /** What an activation gets: gradients are bounded on their way out of it, values on their way in. */
  const argument = (a: Vec) => clip(clipStep ? tape.boundGradient(a, clipStep) : a, gateClip);
  const bias = (b: Vec | undefined, x: Vec) => (b ? tape.add(x, b) : x);

  if (spec.cell === "RNN") {
    const f = act(given.f, "tanh");
    return (x, _, seen) => {
      const a = bias(bhh, tape.add(bias(bih, tape.product(wih, x)), tape.product(whh, seen)));
      return { a, h: f(argument(a)) };
    };
  }

  if (spec.cell === "GRU") {
    const [f, g] = [act(given.f, "sigmoid"), act(given.g, "tanh")];
    return (x, [h = x], seen) => {
      const p = bias(bih, tape.product(wih, x)); // (1)
      const q = bias(bhh, tape.product(whh, seen));
      const ar = tape.add(block(p, 0), block(q, 0));
      const az = tape.add(block(p, 1), block(q, 1));
      const r = f(argument(ar)); // (2)
      const z = f(argument(az));
      const reset = tape.product(whh, tape.multiply(r, seen), 2 * H, H);
      const rec =
        (spec.resetAfter ?? true) ? tape.multiply(r, block(q, 2)) : bhh ? tape.add(reset, block(bhh, 2)) : reset;
      const an = tape.add(block(p, 2), rec); // (3), (3b)
      const n = g(argument(an));
      return { ar, az, an, r, z, n, h: tape.add(tape.multiply(tape.rest(z), n), tape.multiply(z, h)) }; // (4)
    };
  }

  const sigma = (x: Vec) => activate(tape, { name: "sigmoid" }, x);
  const negative = (x: Vec) => tape.subtract(tape.zeros(H), x);
  const logSigma = (x: Vec) => negative(activate(tape, { name: "softplus" }, negative(x)));
  if (spec.cell === "SLSTM") {
    const exp = (x: Vec) => tape.map(x, Math.exp, Math.exp);
    return (x, [, cPrev, nPrev, mPrev] = [], seen) => {
      const a = bias(bhh, tape.add(bias(bih, tape.product(wih, x)), tape.product(whh, seen))); // (1)
      const [ai, af, az, ao] = [0, 1, 2, 3].map((k) => block(a, k)) as [Vec, Vec, Vec, Vec];
      const [bi, bf, bz, bo] = [ai, af, az, ao].map(argument) as [Vec, Vec, Vec, Vec];
      const z = activate(tape, { name: "tanh" }, bz); // (2)
      const o = sigma(bo);
      const l = tape.add(logSigma(bf), mPrev as Vec);
      const some = (k: number) => nPrev?.v[k] !== 0;
      const m = tape.select((k) => some(k) && (l.v[k] as number) > (bi.v[k] as number), l, bi); // (3)
      const i = exp(tape.subtract(bi, m)); // (4)
      const forget = tape.select(some, exp(tape.subtract(l, m)), tape.zeros(H));
      const c = tape.add(tape.multiply(forget, cPrev as Vec), tape.multiply(i, z)); // (5)
      const n = tape.add(tape.multiply(forget, nPrev as Vec), i);
      const h = tape.multiply(o, tape.divide(c, n)); // (6)
      // As a state m is a value of its own: its gradient is what later steps give it, not what (4) does.
      return { ai, af, az, ao, i, f: forget, z, o, c, n, m: tape.add(m), h };
    };
  }

  if (spec.cell === "MinGRU" || spec.cell === "MinLSTM") {
    // (2g): x + ½ for x ≥ 0, else σ(x).
    const g = (x: Vec) => (spec.positive ? tape.map(x, ...G) : x);
    const mean = (share: Vec, a: Vec, b: Vec) => tape.add(tape.multiply(share, a), tape.multiply(tape.rest(share), b));
    return (x, [h = x]) => {
      const a = bias(bih, tape.product(wih, x)); // (1)
      if (spec.cell === "MinGRU") {
        const [az, an] = [block(a, 0), block(a, 1)];
        const z = sigma(argument(az)); // (2)
        const n = g(argument(an));
        return { az, an, z, n, h: mean(z, n, h) }; // (3)
      }
      const [af, ai, an] = [block(a, 0), block(a, 1), block(a, 2)];
      const f = sigma(argument(af)); // (2)
      const i = sigma(argument(ai));
      const n = g(argument(an));
      const p = tape.divide(f, tape.add(f, i)); // (3)
      return { af, ai, an, f, i, n, p, h: mean(p, h, n) }; // (4)
    };
  }

  const [f, g, act3] = [act(given.f, "sigmoid"), act(given.g, "tanh"), act(given.h, "tanh")];
  const [gainIh, gainHh, gainC, shiftC] = ["weight_ln_ih", "weight_ln_hh", "weight_ln_c", "bias_ln_c"].map(leaf);
  const normal = (gain: Vec | undefined, v: Vec) => (gain ? tape.multiply(gain, tape.normalise(v, 1e-5)) : v); // (1n), (4n)
  return (x, [, cPrev = x] = [], seen) => {
    const [fromX, fromH] = [normal(gainIh, tape.product(wih, x)), normal(gainHh, tape.product(whh, seen))];
    const a = bias(bhh, tape.add(bias(bih, fromX), fromH)); // (1)
    const peep = (k: number, gate: number, c: Vec) => {
      const pre = tape.part(a, gate * H, H);
      return ph ? tape.add(pre, tape.multiply(tape.part(ph, k * H, H), c)) : pre; // (1p)
    };
    const [ai, af, ag] = [peep(0, 0, cPrev), peep(1, 1, cPrev), tape.part(a, 2 * H, H)];
    const i = f(argument(ai)); // (2)
    const forget = spec.coupled ? tape.rest(i) : f(argument(af));
    const cand = g(argument(ag));
    const c = clip(tape.add(tape.multiply(forget, cPrev), tape.multiply(i, cand)), cellClip); // (3), (3c)
    const ao = peep(2, 3, c);
    const o = f(argument(ao));
    const tanhC = act3(bias(shiftC, normal(gainC, c)));
    const m = tape.multiply(o, tanhC); // (4)
    return { ai, af, ag, ao, i, f: forget, g: cand, o, c, tanhC, h: whr ? tape.product(whr, m) : m };
  };
}
