// The same filter on the page, in Node and in the AudioWorklet: y[t] = x[t] + head · h[t], h of a GRU that reads x.
const HIDDEN = 16;

export const RATE = 48_000;

/** Noise at a quarter of full scale, the same everywhere. */
export function noise(samples) {
  let state = 1;
  return Float32Array.from({ length: samples }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 33 - 0.25;
  });
}

export const createGru = ({ GRU }, core) => new GRU(core, { inputSize: 1, hiddenSize: HIDDEN, seed: 1 });

/** A double, rounded once when it becomes a sample: the same bits on every engine. */
export function mix(x, h, at = 0) {
  let y = x;
  for (let k = 0; k < HIDDEN; k++) y += ((k % 5) - 2) * 0.05 * h[at + k];
  return y;
}

/** The filter on a whole signal at once, by one call of `forward`. */
export function filter(api, core, x) {
  const gru = createGru(api, core);
  const { output } = gru.forward({ data: x, shape: [x.length, 1, 1] });
  gru.dispose();
  return Float32Array.from(x, (value, t) => mix(value, output.data, t * HIDDEN));
}

/** SHA-256 of samples, where there is Web Crypto. */
export async function digestOf(samples) {
  const digest = await crypto.subtle.digest("SHA-256", samples.slice());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
