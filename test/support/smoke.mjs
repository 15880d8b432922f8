// What a user does first, against the built package, on whatever engine runs this: load, stream, train, save, load. Prints a
// digest of every number that came out.
import { createHash } from "node:crypto";
import * as main from "lstm-wasm";
import * as io from "lstm-wasm/io";
import * as train from "lstm-wasm/train";

const api = { ...main, ...io, ...train };
const core = await api.load();
const hash = createHash("sha256");
const add = (data) => hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
const wave = (n, k) => Float32Array.from({ length: n }, (_, j) => ((j * k) % 17) / 8 - 1);

const layers = () => [
  new api.LSTM(core, { inputSize: 3, hiddenSize: 10, seed: 1 }),
  api.lastStep(),
  new api.Linear(core, { inFeatures: 10, outFeatures: 1, seed: 2 }),
];
const model = new api.Sequential(layers());
const trainer = new api.Trainer(model, { loss: api.mseLoss(), optimizer: api.adam({ lr: 0.01 }), clipNorm: 1 });
const batch = { x: { data: wave(8 * 4 * 3, 5), shape: [8, 4, 3] }, target: { data: wave(4, 3), shape: [4, 1] } };
const losses = [];
for await (const { loss } of trainer.fit([batch], { epochs: 20 })) losses.push(loss);
add(Float64Array.from(losses));

const saved = api.encodeSafetensors(model.stateDict());
add(saved);
const loaded = new api.Sequential(layers());
loaded.loadStateDict(api.decodeSafetensors(saved).tensors);
add(loaded.forward(batch.x).data);

const gru = new api.GRU(core, { inputSize: 3, hiddenSize: 7, numLayers: 2 });
const stream = gru.stream();
for (let step = 0; step < 100; step++) add(stream.step(wave(3, step + 1)));
if (!(losses[19] < losses[0])) throw new Error("expected the loss to fall");
console.log(hash.digest("hex"));
