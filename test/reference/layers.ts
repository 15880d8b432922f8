// The float64 oracle of the other layers, from the equations in assembly/layers/*.ts and assembly/math/norm.ts, one row at
// a time; and of layers one after the other.
import { Tape, type Vec } from "./autodiff.ts";
import { type Act, activate, run, type Spec, type Values } from "./recurrent.ts";

export type Parameters = Readonly<Record<string, Values>>;

/** What a layer answers: its output, and from the gradient of that the gradients of x and of the parameters. */
export interface Answer {
  readonly output: Values;
  backward(dOutput: ArrayLike<number>): Record<string, Float64Array>;
}

export type OracleLayer = (x: Values, parameters: Parameters) => Answer;

type Shape = readonly number[];

/** A layer by the rows of its output along the last axis, from x in one vector, and the shape of them together. */
const layer =
  (
    equations: (
      tape: Tape,
      x: Vec,
      leaves: Readonly<Record<string, Vec | undefined>>,
      shapes: { readonly x: Shape; readonly weight: Shape },
    ) => { readonly rows: readonly Vec[]; readonly shape: Shape },
  ): OracleLayer =>
  (given, parameters) => {
    const tape = new Tape();
    const x = tape.leaf(given.data);
    const leaves = Object.fromEntries(Object.entries(parameters).map(([name, { data }]) => [name, tape.leaf(data)]));
    const { rows, shape } = equations(tape, x, leaves, { x: given.shape, weight: parameters.weight?.shape ?? [] });
    const output = tape.concat(...rows);
    return {
      output: { data: output.v, shape },
      backward(dOutput) {
        output.g.set(dOutput);
        tape.backward();
        return { x: x.g, ...Object.fromEntries(Object.entries(leaves).map(([name, { g }]) => [name, g])) };
      },
    };
  };

const range = (n: number) => Array.from({ length: n }, (_, k) => k);

/** The rows of x along its last axis. */
const rowsOf = (tape: Tape, x: Vec, shape: Shape): Vec[] => {
  const width = shape.at(-1) as number;
  return range(x.v.length / width).map((row) => tape.part(x, row * width, width));
};

const plus = (tape: Tape, x: Vec, bias: Vec | undefined) => (bias ? tape.add(x, bias) : x);

export const linear = layer((tape, x, { weight, bias }, shapes) => ({
  rows: rowsOf(tape, x, shapes.x).map((row) => plus(tape, tape.product(weight as Vec, row), bias)),
  shape: [...shapes.x.slice(0, -1), shapes.weight[0] as number],
}));

/** x is no variable here, and neither is the padding row. */
export const embedding = (paddingIdx?: number) =>
  layer((tape, x, { weight }, shapes) => {
    const D = shapes.weight[1] as number;
    const rows = Array.from(x.v, (row) => {
      const values = tape.part(weight as Vec, row * D, D);
      return row === paddingIdx ? tape.leaf(values.v) : values;
    });
    return { rows, shape: [...shapes.x, D] };
  });

/** `padding` in front and behind. */
export const conv1d = (stride: number, dilation: number, padding: readonly [number, number]) =>
  layer((tape, x, { weight, bias }, shapes) => {
    const [T, B, I] = shapes.x as [number, number, number];
    const [O, , K] = shapes.weight as [number, number, number];
    const U = Math.floor((T + padding[0] + padding[1] - dilation * (K - 1) - 1) / stride) + 1;
    const rows = range(U * B).map((row) => {
      const [u, b] = [Math.floor(row / B), row % B];
      // What this row sees of x, in the order of a row of the weights.
      const window = range(I * K).map((at) => {
        const [i, k] = [Math.floor(at / K), at % K];
        const t = stride * u + dilation * k - padding[0];
        return t < 0 || t >= T ? -1 : (t * B + b) * I + i;
      });
      return plus(tape, tape.product(weight as Vec, tape.gather(x, window)), bias);
    });
    return { rows, shape: [U, B, O] };
  });

export const layerNorm = (epsilon = 1e-5) =>
  layer((tape, x, { weight, bias }, shapes) => ({
    rows: rowsOf(tape, x, shapes.x).map((row) => {
      const hat = tape.normalise(row, epsilon);
      return plus(tape, weight ? tape.multiply(weight, hat) : hat, bias);
    }),
    shape: shapes.x,
  }));

export const activation = (act: Act) =>
  layer((tape, x, _, shapes) => ({ rows: [activate(tape, act, x)], shape: shapes.x }));

export const identity = layer((_, x, __, shapes) => ({ rows: [x], shape: shapes.x }));

/** Times a mask, such as a dropout drew. */
export const masked = (mask: ArrayLike<number>) =>
  layer((tape, x, _, shapes) => ({ rows: [tape.multiply(x, tape.leaf(mask))], shape: shapes.x }));

/** A recurrent layer that passes on its output. */
export const recurrent =
  (spec: Spec): OracleLayer =>
  (x, parameters) => {
    const result = run(spec, { x, parameters });
    const width = result.output.length / ((x.shape[0] as number) * (x.shape[1] as number));
    return {
      output: { data: result.output, shape: [...x.shape.slice(0, -1), width] },
      backward: (output) => result.backward({ output }),
    };
  };

/** Layers one after the other; parameters are named as in a Sequential. */
export const sequential =
  (layers: readonly OracleLayer[]): OracleLayer =>
  (x, parameters) => {
    const answers: Answer[] = [];
    for (const [k, each] of layers.entries()) {
      const own = Object.entries(parameters).flatMap(([name, values]) =>
        name.startsWith(`${k}.`) ? [[name.slice(`${k}.`.length), values]] : [],
      );
      answers.push(each(answers.at(-1)?.output ?? x, Object.fromEntries(own)));
    }
    return {
      output: answers.at(-1)?.output ?? x,
      backward(dOutput) {
        const grads: Record<string, Float64Array> = {};
        let d = Float64Array.from(dOutput);
        for (const [k, answer] of [...answers.entries()].reverse()) {
          const { x: dx, ...own } = answer.backward(d);
          for (const [name, grad] of Object.entries(own)) grads[`${k}.${name}`] = grad;
          d = Float64Array.from(dx as Float64Array);
        }
        return { x: d, ...grads };
      },
    };
  };

/** x + f(x), f the layers one after the other. */
export const residual =
  (layers: readonly OracleLayer[]): OracleLayer =>
  (x, parameters) => {
    const { output, backward } = sequential(layers)(x, parameters);
    const sum = (a: ArrayLike<number>, b: ArrayLike<number>) =>
      Float64Array.from(a, (value, k) => value + (b[k] as number));
    return {
      output: { data: sum(x.data, output.data), shape: x.shape },
      backward(dOutput) {
        const grads = backward(dOutput);
        return { ...grads, x: sum(grads.x as Float64Array, dOutput) };
      },
    };
  };
