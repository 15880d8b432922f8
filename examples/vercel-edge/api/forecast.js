// POST /api/forecast { "values": [1, 2, …], "steps": 5 }: fits an LSTM to the series and answers what comes next.
import { allSteps, Linear, LSTM, loadSync, Sequential } from "lstm-wasm";
import { adam, mseLoss, Trainer } from "lstm-wasm/train";

export const config = { runtime: "edge" };

const HIDDEN = 12;
const UPDATES = 150;

/** Compiled when the function was deployed; instantiated by the first request. */
let core;

/** The next `steps` values of a series. */
function forecast(values, steps) {
  core ??= loadSync();
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) || 1;
  const z = Float32Array.from(values, (value) => (value - mean) / deviation);

  const lstm = new LSTM(core, { inputSize: 1, hiddenSize: HIDDEN, seed: 1 });
  const head = new Linear(core, { inFeatures: HIDDEN, outFeatures: 1, seed: 2 });
  const model = new Sequential([lstm, allSteps(), head]);
  const trainer = new Trainer(model, { loss: mseLoss(), optimizer: adam({ lr: 0.02 }), clipNorm: 1 });
  const shape = [z.length - 1, 1, 1];
  const batch = { x: { data: z.slice(0, -1), shape }, target: { data: z.slice(1), shape } };
  let loss = 0;
  for (let k = 0; k < UPDATES; k++) ({ loss } = trainer.step(batch));

  // The stream reads the series, then its own forecasts.
  const stream = lstm.stream();
  const frame = new Float32Array(1);
  const step = (value) => {
    frame[0] = value;
    return head.forward({ data: stream.step(frame), shape: [1, 1, HIDDEN] }).data[0];
  };
  let next = 0;
  for (const value of z) next = step(value);
  const answer = [];
  for (let k = 0; k < steps; k++) {
    answer.push(next * deviation + mean);
    next = step(next);
  }
  for (const owner of [stream, trainer, model]) owner.dispose();
  return { forecast: answer, rmse: Math.sqrt(loss) * deviation };
}

export default async function handler(request) {
  const { values, steps = 1 } = (await request.json().catch(() => null)) ?? {};
  if (!Array.isArray(values) || values.length < 8 || values.length > 512 || !values.every(Number.isFinite))
    return Response.json({ error: "values: expected 8 to 512 finite numbers" }, { status: 400 });
  if (!Number.isInteger(steps) || steps < 1 || steps > 64)
    return Response.json({ error: "steps: expected a whole number from 1 to 64" }, { status: 400 });
  return Response.json(forecast(values, steps));
}
