// Scores the values of a stream by how badly they were forecast, and learns as they come. A state is plain data; the layers are one
// set for the whole isolate, which takes over the state of the stream whose turn it is. So thousands of streams need the memory
// of one, and an eviction takes nothing that is not in the state.

import { allSteps, Linear, LSTM, Sequential } from "lstm-wasm";
import { adam, huberLoss, Trainer } from "lstm-wasm/train";

/** Steps of history that one update is trained on, and how many values come between two updates. */
const WINDOW = 16;
const EVERY = 4;
const HIDDEN = 16;
/** How many times the usual error is an anomaly, and how many values go by before anything is called one. */
const THRESHOLD = 6;
const WARM_UP = 2 * WINDOW;
/** Share that a new value has in the running scale and error. */
const RATE = 0.05;

/** @param {import("lstm-wasm").Core} core */
export function createDetector(core) {
  const lstm = new LSTM(core, { inputSize: 1, hiddenSize: HIDDEN, seed: 1 });
  const head = new Linear(core, { inFeatures: HIDDEN, outFeatures: 1, seed: 2 });
  const model = new Sequential([lstm, allSteps(), head]);
  const trainer = new Trainer(model, { loss: huberLoss(), optimizer: adam({ lr: 0.01 }), clipNorm: 1 });
  const stream = lstm.stream();
  const frame = new Float32Array(1);

  /** What every stream starts from. */
  const fresh = () => ({
    count: 0,
    mean: 0,
    variance: 1,
    error: 1,
    forecast: 0,
    history: new Float32Array(WINDOW + 1),
    snapshot: emptySnapshot,
    checkpoint: emptyCheckpoint,
  });
  const emptySnapshot = stream.snapshot();
  const emptyCheckpoint = trainer.save();

  /**
   * Scores values in their order. Answers the state behind them, and for each value its score: its error over the usual error.
   * Synchronous, so that no other stream comes between.
   */
  function observe(state = fresh(), values) {
    const next = { ...state, history: state.history.slice() };
    trainer.load(next.checkpoint);
    stream.restore(next.snapshot);
    const answers = values.map((value) => {
      const z = normalise(next, value);
      const error = Math.abs(z - next.forecast);
      const score = error / Math.max(next.error, 1e-3);
      const anomaly = next.count >= WARM_UP && score > THRESHOLD;
      next.error += RATE * (Math.min(error, THRESHOLD * next.error) - next.error);
      next.history.copyWithin(0, 1);
      next.history[WINDOW] = z;
      next.count++;
      if (next.count > WINDOW && next.count % EVERY === 0) train(next.history);
      frame[0] = z;
      const h = stream.step(frame);
      [next.forecast] = head.forward({ data: h, shape: [1, 1, HIDDEN] }).data;
      return { score, anomaly };
    });
    next.snapshot = stream.snapshot();
    next.checkpoint = trainer.save();
    return { state: next, answers };
  }

  /** The value in units of the stream's usual deviation, held within what is plausible. */
  function normalise(state, value) {
    const rate = Math.max(RATE, 1 / (state.count + 1));
    const delta = value - state.mean;
    const deviation = Math.sqrt(state.variance) || 1;
    const z = Math.max(-10, Math.min(10, delta / deviation));
    state.mean += rate * z * deviation;
    state.variance += rate * ((z * deviation) ** 2 - state.variance);
    return z;
  }

  /** One update: every value of the history from the ones before it. */
  function train(history) {
    const shape = [WINDOW, 1, 1];
    trainer.step({ x: { data: history.slice(0, WINDOW), shape }, target: { data: history.slice(1), shape } });
  }

  return { observe };
}
