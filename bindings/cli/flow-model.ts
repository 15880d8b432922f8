// What `lstm-wasm flow` looks into: a model that `train` saved with its own data, or the recurrent layer of a PyTorch
// state_dict with rows of its width, or made-up ones.
import { type Core, GRU, LSTM, RNN, type StateDict, type Tensor } from "lstm-wasm";
import { type FlowReport, GradientFlow } from "lstm-wasm/flow";
import { decodeSafetensors } from "lstm-wasm/io";
import type { Batch, Loss } from "lstm-wasm/train";
import { endsOfClasses } from "./classifier.ts";
import { columnOf, readSeries } from "./csv.ts";
import seattle from "./data/seattle-weather.csv";
import { indicesOf, moment, scaleRows, spread } from "./dataset.ts";
import { UserError } from "./fail.ts";
import { readInput, readText } from "./files.ts";
import { endsOf } from "./forecaster.ts";
import { loadModel, ofFile, type SavedModel } from "./load-model.ts";
import { createRandom } from "./random.ts";
import { stretchesOf } from "./text-model.ts";
import { EVALUATION_BATCH } from "./window-net.ts";

export interface FlowOptions {
  readonly html?: string;
  readonly json?: boolean;
  readonly lab?: boolean;
  /** Steps of a window of data, of text or of random numbers. */
  readonly steps?: number;
  /** Prefix of the tensors of a state_dict. */
  readonly module?: string;
  readonly nonlinearity: "tanh" | "relu";
  readonly standardize?: boolean;
  readonly seed: number;
}

/** A report, and in words what it is about. */
export interface MeasuredModel {
  readonly report: FlowReport;
  readonly model: string;
  readonly data: string;
}

export async function measureFile(core: Core, modelFile: string, dataFile: string | undefined, options: FlowOptions) {
  const bytes = await readInput(modelFile);
  // What else is in a state_dict may be of any type.
  const recurrent = (name: string) => /(weight|bias)_(ih|hh|hr)_l\d/.test(name);
  const { metadata, tensors } = ofFile(modelFile, () => decodeSafetensors(bytes, recurrent));
  if (metadata.format?.startsWith("lstm-wasm ")) {
    refuseOptions(options, "a model that train saved");
    const saved = ofFile(modelFile, () => loadModel(core, bytes));
    if (dataFile === undefined && saved.kind === "text")
      throw new UserError("data: expected a file of text to run the model on, got none");
    // `train` without a file learns from these rows.
    const text = dataFile === undefined ? seattle : await readText(dataFile);
    return measureSaved(saved, dataFile ?? "the Seattle weather data", text, options);
  }
  const layer = layerOf(core, modelFile, tensors, options);
  return measureLayer(layer, dataFile, dataFile && (await readText(dataFile)), options);
}

/** Options that only a state_dict has a use for. */
export function refuseOptions({ module, nonlinearity, standardize }: FlowOptions, beside: string): void {
  const given = Object.entries({ module, nonlinearity: nonlinearity === "relu", standardize }).find(
    ([, value]) => value,
  );
  if (given) throw new UserError(`--${given[0]}: expected it with a state_dict alone, got it with ${beside}`);
}

/** A model of `train` on its data, with its own loss. */
function measureSaved(saved: SavedModel, file: string, text: string, options: FlowOptions): MeasuredModel {
  const { batch, loss, data } = batchOf(saved, file, text, options);
  const flow = new GradientFlow(saved.model);
  const { hidden, layers } = saved.settings;
  return {
    report: flow.measure(batch, loss),
    model: `${saved.kind === "text" ? "model of text" : saved.kind}, LSTM of ${hidden} units${layers > 1 ? ` in ${layers} layers` : ""}`,
    data,
  };
}

function batchOf(
  saved: SavedModel,
  file: string,
  text: string,
  { steps }: FlowOptions,
): { batch: Batch; loss: Loss; data: string } {
  const { loss } = saved;
  if (saved.kind === "text") {
    const numbers = saved.encode(file, text);
    if (numbers.length < 3) throw new UserError(`${file}: expected at least 3 characters, got ${numbers.length}`);
    const batch = stretchesOf(numbers, steps ?? 100);
    const [T, streams] = batch.x.shape;
    return { batch, loss, data: `${streams} stretches of ${T} characters of ${file}, the loss of the last` };
  }
  const { window } = saved.settings;
  if (steps !== undefined && steps !== window)
    throw new UserError(`--steps: expected ${window}, the model's window, or none, got ${steps}`);
  const series = readSeries(file, text);
  const part = { from: window, to: series.rows };
  const classes = saved.kind === "classifier";
  const ends = spread(
    classes ? endsOfClasses(part, saved.settings) : endsOf(part, saved.settings.horizon),
    EVALUATION_BATCH,
  );
  if (ends.length === 0)
    throw new UserError(
      `${file}: expected at least ${window + saved.settings.horizon} rows, the model's window and what follows, got ${series.rows}`,
    );
  const batch = classes
    ? saved.batch(scaleRows(series, saved.inputs, saved.pastLabels), indicesOf(series, saved.labels), ends)
    : saved.batch(
        scaleRows(series, saved.inputs),
        saved.targets.map(({ name }) => columnOf(series, "the model's target", name)),
        ends,
      );
  return { batch, loss, data: `${ends.length} windows of ${window} rows of ${file}` };
}

type Recurrent = LSTM | GRU | RNN;

