// The Jacobian of one step, ∂(h,c) / ∂(h₋,c₋) or of whatever states a cell has, as a matrix of float64 put together by hand from the values of the oracle's
// forward pass: no differentiation of any kind. In two parts that add up: `direct`, what passes through the cell's memory
// alone, and `recurrent`, what passes W_hh or a peephole.
import { type Inputs, type Result, type Spec, STATES, type State } from "./recurrent.ts";

export type Matrix = number[][];

const at = (A: Matrix, i: number, j: number): number => (A[i] as number[])[j] as number;

export const zeros = (rows: number, columns: number): Matrix =>
  Array.from({ length: rows }, () => new Array<number>(columns).fill(0));
export const identity = (n: number): Matrix => zeros(n, n).map((row, i) => row.map((_, j) => (i === j ? 1 : 0)));
export const product = (A: Matrix, B: Matrix): Matrix =>
  A.map((row) => (B[0] as number[]).map((_, j) => row.reduce((total, a, k) => total + a * at(B, k, j), 0)));
export const sum = (...terms: Matrix[]): Matrix =>
  (terms[0] as Matrix).map((row, i) => row.map((_, j) => terms.reduce((total, A) => total + at(A, i, j), 0)));
/** diag(d)·A */
export const scaleRows = (d: readonly number[], A: Matrix): Matrix =>
  A.map((row, i) => row.map((a) => a * (d[i] as number)));
const diagonal = (d: readonly number[]): Matrix => scaleRows(d, identity(d.length));
/** λᵀ·A */
export const pullBack = (lambda: readonly number[], A: Matrix): number[] =>
  (A[0] as number[]).map((_, j) => lambda.reduce((total, value, i) => total + value * at(A, i, j), 0));
const times = (A: Matrix, x: readonly number[]) =>
  A.map((row) => row.reduce((total, a, k) => total + a * (x[k] as number), 0));
const map = (f: (...values: number[]) => number, ...vectors: (readonly number[])[]): number[] =>
  (vectors[0] as readonly number[]).map((_, k) => f(...vectors.map((v) => v[k] as number)));

export interface StepJacobian {
  readonly direct: Matrix;
  readonly recurrent: Matrix;
}

/** ∂ of x̂ = (x − mean)/√(variance + ε). */
function normJacobian(x: readonly number[]): Matrix {
  const n = x.length;
  const mean = x.reduce((a, b) => a + b) / n;
  const scale = 1 / Math.sqrt(x.reduce((total, value) => total + (value - mean) ** 2, 0) / n + 1e-5);
  const hat = x.map((value) => (value - mean) * scale);
  return identity(n).map((row, i) =>
    row.map((delta, j) => scale * (delta - 1 / n - ((hat[i] as number) * (hat[j] as number)) / n)),
  );
}

/** The states of a row, by name. */
export type RowStates = { readonly [Name in State]?: readonly number[] };

/** The slope of an activation where its value is y, with the default α. */
const SLOPES: Readonly<Record<string, (y: number) => number>> = {
  sigmoid: (y) => y * (1 - y),
  tanh: (y) => 1 - y * y,
  hardSigmoid: (y) => (y > 0 && y < 1 ? 0.2 : 0),
  softsign: (y) => (1 - Math.abs(y)) ** 2,
  elu: (y) => (y > 0 ? 1 : y + 1),
};

