// The model of numbers: from a window of rows the changes of some columns from its last row into the rows behind it.
import type { Core, Sequential } from "lstm-wasm";
import { type Batch, mseLoss } from "lstm-wasm/train";
import { columnOf, type Series } from "./csv.ts";
import { checkFinite, gather, type Inputs, moment, type Part, type Rows, range, widthOf } from "./dataset.ts";
import { UserError } from "./fail.ts";
import {
  check,
  checkList,
  checkNames,
  checkObject,
  encodeModel,
  isAbove0,
  isNumber,
  isText,
  restore,
  type SavedFile,
} from "./saved.ts";
import { checkNetShapes, checkWindowSettings, WindowNet, type WindowSettings } from "./window-net.ts";

/** A column that is forecast. */
export interface Target {
  readonly name: string;
  readonly unit: string;
  /** Typical size of its change into each row ahead: the unit of what the model answers. */
  readonly change: readonly number[];
}

/** The target of this column; what is typical is that of the first `rows` rows. */
export function fitTarget(series: Series, name: string, unit: string, horizon: number, rows: number): Target {
  const values = columnOf(series, "--target", name).subarray(0, rows);
  const change = Array.from({ length: horizon }, (_, k) => {
    const ahead = k + 1;
    const { mean, deviation } = moment(values.subarray(ahead).map((value, row) => value - (values[row] as number)));
    return Math.hypot(mean, deviation);
  });
  checkFinite(series, name, change);
  if (change.some((size) => !(size > 0)))
    throw new UserError(
      `--target: expected a column that changes, got "${name}", the same in all of the training part`,
    );
  return { name, unit, change };
}

/** The rows behind a window for which every step of a forecast is within a part. */
export const endsOf = ({ from, to }: Part, horizon: number): number[] => range({ from, to: to - horizon + 1 });

export class Forecaster {
  readonly kind = "forecaster";
  readonly loss = mseLoss();
  readonly inputs: Inputs;
  readonly targets: readonly Target[];
  readonly net: WindowNet;

  constructor(core: Core, inputs: Inputs, targets: readonly Target[], settings: WindowSettings) {
    this.inputs = inputs;
    this.targets = targets;
    this.net = new WindowNet(core, widthOf(inputs), targets.length * settings.horizon, settings);
  }

  get settings(): WindowSettings {
    return this.net.settings;
  }

  get model(): Sequential {
    return this.net.model;
  }

  /** Windows that end before some rows x [T,B,I], and the changes behind them [B,N], by row ahead, then by target. */
  batch(rows: Rows, columns: readonly Float64Array[], ends: readonly number[]): Batch {
    return { x: gather(rows, this.settings.window, ends), target: this.#changes(columns, ends) };
  }

  /** Forecasts of the rows from each of some ends on, by row ahead, then by target; an end may stand behind the last row. */
  forecast(rows: Rows, columns: readonly Float64Array[], ends: readonly number[]): number[][] {
    return this.net.answers(rows, ends).map((answer, b) =>
      answer.map((change, n) => {
        const { k, size } = this.#output(n);
        return (columns[k]?.[(ends[b] as number) - 1] as number) + size * change;
      }),
    );
  }

  save(): Uint8Array {
    const { settings, inputs, targets } = this;
    return encodeModel("forecaster", this.model, { settings, inputs, targets });
  }

  static load(core: Core, { notes, tensors }: SavedFile): Forecaster {
    const settings = checkWindowSettings(notes.settings, 1);
    const inputs = checkInputs(notes.inputs);
    const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;
    const targets = checkList("targets", "a list of targets", notes.targets, isObject).map((value) => {
      const { name, unit, change } = checkObject("targets", value);
      const isFeature = (x: unknown): x is string => isText(x) && inputs.features.includes(x);
      return {
        name: check("target", "one of the features", name, isFeature),
        unit: check("unit", "a text", unit, isText),
        change: checkList("change", `${settings.horizon} numbers above 0`, change, isAbove0, settings.horizon),
      };
    });
    checkNetShapes(tensors, 0, widthOf(inputs), targets.length * settings.horizon, settings);
    const forecaster = new Forecaster(core, inputs, targets, settings);
    restore(forecaster.model, tensors);
    return forecaster;
  }

  /** Which step and target output n is, and the unit of its change. */
  #output(n: number): { step: number; k: number; size: number } {
    const k = n % this.targets.length;
    const step = Math.floor(n / this.targets.length);
    return { step, k, size: this.targets[k]?.change[step] as number };
  }

  #changes(columns: readonly Float64Array[], ends: readonly number[]) {
    const N = this.targets.length * this.settings.horizon;
    const data = new Float32Array(ends.length * N);
    ends.forEach((end, b) => {
      for (let n = 0; n < N; n++) {
        const { step, k, size } = this.#output(n);
        const column = columns[k] as Float64Array;
        data[b * N + n] = ((column[end + step] as number) - (column[end - 1] as number)) / size;
      }
    });
    return { data, shape: [ends.length, N] };
  }
}

/** How rows become inputs, as it stands in a file. */
export function checkInputs(value: unknown): Inputs {
  const inputs = checkObject("inputs", value);
  const features = checkNames("features", "a list of names", inputs.features);
  const n = features.length;
  return {
    features,
    mean: checkList("mean", `${n} numbers`, inputs.mean, isNumber, n),
    deviation: checkList("deviation", `${n} numbers above 0`, inputs.deviation, isAbove0, n),
    season: check("season", "true or false", inputs.season, (x) => typeof x === "boolean"),
  };
}
