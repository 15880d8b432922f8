// Tomorrow's maximum temperature from the last fourteen days: the data, the model, and the training. Knows nothing of the page.
import { adam, dataLoader, Linear, LSTM, lastStep, mseLoss, Sequential, Trainer } from "./lstm-wasm.js";

const WINDOW = 14;
const TARGET = "temp_max";
const FEATURES = ["precipitation", "temp_max", "temp_min", "wind"];
const YEAR_MS = 365.2425 * 24 * 3600 * 1000;

export const EPOCHS = 60;
/** Epochs without a better validation loss before training ends. */
const PATIENCE = 12;

/** The columns of a CSV file without quotes, by name. */
export function parseCsv(text) {
  const [header, ...rows] = text.trim().split(/\r?\n/);
  const cells = rows.map((row) => row.split(","));
  return Object.fromEntries(header.split(",").map((name, k) => [name, cells.map((row) => row[k])]));
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values) => Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));
const range = (from, to) => Array.from({ length: to - from }, (_, k) => from + k);

/**
 * Windows of the scaled columns, split in the order of time: 70 % to train on, 15 % to decide when to end, 15 % that training
 * never sees. The model is asked for the change from today to tomorrow, in units of `change` °C.
 */
export function prepare(columns) {
  const dates = columns.date.map((date) => Date.parse(date));
  const target = columns[TARGET].map(Number);
  const days = target.length;
  const [validationFrom, testFrom] = [Math.round(0.7 * days), Math.round(0.85 * days)];
  const past = (values) => values.slice(0, validationFrom);
  const inputs = FEATURES.map((name) => {
    const values = columns[name].map(Number);
    const [middle, spread] = [mean(past(values)), deviation(past(values))];
    return values.map((value) => (value - middle) / spread);
  });
  const season = dates.map((date) => (2 * Math.PI * date) / YEAR_MS);
  inputs.push(season.map(Math.sin), season.map(Math.cos));
  const changes = target.map((value, day) => value - target[Math.max(0, day - 1)]);
  const change = deviation(past(changes));
  /** The window before `day` as x [T,I], and the change into it as target [1]. */
  const sample = (day) => ({
    x: {
      data: Float32Array.from(range(day - WINDOW, day).flatMap((t) => inputs.map((values) => values[t]))),
      shape: [WINDOW, inputs.length],
    },
    target: { data: Float32Array.of(changes[day] / change), shape: [1] },
  });
  const test = range(testFrom, days);
  /** The error of whoever forecasts "as today". */
  const persistence = (days) => rootMeanSquare(days.map((day) => changes[day]));
  return {
    inputSize: inputs.length,
    change,
    train: range(WINDOW, validationFrom).map(sample),
    validation: range(validationFrom, testFrom).map(sample),
    test: test.map(sample),
    dates: test.map((day) => dates[day]),
    truth: test.map((day) => target[day]),
    /** The day before each, which the model's change is added to. */
    before: test.map((day) => target[day - 1]),
    persistence: { validation: persistence(range(validationFrom, testFrom)), test: persistence(test) },
  };
}

const rootMeanSquare = (values) => Math.sqrt(mean(values.map((value) => value * value)));

export const errorOf = (forecast, truth) => rootMeanSquare(truth.map((value, k) => value - forecast[k]));

/** A model with weights from the seed: an LSTM that reads the window, and a linear layer on its last state. */
export class Forecaster {
  #data;
  #seed;
  #trainer;
  #test;

  constructor(core, data, { hidden, seed }) {
    this.#data = data;
    this.#seed = seed;
    this.model = new Sequential([
      new LSTM(core, { inputSize: data.inputSize, hiddenSize: hidden, seed }),
      lastStep(),
      new Linear(core, { inFeatures: hidden, outFeatures: 1, seed: seed + 1 }),
    ]);
    this.#trainer = new Trainer(this.model, { loss: mseLoss(), optimizer: adam({ lr: 0.003 }), clipNorm: 1 });
    [this.#test] = dataLoader(data.test, { batchSize: data.test.length, shuffle: false })(0);
  }

  /** Forecasts of the test part, in °C. */
  forecast() {
    const { before, change } = this.#data;
    const { data } = this.model.forward(this.#test.x);
    return before.map((value, k) => value + change * data[k]);
  }

  /** Trains until the signal; yields after every update, at the end of an epoch with its losses as root mean squares in °C. */
  async *fit(signal) {
    const { train, validation, change } = this.#data;
    const celsius = (loss) => change * Math.sqrt(loss);
    const batches = dataLoader(train, { batchSize: 32, seed: this.#seed });
    const check = [...dataLoader(validation, { batchSize: 64, shuffle: false })(0)];
    const options = { epochs: EPOCHS, patience: PATIENCE, validation: check, signal };
    for await (const { epoch, end } of this.#trainer.fit(batches, options))
      yield end && { epoch: epoch + 1, train: celsius(end.loss), validation: celsius(end.validation), best: end.best };
  }

  /** Gives all memory back. */
  dispose() {
    this.#trainer.dispose();
    this.model.dispose();
  }
}
