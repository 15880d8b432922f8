// The model of `train` and `predict`: an LSTM over a window of rows, and from its last step the change into the next row.
import {
  adam,
  type Core,
  decodeSafetensors,
  encodeSafetensors,
  FormatError,
  Linear,
  LSTM,
  type LSTMBackwardRecord,
  lastStep,
  mseLoss,
  Sequential,
  type StateDict,
  type Tensor,
  Trainer,
} from "lstm-wasm";
import { gather, type Part, range, type Scaling, shuffle, widthOf } from "./dataset.ts";

export interface Settings {
  readonly window: number;
  readonly hidden: number;
  readonly seed: number;
  readonly unit: string;
}

export interface Training {
  readonly epochs: number;
  readonly batch: number;
  readonly lr: number;
  /** Epochs without a better validation loss before training stops. */
  readonly patience: number;
  readonly signal: AbortSignal;
}

/** Losses after an epoch, in squared units of the scaled change. */
export interface Epoch {
  readonly epoch: number;
  readonly train: number;
  readonly validation: number;
}

/** Windows evaluated at a time. */
const EVALUATION_BATCH = 256;

export class Forecaster {
  readonly scaling: Scaling;
  readonly settings: Settings;
  readonly model: Sequential;
  readonly #lstm: LSTM;
  readonly #linear: Linear;

  constructor(core: Core, scaling: Scaling, settings: Settings) {
    const { hidden, seed } = settings;
    this.scaling = scaling;
    this.settings = settings;
    this.#lstm = new LSTM(core, { inputSize: widthOf(scaling), hiddenSize: hidden, seed });
    this.#linear = new Linear(core, { inFeatures: hidden, outFeatures: 1, seed: seed + 1 });
    this.model = new Sequential([this.#lstm, lastStep(), this.#linear]);
  }

  /** Trains until the validation loss stays up, and keeps the best weights; yields after every epoch. */
  async *fit(
    rows: Float32Array,
    target: Float64Array,
    parts: { train: Part; validation: Part },
    training: Training,
  ): AsyncGenerator<Epoch> {
    const { epochs, batch, lr, patience, signal } = training;
    using trainer = new Trainer(this.model, { loss: mseLoss(), optimizer: adam({ lr }), clipNorm: 1 });
    const windows = (ends: readonly number[]) => gather(rows, target, this.scaling, this.settings.window, ends);
    const [train, validation] = [range(parts.train), range(parts.validation)];
    let best = { epoch: -1, loss: Number.POSITIVE_INFINITY, weights: this.model.stateDict() };
    for (let epoch = 0; epoch < epochs; epoch++) {
      const order = shuffle(train, this.settings.seed * 65_537 + epoch);
      let total = 0;
      for await (const step of trainer.fit(chunks(order, batch).map(windows), { signal })) total += step.loss;
      const losses = {
        epoch,
        train: total / Math.ceil(order.length / batch),
        validation: trainer.evaluate(chunks(validation, EVALUATION_BATCH).map(windows)),
      };
      if (losses.validation < best.loss) best = { epoch, loss: losses.validation, weights: this.model.stateDict() };
      yield losses;
      if (epoch - best.epoch >= patience) break;
    }
    this.model.loadStateDict(best.weights);
  }

  /** Forecasts of some rows from the window before each; a row may stand behind the last one. */
  forecast(rows: Float32Array, target: Float64Array, ends: readonly number[]): number[] {
    return chunks(ends, EVALUATION_BATCH).flatMap((some) => {
      const { x } = gather(rows, target, this.scaling, this.settings.window, some);
      const change = this.model.forward(x).data;
      return some.map((end, k) => (target[end - 1] as number) + this.scaling.change * (change[k] as number));
    });
  }

  /** The mean over some windows of ‖dL/dh‖ at each step of a window, L the squared error of one window. */
  gradientNorms(rows: Float32Array, target: Float64Array, ends: readonly number[]): number[] {
    const { window, hidden } = this.settings;
    const norms = new Array<number>(window).fill(0);
    for (const some of chunks(ends, EVALUATION_BATCH)) {
      const { x, target: want } = gather(rows, target, this.scaling, window, some);
      const { hn } = this.#lstm.forward(x);
      const got = this.#linear.forward({ data: hn.data, shape: [some.length, hidden] });
      const dPrediction = got.data.map((value, k) => 2 * (value - (want.data[k] as number)));
      const dHidden = this.#linear.backward({ data: dPrediction, shape: got.shape });
      const { record } = this.#lstm.backward({ hn: { data: dHidden.data, shape: hn.shape } }, { record: true });
      const { dh } = (record as readonly LSTMBackwardRecord[])[0] as LSTMBackwardRecord;
      for (let row = 0; row < window * some.length; row++) {
        const norm = Math.hypot(...dh.data.subarray(row * hidden, (row + 1) * hidden));
        norms[Math.floor(row / some.length)] = (norms[Math.floor(row / some.length)] as number) + norm / ends.length;
      }
    }
    this.model.zeroGrad();
    return norms;
  }

  /** The file of this model: weights under PyTorch's names, scaling and settings in the metadata. */
  save(): Uint8Array {
    const metadata = {
      format: "lstm-wasm forecaster 1",
      scaling: JSON.stringify(this.scaling),
      settings: JSON.stringify(this.settings),
    };
    return encodeSafetensors(this.model.stateDict(), metadata);
  }

  /** A model from its file. Throws a FormatError if anything in it is not as `save` writes it. */
  static load(core: Core, bytes: Uint8Array): Forecaster {
    const { tensors, metadata } = decodeSafetensors(bytes);
    if (metadata.format !== "lstm-wasm forecaster 1")
      throw new FormatError(
        `model: expected one that \`lstm-wasm train\` saved, got a file of format ${JSON.stringify(metadata.format ?? null)}`,
      );
    const scaling = checkScaling(parse("scaling", metadata.scaling));
    const settings = checkSettings(parse("settings", metadata.settings));
    // Before anything is built: sizes from the metadata must be those of the tensors, which are in memory already.
    const weight = tensors["0.weight_ih_l0"];
    const [gates, width] = weight?.shape ?? [];
    if (gates !== 4 * settings.hidden || width !== widthOf(scaling))
      throw new FormatError(
        `model: expected weight_ih_l0 of shape [${4 * settings.hidden},${widthOf(scaling)}], got ${weight ? `[${weight.shape}]` : "none"}`,
      );
    const forecaster = new Forecaster(core, scaling, settings);
    try {
      forecaster.model.loadStateDict(toStateDict(tensors));
    } catch (error) {
      forecaster.model.dispose();
      throw new FormatError(`model: ${(error as Error).message}`);
    }
    return forecaster;
  }
}

function toStateDict(tensors: ReturnType<typeof decodeSafetensors>["tensors"]): StateDict {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { data, shape, dtype }]) => {
      if (!(data instanceof Float32Array)) throw new FormatError(`expected ${name} in F32, got ${dtype}`);
      return [name, { data, shape } satisfies Tensor];
    }),
  );
}

