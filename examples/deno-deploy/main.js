// POST / a body of numbers, one a line, that may go on for ever: each is answered at once by a line with the forecast of the next
// one. The model of a connection learns from it as it goes.
import { allSteps, Linear, LSTM, load, Sequential } from "lstm-wasm";
import { adam, mseLoss, Trainer } from "lstm-wasm/train";

const HIDDEN = 8;
/** Values that an update looks back on. */
const WINDOW = 16;

// The module is inside the package: no file is read, no permission asked for.
const core = await load();

/** Numbers in, forecasts out. */
function forecaster() {
  const lstm = new LSTM(core, { inputSize: 1, hiddenSize: HIDDEN, seed: 1 });
  const head = new Linear(core, { inFeatures: HIDDEN, outFeatures: 1, seed: 2 });
  const model = new Sequential([lstm, allSteps(), head]);
  const trainer = new Trainer(model, { loss: mseLoss(), optimizer: adam({ lr: 0.02 }), clipNorm: 1 });
  const stream = lstm.stream();
  const history = new Float32Array(WINDOW + 1);
  let count = 0;
  const close = () => {
    for (const owner of [stream, trainer, model]) owner.dispose();
  };
  const transform = (line, controller) => {
    const value = Number(line);
    if (line.trim() === "" || !Number.isFinite(value)) {
      controller.enqueue(`${JSON.stringify({ error: `expected a finite number, got ${JSON.stringify(line)}` })}\n`);
      return;
    }
    history.copyWithin(0, 1);
    history[WINDOW] = value;
    const shape = [WINDOW, 1, 1];
    if (++count > WINDOW)
      trainer.step({ x: { data: history.slice(0, WINDOW), shape }, target: { data: history.slice(1), shape } });
    const h = stream.step(Float32Array.of(value));
    const [forecast] = head.forward({ data: h, shape: [1, 1, HIDDEN] }).data;
    controller.enqueue(`${JSON.stringify({ value, forecast })}\n`);
  };
  return new TransformStream({ transform, flush: close, cancel: close });
}

/** Text in pieces of any size to lines. */
function lines() {
  let rest = "";
  return new TransformStream({
    transform(text, controller) {
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      for (const part of parts) controller.enqueue(part);
    },
    flush(controller) {
      if (rest) controller.enqueue(rest);
    },
  });
}

Deno.serve((request) => {
  if (request.method !== "POST" || !request.body) return new Response("POST numbers, one a line\n", { status: 405 });
  const body = request.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(lines())
    .pipeThrough(forecaster())
    .pipeThrough(new TextEncoderStream());
  return new Response(body, { headers: { "content-type": "application/x-ndjson" } });
});
