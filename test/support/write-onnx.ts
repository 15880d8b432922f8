// Writes an ONNX node test, whose answers are the float64 oracle's: model.onnx and test_data_set_0/*.pb in the layout that
// ONNX' own tests have.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PbfWriter } from "pbf";
import { GATES, run, type Spec, type Values } from "../reference/recurrent.ts";
import { createRandom } from "./random.ts";

export interface NodeTest {
  readonly op: "LSTM" | "GRU" | "RNN";
  readonly direction?: "forward" | "reverse" | "bidirectional";
  readonly layout?: 0 | 1;
  readonly T: number;
  readonly B: number;
  readonly lengths?: readonly number[];
  readonly states?: boolean;
  readonly bias?: boolean;
  readonly peephole?: boolean;
  /** What the oracle is told, and the same as attributes. */
  readonly spec?: Partial<Spec>;
  readonly attributes?: Readonly<Record<string, number | readonly number[] | readonly string[]>>;
  readonly sets?: number;
}

const I = 3;
const H = 4;
/** Where ONNX' block k stands in ours: i o f c in i f g o, z r h in r z n. */
const ORDER = { LSTM: [0, 3, 1, 2], GRU: [1, 0, 2], RNN: [0] };
const NAMES = ["X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"];

type Message = (tag: number, pbf: PbfWriter) => void;
const bytesOf = (write: (pbf: PbfWriter) => void): Uint8Array => {
  const pbf = new PbfWriter();
  write(pbf);
  return pbf.finish();
};
const message = (write: (pbf: PbfWriter) => void): Message => {
  const bytes = bytesOf(write);
  return (tag, pbf) => pbf.writeBytesField(tag, bytes);
};

const tensorOf = (name: string, shape: readonly number[], data: ArrayLike<number>) =>
  bytesOf((pbf) => {
    for (const size of shape) pbf.writeVarintField(1, size);
    const whole = name === "sequence_lens";
    pbf.writeVarintField(2, whole ? 6 : 1);
    pbf.writeStringField(8, name);
    const values = whole ? Int32Array.from(data) : Float32Array.from(data);
    pbf.writeBytesField(9, new Uint8Array(values.buffer));
  });

const attribute = (name: string, value: number | string | readonly number[] | readonly string[]) =>
  message((pbf) => {
    pbf.writeStringField(1, name);
    const isInteger = ["layout", "linear_before_reset", "input_forget", "hidden_size"].includes(name);
    if (typeof value === "string") {
      pbf.writeStringField(4, value);
      pbf.writeVarintField(20, 3);
    } else if (typeof value === "number") {
      if (isInteger) pbf.writeVarintField(3, value);
      else pbf.writeFloatField(2, value);
      pbf.writeVarintField(20, isInteger ? 2 : 1);
    } else {
      const strings = typeof value[0] === "string";
      for (const one of value) {
        if (strings) pbf.writeStringField(9, one as string);
        else pbf.writeFloatField(7, one as number);
      }
      pbf.writeVarintField(20, strings ? 8 : 6);
    }
  });

/** Writes the folder of a test. */
export function writeNodeTest(folder: string, test: NodeTest): void {
  const { op, direction = "forward", layout = 0, lengths, states, bias = true, peephole = false } = test;
  const D = direction === "bidirectional" ? 2 : 1;
  const given = NAMES.map((name) => {
    const there: Record<string, boolean> = {
      ...{ B: bias, sequence_lens: lengths !== undefined, initial_h: states ?? false },
      ...{ initial_c: (states ?? false) && op === "LSTM", P: peephole },
    };
    return (there[name] ?? true) ? name : "";
  });
  while (given.at(-1) === "") given.pop();
  const outputs = op === "LSTM" ? ["Y", "Y_h", "Y_c"] : ["Y", "Y_h"];
  const node = message((pbf) => {
    for (const name of given) pbf.writeStringField(1, name);
    for (const name of outputs) pbf.writeStringField(2, name);
    pbf.writeStringField(4, op);
    const attributes = { hidden_size: H, direction, ...(layout && { layout }), ...test.attributes };
    for (const [name, value] of Object.entries(attributes)) attribute(name, value)(5, pbf);
  });
  const graph = message((pbf) => {
    node(1, pbf);
    for (const name of given.filter((one) => one !== "")) message((info) => info.writeStringField(1, name))(11, pbf);
    for (const name of outputs) message((info) => info.writeStringField(1, name))(12, pbf);
  });
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, "model.onnx"),
    bytesOf((pbf) => graph(7, pbf)),
  );
  for (let set = 0; set < (test.sets ?? 1); set++) writeSet(join(folder, `test_data_set_${set}`), test, given, D, set);
}