function parse(name: string, text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? "");
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new FormatError(
    `model: expected ${name} in the metadata as a JSON object, got ${JSON.stringify(text ?? null).slice(0, 60)}`,
  );
}

const wrong = (name: string, expected: string, value: unknown) =>
  new FormatError(`model: expected ${name} to be ${expected}, got ${JSON.stringify(value ?? null).slice(0, 60)}`);

function checkScaling(value: Record<string, unknown>): Scaling {
  const { target, features, mean, deviation, change, season } = value;
  const isText = (x: unknown): x is string => typeof x === "string";
  const isNumber = (x: unknown): x is number => typeof x === "number" && Number.isFinite(x);
  if (!Array.isArray(features) || features.length === 0 || features.length > 10_000 || !features.every(isText))
    throw wrong("features", "a list of names", features);
  if (!isText(target) || !features.includes(target)) throw wrong("target", "one of the features", target);
  if (!Array.isArray(mean) || mean.length !== features.length || !mean.every(isNumber))
    throw wrong("mean", `${features.length} numbers`, mean);
  if (
    !Array.isArray(deviation) ||
    deviation.length !== features.length ||
    !deviation.every((x) => isNumber(x) && x > 0)
  )
    throw wrong("deviation", `${features.length} numbers above 0`, deviation);
  if (!isNumber(change) || change <= 0) throw wrong("change", "a number above 0", change);
  if (typeof season !== "boolean") throw wrong("season", "true or false", season);
  return { target, features, mean, deviation, change, season };
}

function checkSettings(value: Record<string, unknown>): Settings {
  const { window, hidden, seed, unit } = value;
  const isSize = (x: unknown, least: number): x is number =>
    Number.isInteger(x) && (x as number) >= least && (x as number) <= 1e6;
  if (!isSize(window, 1)) throw wrong("window", "a whole number from 1 to 1000000", window);
  if (!isSize(hidden, 1)) throw wrong("hidden", "a whole number from 1 to 1000000", hidden);
  if (!isSize(seed, 0)) throw wrong("seed", "a whole number from 0 to 1000000", seed);
  if (typeof unit !== "string") throw wrong("unit", "a text", unit);
  return { window, hidden, seed, unit };
}

function chunks<T>(values: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(values.length / size) }, (_, k) => values.slice(k * size, (k + 1) * size));
}