/** A state_dict as the recurrent layer that it is of; what else is in it stays out. */
export function layerOf(
  core: Core,
  file: string,
  tensors: ReturnType<typeof decodeSafetensors>["tensors"],
  { module, nonlinearity }: Pick<FlowOptions, "module" | "nonlinearity">,
): Recurrent {
  const found = Object.keys(tensors).flatMap((name) => /^(.*)weight_hh_l0$/.exec(name)?.[1] ?? []);
  const names = found.map((prefix) => prefix.replace(/\.$/, ""));
  if (found.length === 0)
    throw new UserError(`${file}: expected a recurrent layer (weight_ih_l0, weight_hh_l0, …), got a file without one`);
  if (module === undefined ? found.length > 1 : !names.includes(module))
    throw new UserError(`--module: expected one of ${names.join(", ")}, got ${module ?? "none"}`);
  const prefix = found[module === undefined ? 0 : names.indexOf(module)] as string;
  const state: StateDict = {};
  for (const [name, { data, shape, dtype }] of Object.entries(tensors)) {
    const own = name.startsWith(prefix) ? name.slice(prefix.length) : "";
    if (!/^(weight|bias)_(ih|hh|hr)_l\d+(_reverse)?$/.test(own)) continue;
    if (!(data instanceof Float32Array || data instanceof Float64Array))
      throw new UserError(`${file}: expected ${name} in F32 or F64, got ${dtype}`);
    state[own] = { data: Float32Array.from(data), shape };
  }
  const shapeOf = (name: string): readonly [number, number] => {
    const [rows, columns] = state[name]?.shape ?? [];
    if (!rows || !columns) throw new UserError(`${file}: expected a matrix ${prefix}${name}, got none`);
    return [rows, columns];
  };
  const projSize = state.weight_hr_l0 ? shapeOf("weight_hr_l0")[0] : 0;
  const hiddenSize = projSize ? shapeOf("weight_hr_l0")[1] : shapeOf("weight_hh_l0")[1];
  const [gateRows, inputSize] = shapeOf("weight_ih_l0");
  const gates = gateRows / hiddenSize;
  if (![1, 3, 4].includes(gates))
    throw new UserError(
      `${file}: expected ${prefix}weight_ih_l0 with 1, 3 or 4 times ${hiddenSize} rows (RNN, GRU, LSTM), got ${gateRows}`,
    );
  let numLayers = 1;
  while (state[`weight_ih_l${numLayers}`]) numLayers++;
  const options = {
    inputSize,
    hiddenSize,
    numLayers,
    bidirectional: "weight_ih_l0_reverse" in state,
    bias: "bias_ih_l0" in state,
  };
  const layer =
    gates === 4
      ? new LSTM(core, { ...options, projSize })
      : gates === 3
        ? new GRU(core, options)
        : new RNN(core, { ...options, nonlinearity });
  try {
    layer.loadStateDict(state);
  } catch (error) {
    throw new UserError(`${file}: ${(error as Error).message}`);
  }
  return layer;
}

/** Rows of a series as windows [T,B,I], or random ones; the loss pulls every unit of the last states in a random direction. */
function measureLayer(
  layer: Recurrent,
  file: string | undefined,
  text: string | undefined,
  options: FlowOptions,
): MeasuredModel {
  const { inputSize: I, hiddenSize, numLayers: L, bidirectional } = layer;
  const { x, data } = file === undefined ? randomInput(I, options) : windowsOf(file, text as string, I, options);
  const B = x.shape[1] as number;
  const D = bidirectional ? 2 : 1;
  const R = layer.stateSize;
  const random = createRandom(options.seed);
  const hn = { data: new Float32Array(L * D * B * R), shape: [L * D, B, R] };
  // The last layer's states: what a head behind it would read.
  for (let k = (L - 1) * D * B * R; k < hn.data.length; k++) hn.data[k] = (2 * random() - 1) / B;
  const flow = new GradientFlow(layer);
  layer.forward(x);
  layer.backward({ hn });
  const kind = `${layer.constructor.name} of ${hiddenSize} units`;
  return {
    report: flow.report(),
    model: `${kind}${L > 1 ? ` in ${L} layers` : ""}${bidirectional ? ", two directions" : ""}${R < hiddenSize ? `, projected to ${R}` : ""}; a random pull at its last states`,
    data,
  };
}

function randomInput(I: number, { steps = 100, seed }: FlowOptions): { x: Tensor; data: string } {
  const B = 16;
  const random = createRandom(seed + 1);
  // Uniform numbers of deviation 1.
  const data = Float32Array.from({ length: steps * B * I }, () => Math.sqrt(3) * (2 * random() - 1));
  return {
    x: { data, shape: [steps, B, I] },
    data: `${B} random sequences of ${steps} step${steps === 1 ? "" : "s"} (mean 0, deviation 1)`,
  };
}

function windowsOf(
  file: string,
  text: string,
  I: number,
  { steps, standardize }: FlowOptions,
): { x: Tensor; data: string } {
  const series = readSeries(file, text);
  const names = [...series.numbers.keys()];
  if (names.length !== I)
    throw new UserError(
      `${file}: expected ${I} columns of numbers, the width of the model's input, got ${names.length} (${names.join(", ")})`,
    );
  const columns = names.map((name) => {
    const values = columnOf(series, "data", name);
    const { mean, deviation } = standardize ? moment(values) : { mean: 0, deviation: 1 };
    return values.map((value) => (value - mean) / (deviation || 1));
  });
  const T = Math.min(steps ?? 50, series.rows);
  const starts = spread(
    Array.from({ length: series.rows - T + 1 }, (_, k) => k),
    32,
  );
  const B = starts.length;
  const data = new Float32Array(T * B * I);
  for (let t = 0; t < T; t++)
    starts.forEach((start, b) => {
      columns.forEach((column, i) => {
        data[(t * B + b) * I + i] = column[start + t] as number;
      });
    });
  return { x: { data, shape: [T, B, I] }, data: `${B} windows of ${T} rows of ${file}` };
}
