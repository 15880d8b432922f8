// What a user does first, on whatever engine runs this: load, stream 100 steps, train 20, save, load. Answers a digest of every
// number that came out. It uses nothing but the language, the package's public API and Web Crypto.
const wave = (n, k) => Float32Array.from({ length: n }, (_, j) => ((j * k) % 17) / 8 - 1);

export async function run(api, source) {
  const core = await api.load(source);
  const parts = [];
  const add = ({ buffer, byteOffset, byteLength }) =>
    parts.push(new Uint8Array(buffer, byteOffset, byteLength).slice());

  const stream = new api.GRU(core, { inputSize: 3, hiddenSize: 7, numLayers: 2 }).stream();
  for (let step = 0; step < 100; step++) add(stream.step(wave(3, step + 1)));

  const createModel = () =>
    new api.Sequential([
      new api.LSTM(core, { inputSize: 3, hiddenSize: 10, seed: 1 }),
      api.lastStep(),
      new api.Linear(core, { inFeatures: 10, outFeatures: 1, seed: 2 }),
    ]);
  const model = createModel();
  const trainer = new api.Trainer(model, { loss: api.mseLoss(), optimizer: api.adam({ lr: 0.01 }), clipNorm: 1 });
  const batch = { x: { data: wave(8 * 4 * 3, 5), shape: [8, 4, 3] }, target: { data: wave(4, 3), shape: [4, 1] } };
  const losses = [];
  for await (const { loss } of trainer.fit([batch], { epochs: 20 })) losses.push(loss);
  if (!(losses[19] < losses[0])) throw new Error("expected the loss to fall");
  add(Float64Array.from(losses));

  const saved = api.encodeSafetensors(model.stateDict());
  add(saved);
  const loaded = createModel();
  loaded.loadStateDict(api.decodeSafetensors(saved).tensors);
  const [before, after] = [model, loaded].map((each) => each.forward(batch.x).data);
  if (before.some((value, k) => !Object.is(value, after[k]))) throw new Error("expected the bits of the saved model");
  add(after);

  const digest = await crypto.subtle.digest("SHA-256", await new Blob(parts).arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
