// What a user does first, the same on every engine: load, stream, back-propagate, train, save, load. Answers one digest of every
// output, gradient and trained weight; throws where bits that must agree do not. Uses nothing but the language, the package's
// public API and Web Crypto.

/** Numbers that need no library: from −1 to 1, in steps of 1/8. */
const wave = (n, k) => Float32Array.from({ length: n }, (_, j) => ((j * k) % 17) / 8 - 1);

const bytesOf = ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength).slice();

function expectSame(what, a, b) {
  const [x, y] = [bytesOf(a), bytesOf(b)];
  if (x.length !== y.length || x.some((byte, k) => byte !== y[k])) throw new Error(`${what}: expected the same bits`);
}

/** 100 steps; from a snapshot at half of them a second stream goes on with the same bits. */
function stream(api, core, add) {
  const gru = new api.GRU(core, { inputSize: 3, hiddenSize: 7, numLayers: 2, seed: 3 });
  const one = gru.stream();
  const other = gru.stream();
  for (let step = 0; step < 100; step++) {
    if (step === 50) other.restore(one.snapshot());
    const h = one.step(wave(3, step + 1));
    add(h);
    if (step >= 50) expectSame("snapshot", h, other.step(wave(3, step + 1)));
  }
  gru.dispose();
}

/** Outputs and every gradient of two layers in two directions, sequences of several lengths. */
function gradients(api, core, add) {
  const options = { inputSize: 5, hiddenSize: 18, numLayers: 2, bidirectional: true, projSize: 6, seed: 4 };
  const lstm = new api.LSTM(core, { ...options, recurrentInit: "orthogonal", kernelInit: "glorotNormal" });
  const x = { data: wave(9 * 4 * 5, 7), shape: [9, 4, 5] };
  const { output, hn, cn } = lstm.forward(x, { lengths: [9, 4, 1, 7] });
  const grad = lstm.backward({ output: { data: wave(9 * 4 * 12, 3), shape: [9, 4, 12] } });
  for (const { data } of [output, hn, cn, grad.input, ...Object.values(lstm.gradients())]) add(data);
  lstm.dispose();
}

/** 20 steps, a checkpoint in their middle from which a second run gets to the same weights, and a file of weights. */
async function train(api, add, [layers, loss, optimizer], batch) {
  const create = () => {
    const model = new api.Sequential(layers());
    const schedule = api.warmup({ totalIters: 4 }, api.cosineAnnealingLR({ tMax: 16 }));
    return { model, trainer: new api.Trainer(model, { loss, optimizer, schedule, clipNorm: 1 }) };
  };
  const [first, second] = [create(), create()];
  const losses = [];
  let checkpoint;
  for await (const { loss } of first.trainer.fit([batch], { epochs: 20 })) {
    losses.push(loss);
    if (losses.length === 10) checkpoint = first.trainer.save();
  }
  if (!(losses[19] < losses[0])) throw new Error("expected the loss to fall");
  add(Float64Array.from(losses));

  second.trainer.load(checkpoint);
  for await (const _ of second.trainer.fit([batch], { epochs: 20 }));
  const saved = api.encodeSafetensors(first.model.stateDict());
  expectSame("checkpoint", saved, api.encodeSafetensors(second.model.stateDict()));
  add(saved);

  const loaded = create();
  loaded.model.loadStateDict(api.decodeSafetensors(saved).tensors);
  const { data } = loaded.model.forward(batch.x);
  expectSame("weights from a file", first.model.forward(batch.x).data, data);
  add(data);
  for (const { model, trainer } of [first, second, loaded]) {
    trainer.dispose();
    model.dispose();
  }
}

/** The script. `source`, if there is one, is what `load` takes the module from. */
export async function run(api, source) {
  const core = await api.load(source);
  const parts = [];
  const add = (values) => parts.push(bytesOf(values));
  stream(api, core, add);
  gradients(api, core, add);
  const regression = [
    () => [
      new api.LSTM(core, { inputSize: 3, hiddenSize: 10, numLayers: 2, dropout: 0.1, layerNorm: true, seed: 1 }),
      api.lastStep(),
      new api.Linear(core, { inFeatures: 10, outFeatures: 1, seed: 2 }),
    ],
    api.mseLoss(),
    api.adam({ lr: 0.02 }),
  ];
  const x = { data: wave(8 * 4 * 3, 5), shape: [8, 4, 3] };
  await train(api, add, regression, { x, target: { data: wave(4, 3), shape: [4, 1] } });
  const classification = [
    () => [
      new api.Embedding(core, { numEmbeddings: 6, embeddingDim: 4, seed: 5 }),
      new api.Conv1d(core, { inChannels: 4, outChannels: 8, kernelSize: 3, padding: "causal", seed: 6 }),
      api.activation("tanh"),
      new api.GRU(core, { inputSize: 8, hiddenSize: 9, zoneout: 0.1, seed: 7 }),
      new api.LayerNorm(core, { normalizedShape: 9 }),
      new api.Linear(core, { inFeatures: 9, outFeatures: 6, seed: 8 }),
    ],
    api.crossEntropyLoss(),
    api.adamW({ lr: 0.05 }),
  ];
  const letters = Float32Array.from({ length: 24 }, (_, k) => (k * k + 3) % 6);
  const next = Float32Array.from({ length: 24 }, (_, k) => (k * k + k + 1) % 6);
  await train(api, add, classification, {
    x: { data: letters, shape: [12, 2] },
    target: { data: next, shape: [12, 2] },
  });

  const digest = await crypto.subtle.digest("SHA-256", await new Blob(parts).arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
