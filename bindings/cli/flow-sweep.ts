// The lab's experiment: RNN, GRU and LSTM with random weights of every scale, every bias of the gate that keeps, and several
// lengths; what is left of the gradient in each.
import { type Core, GRU, LSTM, RNN, type StateDict, type Tensor } from "lstm-wasm";
import { GradientFlow, type Outcome } from "lstm-wasm/flow";
import { createRandom } from "./random.ts";

export const CELLS = ["RNN", "GRU", "LSTM"] as const;
export type CellName = (typeof CELLS)[number];

/** Expected spectral radius of each gate's block of W_hh. */
export const SCALES: readonly number[] = Array.from({ length: 13 }, (_, k) => 2 ** (-3 + k / 2));
/** Bias of an LSTM's forget gate, of a GRU's update gate. */
export const BIASES: readonly number[] = [5, 4, 3, 2, 1, 0, -1, -2];
export const LENGTHS = [10, 100, 1000];
export const SIZES = { B: 2, I: 8, H: 32 };

/** What is left of the gradient of the last state after so many steps. */
export interface Point {
  readonly cell: CellName;
  readonly scale: number;
  /** Null for an RNN, which has no such gate. */
  readonly bias: number | null;
  readonly steps: number;
  readonly status: Outcome["status"];
  readonly left: number;
  readonly direct: number;
  readonly recurrent: number;
}

/** A layer with random weights of a scale, its inputs' weights keeping arguments near deviation 1. */
export function createLayer(core: Core, cell: CellName, scale: number, bias: number | null, seed: number) {
  const { I, H } = SIZES;
  const options = { inputSize: I, hiddenSize: H };
  const layer = cell === "LSTM" ? new LSTM(core, options) : new { GRU, RNN }[cell](core, options);
  const random = createRandom(seed);
  const uniform = ({ data, shape }: Tensor, deviation: number): Tensor => ({
    data: data.map(() => deviation * Math.sqrt(3) * (2 * random() - 1)),
    shape,
  });
  const state: StateDict = layer.stateDict();
  state.weight_ih_l0 = uniform(state.weight_ih_l0 as Tensor, 1 / Math.sqrt(I));
  state.weight_hh_l0 = uniform(state.weight_hh_l0 as Tensor, scale / Math.sqrt(H));
  for (const name of ["bias_ih_l0", "bias_hh_l0"]) state[name]?.data.fill(0);
  // Block 1: an LSTM's f, a GRU's z.
  if (bias !== null) state.bias_ih_l0?.data.fill(bias, H, 2 * H);
  layer.loadStateDict(state);
  return layer;
}

/** Runs one setting over the longest length: what is left after each of the lengths. */
function measure(
  core: Core,
  cell: CellName,
  scale: number,
  bias: number | null,
  lengths: readonly number[],
  seed: number,
): Point[] {
  const { B, I, H } = SIZES;
  const T = Math.max(...lengths);
  using layer = createLayer(core, cell, scale, bias, seed) as LSTM;
  const flow = new GradientFlow(layer);
  const random = createRandom(seed + 1);
  const values = (n: number) => Float32Array.from({ length: n }, () => Math.sqrt(3) * (2 * random() - 1));
  layer.forward({ data: values(T * B * I), shape: [T, B, I] }, { view: true });
  layer.backward({ hn: { data: values(B * H), shape: [1, B, H] } });
  const curves = flow.curves()[0];
  return lengths.map((steps) => {
    const at = (path: "total" | "direct" | "recurrent") => curves?.[path][steps] ?? Number.NaN;
    const left = at("total");
    const { vanishBelow, explodeAbove } = flow.thresholds;
    const status = !(left <= explodeAbove) ? "explodes" : left < vanishBelow ? "vanishes" : "carries";
    return { ...{ cell, scale, bias, steps, status, left }, direct: at("direct"), recurrent: at("recurrent") };
  });
}

/** The whole map. */
export function sweep(core: Core, lengths: readonly number[], seed: number): Point[] {
  return CELLS.flatMap((cell) =>
    (cell === "RNN" ? [null] : BIASES).flatMap((bias) =>
      SCALES.flatMap((scale) => measure(core, cell, scale, bias, lengths, seed)),
    ),
  );
}

/** How many settings of a cell carry the gradient, as a sentence a length. */
export function summary(points: readonly Point[], lengths: readonly number[]): string[] {
  return lengths.map((steps) => {
    const shares = CELLS.map((cell) => {
      const own = points.filter((point) => point.cell === cell && point.steps === steps);
      const of = (status: string) => own.filter((point) => point.status === status).length;
      return `${cell} carries ${of("carries")} of ${own.length}, vanishes ${of("vanishes")}, explodes ${of("explodes")}`;
    });
    return `Over ${steps.toLocaleString("en")} steps: ${shares.join("; ")}.`;
  });
}

/** Whether the additive memory cures it, in the numbers of this map. */
export function conclusion(points: readonly Point[], lengths: readonly number[]): string {
  const longest = Math.max(...lengths);
  const own = points.filter(({ cell, steps }) => cell === "LSTM" && steps === longest);
  const count = (status: string) => own.filter((point) => point.status === status).length;
  if (count("carries") === own.length)
    return `Over ${longest.toLocaleString("en")} steps the LSTM carries the gradient in all of ${own.length} settings: too few steps to tell whether the additive memory is a cure.`;
  const best = own.filter(({ status }) => status === "carries");
  const least = Math.min(...best.map(({ bias }) => bias as number));
  const where =
    best.length > 0
      ? ` It carries the gradient in ${best.length} of ${own.length} settings${least > Math.min(...BIASES) ? `, none of them with a forget bias below ${least}` : ""}.`
      : "";
  return `The additive memory is no cure: over ${longest.toLocaleString("en")} steps the LSTM vanishes in ${count("vanishes")} and explodes in ${count("explodes")} of ${own.length} settings.${where} What it adds is a handle: an RNN carries a gradient only along an edge of its weights' scale, and a gate opens that edge into a region which a bias can be set to be in.`;
}
