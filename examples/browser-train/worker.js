// The training, off the page's thread. Takes { type: "start", run, hidden, seed }, "pause", "resume" and "save".
import { errorOf, Forecaster, parseCsv, prepare } from "./forecaster.js";
import { encodeSafetensors, load } from "./lstm-wasm.js";

const ready = (async () => {
  const response = await fetch(new URL("./seattle-weather.csv", import.meta.url));
  const data = prepare(parseCsv(await response.text()));
  return { core: await load(), data };
})();

let forecaster;
/** The end of the last run; the next one begins there. */
let last = ready;
let controller = new AbortController();
/** While paused, what the run waits for, and what lets it go on. */
let pause;
let resume = () => {};

async function train({ run, ...settings }, signal) {
  const { core, data } = await ready;
  forecaster?.dispose();
  forecaster = new Forecaster(core, data, settings);
  let steps = 0;
  /** Without the pauses. */
  let ms = 0;
  let since = performance.now();
  const show = (type, epoch) => {
    const forecast = forecaster.forecast();
    postMessage({ type, run, ...epoch, forecast, error: errorOf(forecast, data.truth), steps, ms });
  };
  for await (const epoch of forecaster.fit(signal)) {
    steps++;
    ms += performance.now() - since;
    if (epoch) show("epoch", epoch);
    if (pause) await pause;
    since = performance.now();
  }
  // The weights of the best epoch are back.
  show("done");
}

const fail = ({ name, message }) => {
  if (name !== "AbortError") postMessage({ type: "error", message });
};

const orders = {
  start(settings) {
    orders.resume();
    controller.abort();
    controller = new AbortController();
    const { signal } = controller;
    last = last.then(() => train(settings, signal)).catch(fail);
  },
  pause() {
    pause ??= new Promise((resolve) => {
      resume = resolve;
    });
  },
  resume() {
    pause = undefined;
    resume();
  },
  save() {
    const bytes = encodeSafetensors(forecaster.model.stateDict());
    postMessage({ type: "weights", bytes }, [bytes.buffer]);
  },
};

self.addEventListener("message", ({ data: { type, ...rest } }) => orders[type](rest));

ready.then(({ data: { dates, truth, persistence } }) => {
  postMessage({ type: "ready", dates, truth, persistence });
}, fail);
