// A one-unit, bias-free LSTM unrolled by the real kernels: what goes in, and everything their tapes hold.
import { type Core, LSTM, type LSTMBackwardRecord, type LSTMRecord, type Tensor } from "lstm-wasm";

export const GATES = ["i", "f", "g", "o"] as const;
export type Gates = Record<(typeof GATES)[number], number>;

/** What a case file must give. */
export interface Case {
  readonly W: Gates;
  readonly U: Gates;
  readonly x: readonly number[];
  readonly target: number;
  readonly h0: number;
  readonly c0: number;
}

/** One step of the answer; derivatives are total, along every later path. */
export interface Step {
  readonly t: number;
  readonly x: number;
  readonly z: Gates;
  readonly gates: Gates;
  readonly c: number;
  readonly tanh_c: number;
  readonly h: number;
  readonly dL_dh: number;
  readonly dL_dc: number;
  readonly dL_dgates: Gates;
  readonly dL_dz: Gates;
  readonly dL_dx: number;
  readonly dL_dW_step: Gates;
  readonly dL_dU_step: Gates;
}

/** The answer, in the names of the case files. */
export interface Trace extends Case {
  readonly format: 1;
  readonly generator: string;
  readonly equations: readonly string[];
  readonly note: string;
  readonly steps_count: number;
  readonly steps: readonly Step[];
  readonly h_last: number;
  readonly c_last: number;
  readonly loss: number;
  readonly loss_without_half: number;
  readonly dL_dW: Gates;
  readonly dL_dU: Gates;
  readonly dL_dh0: number;
  readonly dL_dc0: number;
}

/** The worked example. */
export const EXAMPLE: Case = {
  W: { i: 0.95, f: 0.7, g: 0.45, o: 0.6 },
  U: { i: 0.8, f: 0.1, g: 0.15, o: 0.4 },
  x: [0.5, -0.3, 0.8, 0.1],
  target: 0.6,
  h0: 0,
  c0: 0,
};

/** Runs a case through the kernels and names what their tapes hold. */
export function trace(core: Core, given: Case): Trace {
  const T = given.x.length;
  using lstm = new LSTM(core, { inputSize: 1, hiddenSize: 1, bias: false });
  const weights = (gates: Gates): Tensor => ({ data: Float32Array.from(GATES, (k) => gates[k]), shape: [4, 1] });
  const one = (value: number): Tensor => ({ data: Float32Array.of(value), shape: [1, 1, 1] });
  lstm.loadStateDict({ weight_ih_l0: weights(given.W), weight_hh_l0: weights(given.U) });
  const x = { data: Float32Array.from(given.x), shape: [T, 1, 1] };
  const run = lstm.forward(x, { h0: one(given.h0), c0: one(given.c0), record: true });
  const h = run.hn.data[0] as number;
  const error = Math.fround(h - given.target);
  const back = lstm.backward({ hn: one(error) }, { record: true });
  const { weight_ih_l0: dW, weight_hh_l0: dU } = lstm.gradients();
  const forward = run.record?.[0] as LSTMRecord;
  const backward = back.record?.[0] as LSTMBackwardRecord;

  const at = (tensor: Tensor | undefined, k: number) => tensor?.data[k] as number;
  const gates = (of: (k: number) => number): Gates => ({ i: of(0), f: of(1), g: of(2), o: of(3) });
  const steps = given.x.map((_, s): Step => {
    const dz = gates((k) => at(backward.da, 4 * s + k));
    const { i, g } = { i: at(forward.i, s), g: at(forward.g, s) };
    const [dh, dc] = [at(backward.dh, s), at(backward.dc, s)];
    const before = s === 0 ? { h: given.h0, c: given.c0 } : { h: at(forward.h, s - 1), c: at(forward.c, s - 1) };
    const xs = at(x, s);
    return {
      t: s + 1,
      x: xs,
      z: gates((k) => at(forward.a, 4 * s + k)),
      gates: { i, f: at(forward.f, s), g, o: at(forward.o, s) },
      c: at(forward.c, s),
      tanh_c: at(forward.tanhC, s),
      h: at(forward.h, s),
      dL_dh: dh,
      dL_dc: dc,
      // Equation (6): the kernel multiplies these on into da without storing them.
      dL_dgates: { i: dc * g, f: dc * before.c, g: dc * i, o: dh * at(forward.tanhC, s) },
      dL_dz: dz,
      dL_dx: at(back.input, s),
      // The terms of equation (9), which the kernel sums over the steps.
      dL_dW_step: { i: dz.i * xs, f: dz.f * xs, g: dz.g * xs, o: dz.o * xs },
      dL_dU_step: { i: dz.i * before.h, f: dz.f * before.h, g: dz.g * before.h, o: dz.o * before.h },
    };
  });
  return {
    format: 1,
    generator: "lstm-wasm explain, float32",
    equations: [
      "z_k(t) = W_k*x(t) + U_k*h(t-1) for k in i, f, g, o (no bias)",
      "i, f, o = sigmoid(z); g = tanh(z_g)",
      "c(t) = f*c(t-1) + i*g",
      "h(t) = o*tanh(c(t))",
      "loss = 0.5*(h(T) - target)^2, at the last step only",
    ],
    note:
      "Every dL_* is the total derivative (all paths through later steps included). For the loss without the factor 0.5, " +
      "(h(T) - target)^2, the loss and every dL_* double.",
    steps_count: T,
    ...given,
    steps,
    h_last: h,
    c_last: run.cn.data[0] as number,
    loss: 0.5 * error * error,
    loss_without_half: error * error,
    dL_dW: gates((k) => at(dW, k)),
    dL_dU: gates((k) => at(dU, k)),
    dL_dh0: at(back.h0, 0),
    dL_dc0: at(back.c0, 0),
  };
}