/** The Jacobian of step t of row b in one slice; states are h [R], then c, n, m [H], as the cell has them. */
export function stepJacobian(
  spec: Spec,
  inputs: Inputs,
  { record }: Result,
  place: { readonly slice: number; readonly suffix: string; readonly t: number; readonly b: number },
  { h: hBefore = [], c: cBefore = [], n: nBefore = [] }: RowStates,
): StepJacobian {
  const { hiddenSize: H, projSize = 0, cell } = spec;
  const R = projSize || H;
  const S = R + (STATES[cell].length - 1) * H;
  const names = record[place.slice]?.[place.t]?.[place.b];
  // A step that is not taken holds everything.
  if (!names) return { direct: identity(S), recurrent: zeros(S, S) };
  const of = (name: string): number[] => [...(names[name]?.v ?? [])];
  const matrix = (name: string, columns: number): Matrix => {
    const values = inputs.parameters[`${name}${place.suffix}`]?.data as ArrayLike<number>;
    return Array.from({ length: values.length / columns }, (_, i) =>
      Array.from({ length: columns }, (_, j) => values[i * columns + j] as number),
    );
  };
  const vector = (name: string): number[] | undefined => {
    const values = inputs.parameters[`${name}${place.suffix}`]?.data;
    return values && Array.from(values);
  };
  const block = (A: Matrix, k: number) => A.slice(k * H, (k + 1) * H);
  const zoned = (jacobian: StepJacobian): StepJacobian => {
    const zone = inputs.masks?.[place.slice]?.zone;
    if (!zone) return jacobian;
    const B = inputs.x.shape[1] as number;
    const share = Array.from({ length: S }, (_, k) => (k < R ? (zone[(place.t * B + place.b) * R + k] as number) : 1));
    const held = diagonal(share.map((value) => 1 - value));
    return {
      direct: sum(scaleRows(share, jacobian.direct), held),
      recurrent: scaleRows(share, jacobian.recurrent),
    };
  };
  if (cell === "MinGRU") return zoned({ direct: diagonal(of("z").map((z) => 1 - z)), recurrent: zeros(S, S) });
  if (cell === "MinLSTM") return zoned({ direct: diagonal(of("p")), recurrent: zeros(S, S) });
  const whh = matrix("weight_hh", R);
  if (cell === "RNN")
    return zoned({
      direct: zeros(S, S),
      recurrent: scaleRows(
        map((h) => 1 - h * h, rnnValue(names)),
        whh,
      ),
    });
  const acts = spec.activations?.[place.slice];
  const slopeOf = (name: string) => SLOPES[name] as (y: number) => number;
  const slope = slopeOf(acts?.f?.name ?? "sigmoid");
  const slopeG = slopeOf(acts?.g?.name ?? "tanh");
  const slopeH = slopeOf(acts?.h?.name ?? "tanh");
  if (cell === "GRU") {
    const [r, z, n] = [of("r"), of("z"), of("n")];
    const [wr, wz, wn] = [block(whh, 0), block(whh, 1), block(whh, 2)];
    const through = map((zk, nk) => (1 - zk) * (1 - nk * nk), z, n);
    const dr = scaleRows(r.map(slope), wr);
    const q = map((w, b) => w + b, times(wn, hBefore), vector("bias_hh")?.slice(2 * H) ?? new Array(H).fill(0));
    const inner =
      (spec.resetAfter ?? true)
        ? sum(scaleRows(r, wn), scaleRows(q, dr))
        : product(wn, sum(diagonal(r), scaleRows(hBefore, dr)));
    const recurrent = sum(
      scaleRows(through, inner),
      scaleRows(
        map((h, nk, zk) => (h - nk) * slope(zk), hBefore, n, z),
        wz,
      ),
    );
    return zoned({ direct: diagonal(z), recurrent });
  }
  if (cell === "SLSTM") {
    const [i, f, z, o, c, n] = [of("i"), of("f"), of("z"), of("o"), of("c"), of("n")];
    const nothing = zeros(H, H);
    /** A matrix [H,4H] from its blocks for h₋, c₋, n₋ and m₋. */
    const wide = (h: Matrix, cc = nothing, nn = nothing, mm = nothing): Matrix =>
      h.map((row, k) => [row, cc[k], nn[k], mm[k]].flatMap((part) => part as number[]));
    const [ai, dz, dO] = [
      wide(block(whh, 0)),
      wide(
        scaleRows(
          z.map((zk) => 1 - zk * zk),
          block(whh, 2),
        ),
      ),
      wide(scaleRows(o.map(slope), block(whh, 3))),
    ];
    const l = wide(
      scaleRows(
        of("af").map((a) => 1 / (1 + Math.exp(a))),
        block(whh, 1),
      ),
      nothing,
      nothing,
      identity(H),
    );
    // Which of l and a_i is the larger decides which of f and i is 1.
    const first = map((nk, mk, ak) => (nk !== 0 && mk > ak ? 1 : 0), nBefore, of("m"), of("ai"));
    const rest = first.map((value) => 1 - value);
    const minus = (A: Matrix) => A.map((row) => row.map((value) => -value));
    const dI = scaleRows(
      map((ik, k) => ik * k, i, first),
      sum(ai, minus(l)),
    );
    const dF = scaleRows(
      map((fk, k) => fk * k, f, rest),
      sum(l, minus(ai)),
    );
    const dM = sum(scaleRows(first, l), scaleRows(rest, ai));
    const keeps = wide(nothing, diagonal(f));
    const dCRest = sum(scaleRows(cBefore, dF), scaleRows(z, dI), scaleRows(i, dz));
    const dN = sum(scaleRows(nBefore, dF), wide(nothing, nothing, diagonal(f)), dI);
    const perN = map((ok, nk) => ok / nk, o, n);
    const dHRest = sum(
      scaleRows(
        map((ck, nk) => ck / nk, c, n),
        dO,
      ),
      scaleRows(perN, dCRest),
      scaleRows(
        map((share, ck, nk) => (-share * ck) / nk, perN, c, n),
        dN,
      ),
    );
    return zoned({
      direct: [...scaleRows(perN, keeps), ...keeps, ...zeros(2 * H, S)],
      recurrent: [...dHRest, ...dCRest, ...dN, ...dM],
    });
  }
  const [i, f, g, o, c, y] = [of("i"), of("f"), of("g"), of("o"), of("c"), of("tanhC")];
  // ∂a/∂h₋, normalised or not.
  let A = whh;
  const gain = vector("weight_ln_hh");
  if (gain) A = scaleRows(gain, product(normJacobian(times(whh, hBefore)), whh));
  const peepholes = vector("weight_ph");
  const peep = (k: number) => diagonal(peepholes?.slice(k * H, (k + 1) * H) ?? new Array(H).fill(0));
  const [Ai, Af, Ag, Ao] = [0, 1, 2, 3].map((k) => block(A, k)) as [Matrix, Matrix, Matrix, Matrix];
  const di = map((ik, gk) => gk * slope(ik), i, g);
  // With a coupled gate f is 1 − i.
  const df = map((fk, before) => before * slope(fk), f, cBefore);
  const clipped = c.map((value) => (spec.cellClip && !(Math.abs(value) < spec.cellClip) ? 0 : 1));
  const fromF = spec.coupled ? map((ik, before) => -before * slope(ik), i, cBefore) : df;
  const cFromH = scaleRows(
    clipped,
    sum(
      scaleRows(di, Ai),
      scaleRows(fromF, spec.coupled ? Ai : Af),
      scaleRows(
        map((ik, gk) => ik * slopeG(gk), i, g),
        Ag,
      ),
    ),
  );
  const cFromC = scaleRows(clipped, diagonal(f));
  const cFromPeep = scaleRows(clipped, sum(scaleRows(di, peep(0)), scaleRows(fromF, peep(spec.coupled ? 0 : 1))));
  // ∂(o·φ(c)) with o held, and by way of o.
  const norm = vector("weight_ln_c");
  const squash = scaleRows(
    map((ok, yk) => ok * slopeH(yk), o, y),
    norm ? scaleRows(norm, normJacobian(c)) : identity(H),
  );
  const dO = map((ok, yk) => yk * slope(ok), o, y);
  const dOfC = scaleRows(dO, peep(2));
  const fromC = sum(squash, dOfC);
  const project = (M: Matrix) => (projSize ? product(matrix("weight_hr", H), M) : M);
  const hFromH = project(sum(scaleRows(dO, Ao), product(fromC, cFromH)));
  const hFromC = project(product(squash, cFromC));
  const hFromPeep = project(sum(product(fromC, cFromPeep), product(dOfC, cFromC)));
  const stack = (hh: Matrix, hc: Matrix, ch: Matrix, cc: Matrix): Matrix => [
    ...hh.map((row, k) => [...row, ...(hc[k] as number[])]),
    ...ch.map((row, k) => [...row, ...(cc[k] as number[])]),
  ];
  return zoned({
    direct: stack(zeros(R, R), hFromC, zeros(H, R), cFromC),
    recurrent: stack(hFromH, hFromPeep, cFromH, cFromPeep),
  });
}

/** An RNN's new h, before zoneout: tanh a. */
const rnnValue = (names: Readonly<Record<string, { readonly v: Float64Array }>>): number[] =>
  [...(names.a?.v ?? [])].map(Math.tanh);
