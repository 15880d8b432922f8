// The fair rival: the same LSTM in plain JavaScript on Float32Array, written to run fast in V8: contiguous reads, the
// four gates of a unit together so that each input is read once for four products, no allocation in the loops.

export interface JsLstm {
  readonly I: number;
  readonly H: number;
  readonly wih: Float32Array;
  readonly whh: Float32Array;
  readonly bih: Float32Array;
  readonly bhh: Float32Array;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Tapes of T steps of a batch of B; slot 0 of h and c is the initial state, zero. */
export function createTape(T: number, B: number, H: number) {
  return {
    gates: new Float32Array(T * B * 4 * H),
    h: new Float32Array((T + 1) * B * H),
    c: new Float32Array((T + 1) * B * H),
    tanhC: new Float32Array(T * B * H),
  };
}
export type Tape = ReturnType<typeof createTape>;

/** Equations (1) to (4) of assembly/cells/lstm.ts over x [T,B,I]. */
export function forward(net: JsLstm, tape: Tape, x: Float32Array, T: number, B: number): void {
  const { I, H, wih, whh, bih, bhh } = net;
  const { gates, h, c, tanhC } = tape;
  for (let row = 0; row < T * B; row++) {
    const at = row * 4 * H;
    for (let u = 0; u < H; u++) {
      let ai = (bih[u] as number) + (bhh[u] as number);
      let af = (bih[H + u] as number) + (bhh[H + u] as number);
      let ag = (bih[2 * H + u] as number) + (bhh[2 * H + u] as number);
      let ao = (bih[3 * H + u] as number) + (bhh[3 * H + u] as number);
      for (let k = 0, w = u * I; k < I; k++, w++) {
        const v = x[row * I + k] as number;
        ai += (wih[w] as number) * v;
        af += (wih[w + H * I] as number) * v;
        ag += (wih[w + 2 * H * I] as number) * v;
        ao += (wih[w + 3 * H * I] as number) * v;
      }
      for (let k = 0, w = u * H; k < H; k++, w++) {
        const v = h[row * H + k] as number;
        ai += (whh[w] as number) * v;
        af += (whh[w + H * H] as number) * v;
        ag += (whh[w + 2 * H * H] as number) * v;
        ao += (whh[w + 3 * H * H] as number) * v;
      }
      const i = sigmoid(ai);
      const f = sigmoid(af);
      const g = Math.tanh(ag);
      const o = sigmoid(ao);
      const next = (row + B) * H + u;
      const cell = f * (c[row * H + u] as number) + i * g;
      const t = Math.tanh(cell);
      gates[at + u] = i;
      gates[at + H + u] = f;
      gates[at + 2 * H + u] = g;
      gates[at + 3 * H + u] = o;
      c[next] = cell;
      tanhC[row * H + u] = t;
      h[next] = o * t;
    }
  }
}

/** Gradients of the weights, zero before the first use. */
export function createGradients({ I, H }: JsLstm) {
  return {
    wih: new Float32Array(4 * H * I),
    whh: new Float32Array(4 * H * H),
    bih: new Float32Array(4 * H),
    bhh: new Float32Array(4 * H),
  };
}
export type Gradients = ReturnType<typeof createGradients>;

/** Equations (5) to (9): dh [T+1,B,H] holds dL/d(output) in slots 1 to T; gates become da; adds to `grads`. */
export function backward(
  net: JsLstm,
  tape: Tape,
  grads: Gradients,
  dh: Float32Array,
  dc: Float32Array,
  x: Float32Array,
  T: number,
  B: number,
): void {
  const { I, H, whh } = net;
  const { gates, h, c, tanhC } = tape;
  const { wih: dwih, whh: dwhh, bih: dbih, bhh: dbhh } = grads;
  for (let row = T * B - 1; row >= 0; row--) {
    const at = row * 4 * H;
    const cell = (row % B) * H;
    for (let u = 0; u < H; u++) {
      const i = gates[at + u] as number;
      const f = gates[at + H + u] as number;
      const g = gates[at + 2 * H + u] as number;
      const o = gates[at + 3 * H + u] as number;
      const t = tanhC[row * H + u] as number;
      const d = dh[(row + B) * H + u] as number;
      const dcell = (dc[cell + u] as number) + d * o * (1 - t * t);
      gates[at + u] = dcell * g * i * (1 - i);
      gates[at + H + u] = dcell * (c[row * H + u] as number) * f * (1 - f);
      gates[at + 2 * H + u] = dcell * i * (1 - g * g);
      gates[at + 3 * H + u] = d * t * o * (1 - o);
      dc[cell + u] = dcell * f;
    }
    for (let g = 0; g < 4 * H; g++) {
      const da = gates[at + g] as number;
      for (let k = 0, w = g * H; k < H; k++, w++) {
        dh[row * H + k] = (dh[row * H + k] as number) + da * (whh[w] as number);
        dwhh[w] = (dwhh[w] as number) + da * (h[row * H + k] as number);
      }
      for (let k = 0, w = g * I; k < I; k++, w++) dwih[w] = (dwih[w] as number) + da * (x[row * I + k] as number);
      dbih[g] = (dbih[g] as number) + da;
      dbhh[g] = (dbhh[g] as number) + da;
    }
  }
}
