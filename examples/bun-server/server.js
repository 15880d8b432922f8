// ws://HOST/NAME: send a number, get the forecast of the next one. All sockets share the weights of one model; each has a stream of
// its own, whose state of 100 bytes is in streams.sqlite after every step. Whoever comes back, after a restart too, goes on.
import { Database } from "bun:sqlite";
import { allSteps, Linear, LSTM, loadSync, Sequential } from "lstm-wasm";
import { adam, mseLoss, Trainer } from "lstm-wasm/train";

const HIDDEN = 16;
const core = loadSync();
const lstm = new LSTM(core, { inputSize: 1, hiddenSize: HIDDEN, seed: 1 });
const head = new Linear(core, { inFeatures: HIDDEN, outFeatures: 1, seed: 2 });

/** 300 updates on sines of 16 periods; takes a moment. */
function train() {
  const [T, B] = [40, 16];
  const wave = (t, b) => Math.fround(Math.sin(((t + b) * 2 * Math.PI) / (8 + b)));
  const series = (from) => ({
    data: Float32Array.from({ length: T * B }, (_, k) => wave(from + Math.floor(k / B), k % B)),
    shape: [T, B, 1],
  });
  const model = new Sequential([lstm, allSteps(), head]);
  using trainer = new Trainer(model, { loss: mseLoss(), optimizer: adam({ lr: 0.01 }), clipNorm: 1 });
  const batch = { x: series(0), target: series(1) };
  for (let k = 0; k < 300; k++) trainer.step(batch);
}

const database = new Database(process.env.DATABASE ?? "streams.sqlite");
database.run("CREATE TABLE IF NOT EXISTS stream (name TEXT PRIMARY KEY, count INTEGER, state BLOB)");
const find = database.query("SELECT count, state FROM stream WHERE name = ?");
const save = database.query("INSERT OR REPLACE INTO stream VALUES (?, ?, ?)");

train();
const server = Bun.serve({
  hostname: process.env.HOST ?? "127.0.0.1",
  port: process.env.PORT ?? 3000,
  fetch(request, server) {
    const name = new URL(request.url).pathname.slice(1);
    if (!/^[\w.-]{1,64}$/.test(name)) return new Response("expected /NAME", { status: 404 });
    return server.upgrade(request, { data: { name } })
      ? undefined
      : new Response("expected a WebSocket", { status: 426 });
  },
  websocket: {
    message(socket, text) {
      const value = Number(text);
      if (text === "" || !Number.isFinite(value)) {
        socket.send(JSON.stringify({ error: "expected a finite number" }));
        return;
      }
      const { name } = socket.data;
      const record = find.get(name);
      using stream = lstm.stream();
      if (record) stream.restore(record.state);
      const h = stream.step(Float32Array.of(value));
      const [forecast] = head.forward({ data: h, shape: [1, 1, HIDDEN] }).data;
      const count = (record?.count ?? 0) + 1;
      save.run(name, count, stream.snapshot());
      socket.send(JSON.stringify({ count, forecast }));
    },
  },
});
console.log(`ws://${server.hostname}:${server.port}/NAME`);
