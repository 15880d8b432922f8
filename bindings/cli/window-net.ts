// The network of forecaster and classifier: an LSTM over a window of rows, and from its last step a linear layer.
import { type Core, Dropout, Linear, LSTM, lastStep, Sequential, type StateDict } from "lstm-wasm";
import { chunks, gather, type Rows } from "./dataset.ts";
import { check, checkObject, checkShape, checkSize, isNumber } from "./saved.ts";

/** What every kind of model has. */
export interface NetSettings {
  readonly hidden: number;
  readonly layers: number;
  /** Share of the values dropped between layers and in front of the output, in training. */
  readonly dropout: number;
  readonly seed: number;
}

export interface WindowSettings extends NetSettings {
  readonly window: number;
  /** Rows ahead. */
  readonly horizon: number;
}

/** Windows evaluated at a time. */
export const EVALUATION_BATCH = 256;

/** The LSTM and the layers behind it that all kinds share. */
export function createLayers(core: Core, inputSize: number, outputs: number, settings: NetSettings) {
  const { hidden, layers, dropout, seed } = settings;
  const between = layers > 1 ? dropout : 0;
  return {
    lstm: new LSTM(core, { inputSize, hiddenSize: hidden, numLayers: layers, dropout: between, seed }),
    drop: dropout > 0 ? [new Dropout(core, { p: dropout, seed: seed + 2 })] : [],
    linear: new Linear(core, { inFeatures: hidden, outFeatures: outputs, seed: seed + 1 }),
  };
}

export class WindowNet {
  readonly model: Sequential;
  readonly settings: WindowSettings;

  constructor(core: Core, width: number, outputs: number, settings: WindowSettings) {
    const { lstm, drop, linear } = createLayers(core, width, outputs, settings);
    this.settings = settings;
    this.model = new Sequential([lstm, lastStep(), ...drop, linear]);
  }

  /** What the network answers [B,N] to the windows that end before some rows. */
  answers(rows: Rows, ends: readonly number[]): number[][] {
    return chunks(ends, EVALUATION_BATCH).flatMap((some) => {
      const { data, shape } = this.model.forward(gather(rows, this.settings.window, some));
      const N = shape[1] as number;
      return some.map((_, b) => [...data.subarray(b * N, (b + 1) * N)]);
    });
  }
}

/** Settings as they stand in a file. */
export function checkNetSettings(value: Record<string, unknown>): NetSettings {
  const inRange = (x: unknown): x is number => isNumber(x) && x >= 0 && x < 1;
  return {
    hidden: checkSize("hidden", value.hidden, 1),
    layers: checkSize("layers", value.layers, 1),
    dropout: check("dropout", "a number in [0, 1)", value.dropout, inRange),
    seed: checkSize("seed", value.seed, 0),
  };
}

export function checkWindowSettings(value: unknown, leastHorizon: number): WindowSettings {
  const settings = checkObject("settings", value);
  return {
    ...checkNetSettings(settings),
    window: checkSize("window", settings.window, 1),
    horizon: checkSize("horizon", settings.horizon, leastHorizon),
  };
}

/** Throws unless the tensors of a file are those of such a network, whose LSTM is layer `at`. */
export function checkNetShapes(
  tensors: StateDict,
  at: number,
  inputs: number,
  outputs: number,
  { hidden, layers, dropout }: NetSettings,
): void {
  for (let k = 0; k < layers; k++)
    checkShape(tensors, `${at}.weight_ih_l${k}`, [4 * hidden, k === 0 ? inputs : hidden]);
  // Behind the LSTM of windows stands lastStep.
  const linear = (at === 0 ? 2 : at + 1) + (dropout > 0 ? 1 : 0);
  checkShape(tensors, `${linear}.weight`, [outputs, hidden]);
}
