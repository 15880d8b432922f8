// The page: orders to the worker, and what it answers drawn once a frame.
import { createChart } from "./chart.js";

const $ = (id) => document.getElementById(id);
const [form, toggle, save] = [$("settings"), $("toggle"), $("save")];
const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });

const MONTH = 30 * 24 * 3600;
const date = (time, options) => new Date(time).toLocaleDateString("en", { timeZone: "UTC", ...options });

const forecastChart = createChart($("forecast"), {
  x: { time: true },
  xAxis: {
    incrs: [MONTH, 2 * MONTH, 3 * MONTH],
    values: (_, seconds) => seconds.map((second) => date(1000 * second, { month: "short" })),
  },
  lines: [{ colour: "--soft", width: 1.25 }, { colour: "--accent" }],
});
const lossChart = createChart($("loss"), {
  x: { time: false, range: (_, min, max) => [min, max] },
  xAxis: { incrs: [1, 2, 5, 10, 20] },
  lines: [{ colour: "--accent" }, { colour: "--warm" }, { colour: "--soft", dash: [4, 4], width: 1 }],
});

/** What the worker sent once: days of the test part, their truth, and the errors of persistence. */
let known;
/** "idle", "running" or "paused"; a run is known by its number. */
let state = "idle";
let run = 0;
let epochs = [];
let latest;
let longest = 0;

const counted = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
const celsius = (value) => `${value.toFixed(2)} °C`;

function become(next) {
  state = next;
  toggle.textContent = { idle: "Start", running: "Stop", paused: "Continue" }[state];
}

function begin() {
  const { hidden, seed } = Object.fromEntries(new FormData(form));
  run++;
  epochs = [];
  latest = undefined;
  longest = 0;
  worker.postMessage({ type: "start", run, hidden: Number(hidden), seed: Number(seed) });
  become("running");
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (state === "idle") begin();
  else if (state === "running") {
    worker.postMessage({ type: "pause" });
    become("paused");
  } else {
    worker.postMessage({ type: "resume" });
    become("running");
  }
});

// Another model: what is on the page belongs to the one before, and Start begins anew.
form.addEventListener("input", () => {
  if (state === "running") worker.postMessage({ type: "pause" });
  become("idle");
});

save.addEventListener("click", () => worker.postMessage({ type: "save" }));

function draw() {
  const { persistence } = known;
  const numbers = Array.from({ length: Math.max(10, epochs.length) }, (_, k) => k + 1);
  lossChart.setData([
    numbers,
    numbers.map((_, k) => epochs[k]?.train),
    numbers.map((_, k) => epochs[k]?.validation),
    numbers.map(() => persistence.validation),
  ]);
  const seconds = known.dates.map((date) => date / 1000);
  forecastChart.setData([seconds, known.truth, latest?.forecast ?? known.truth.map(() => null)]);
  if (!latest) return;
  const after =
    latest.type === "done" ? "With the weights of its best epoch" : `After ${counted(latest.epoch, "epoch")}`;
  const { test } = persistence;
  $("lead").textContent =
    `${after} its forecasts are ${celsius(latest.error)} off on the ${known.truth.length} days it never saw. “Tomorrow as today” is ${celsius(test)} off on them.`;
  $("speed").textContent =
    `${latest.steps} updates, ${(latest.ms / latest.steps).toFixed(1)} ms each in the worker; ${counted(epochs.length, "epoch")}`;
}

const receive = {
  ready(message) {
    known = message;
    const day = (at) => date(known.dates.at(at), { day: "numeric", month: "long", year: "numeric" });
    $("persistence").textContent = `“tomorrow as today”, validation: ${celsius(known.persistence.validation)}`;
    $("span").textContent = `${day(0)} to ${day(-1)}`;
    toggle.disabled = false;
    dirty = true;
  },
  epoch(message) {
    if (message.run !== run) return;
    epochs.push(message);
    latest = message;
    save.disabled = false;
    dirty = true;
  },
  done(message) {
    if (message.run !== run) return;
    latest = message;
    dirty = true;
    become("idle");
  },
  weights({ bytes }) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([bytes]));
    link.download = "weather.safetensors";
    link.click();
    URL.revokeObjectURL(link.href);
  },
  error({ message }) {
    $("lead").textContent = message;
    become("idle");
  },
};

let dirty = false;
worker.onmessage = ({ data }) => receive[data.type](data);
worker.onerror = ({ message }) => receive.error({ message: message || "The worker could not be loaded." });

let last;
function frame(now) {
  // A page in the background has no frames.
  if (state === "running" && last !== undefined && !document.hidden) {
    longest = Math.max(longest, now - last);
    $("pause").textContent = `${longest.toFixed(0)} ms`;
  }
  last = document.hidden ? undefined : now;
  if (dirty) draw();
  dirty = false;
  requestAnimationFrame(frame);
}
requestAnimationFrame(frame);