function writeSet(folder: string, test: NodeTest, given: readonly string[], D: number, seed: number): void {
  const { op, direction, layout = 0, T, B, lengths, states, bias = true, peephole = false } = test;
  const random = createRandom(seed + 1);
  const G = GATES[op];
  const fill = (...shape: number[]): Values => ({
    data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, random),
    shape,
  });
  const onnx: Record<string, Values> = {
    X: fill(T, B, I),
    W: fill(D, G * H, I),
    R: fill(D, G * H, H),
    ...(bias && { B: fill(D, 2 * G * H) }),
    ...(peephole && { P: fill(D, 3 * H) }),
    ...(lengths && { sequence_lens: { data: lengths, shape: [B] } }),
    ...(states && { initial_h: fill(D, B, H), ...(op === "LSTM" && { initial_c: fill(D, B, H) }) }),
  };
  const parameters: Record<string, Values> = {};
  for (let d = 0; d < D; d++) {
    const suffix = d === 1 || direction === "reverse" ? "_l0_reverse" : "_l0";
    /** `count` blocks of `size` values from block `first` of a tensor on, put where ours stand. */
    const part = (name: string, size: number, order: readonly number[], first = 0): number[] => {
      const values = onnx[name]?.data as ArrayLike<number>;
      const from = (d * values.length) / D + first * size;
      const to: number[] = [];
      order.forEach((ours, k) => {
        for (let j = 0; j < size; j++) to[ours * size + j] = values[from + k * size + j] as number;
      });
      return to;
    };
    const order = ORDER[op];
    parameters[`weight_ih${suffix}`] = { data: part("W", H * I, order), shape: [G * H, I] };
    parameters[`weight_hh${suffix}`] = { data: part("R", H * H, order), shape: [G * H, H] };
    if (bias) {
      parameters[`bias_ih${suffix}`] = { data: part("B", H, order), shape: [G * H] };
      parameters[`bias_hh${suffix}`] = { data: part("B", H, order, G), shape: [G * H] };
    }
    if (peephole) parameters[`weight_ph${suffix}`] = { data: part("P", H, [0, 2, 1]), shape: [3 * H] };
  }
  const spec: Spec = {
    ...{ cell: op, inputSize: I, hiddenSize: H, bidirectional: D === 2, reverse: direction === "reverse" },
    ...test.spec,
  };
  const { initial_h: h0, initial_c: c0 } = onnx;
  const want = run(spec, { x: onnx.X as Values, h0, c0, lengths, parameters });
  // [A,B,n] to [B,A,n] where layout 1 has the batch first.
  const turn = ({ data, shape: [P = 1, Q = 1, n = 1] }: Values): Values =>
    layout
      ? {
          data: Float64Array.from(
            { length: P * Q * n },
            (_, k) => data[((Math.floor(k / n) % P) * Q + Math.floor(k / n / P)) * n + (k % n)] as number,
          ),
          shape: [Q, P, n],
        }
      : { data, shape: [P, Q, n] };
  const y = (t: number, d: number, b: number, u: number) => want.output[((t * B + b) * D + d) * H + u] as number;
  const Y: number[] = [];
  const [outer, inner] = layout ? [B, T] : [T, B];
  for (let a = 0; a < outer; a++)
    for (let b = 0; b < (layout ? inner : D); b++)
      for (let c = 0; c < (layout ? D : inner); c++)
        for (let u = 0; u < H; u++) Y.push(layout ? y(b, c, a, u) : y(a, b, c, u));
  const final = (data: Float64Array) => turn({ data, shape: [D, B, H] });
  const outputs: Values[] = [
    { data: Y, shape: layout ? [B, T, D, H] : [T, D, B, H] },
    final(want.hn),
    ...(op === "LSTM" ? [final(want.cn)] : []),
  ];
  mkdirSync(folder, { recursive: true });
  given
    .filter((name) => name !== "")
    .forEach((name, k) => {
      const values = onnx[name] as Values;
      const turned = ["X", "initial_h", "initial_c"].includes(name) ? turn(values) : values;
      writeFileSync(join(folder, `input_${k}.pb`), tensorOf(name, turned.shape, turned.data));
    });
  outputs.forEach(({ shape, data }, k) => {
    writeFileSync(join(folder, `output_${k}.pb`), tensorOf(`output_${k}`, shape, data));
  });
}
