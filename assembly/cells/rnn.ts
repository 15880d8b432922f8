// THE RNN EQUATIONS (Elman 1990; both biases as in PyTorch's nn.RNN). φ is any activation: tanh, or relu with relu'(0) = 0.
//
//   a = W_ih·x + b_ih + W_hh·h₋ + b_hh                                (1)
//   h = φ(a)                                                          (2)
//   da = dh·φ'(a), from h: dh·(1 − h²) for tanh                       (3)  from 2
//   dh₋ = W_hhᵀ·da + (step t − 1's own output)   dx = W_ihᵀ·da        (4)  from 1
//   dW_ih = Σ da·xᵀ   dW_hh = Σ da·h₋ᵀ   db_ih = db_hh = Σ da         (5)  from 1, over t and the batch
//
// options [ONNX' name in brackets]
//   gateClip [clip]   a is held within ±gateClip; da = 0 where it was not                        (2c)
//   clipStep          da is held within ±clipStep before anything else receives it, Graves 2013  (3c)
import { activationForward, clip4, inside4, slope4 } from "../math/activation";
import { LANES, loadSome, storeSome } from "../math/simd";
import { clipValue } from "../math/vector";
import { Sequence } from "../sequence";

/** Equation (2) for n values of one step. */
export function rnnCellForward(
  s: Sequence, //   options
  h: usize, //      [n]  out =
  gates: usize, //  [n]  in a, out h: kept for the backward pass
  preact: usize, // [n]  out =   a, before (2c); or 0
  n: i32,
): void {
  const bytes = <usize>n << 2;
  if (preact) memory.copy(preact, gates, bytes);
  if (s.gateClip > 0) clipValue(gates, s.gateClip, n); // (2c)
  activationForward(gates, gates, s.actF, s.alphaF, s.betaF, n);
  memory.copy(h, gates, bytes);
}

/** Equation (3) for n values of one step. */
export function rnnCellBackward(
  s: Sequence, //   options
  gates: usize, //  [n]  in h, out da
  dh: usize, //     [n]  in
  preact: usize, // [n]  in   with gateClip
  n: i32,
): void {
  for (let u = 0; u < n; u += LANES) {
    const at = <usize>u << 2;
    const lanes = n - u;
    let da = f32x4.mul(loadSome(dh + at, lanes), slope4(s.actF, s.alphaF, s.betaF, loadSome(gates + at, lanes)));
    if (s.gateClip > 0) da = v128.and(da, inside4(loadSome(preact + at, lanes), s.gateClip));
    storeSome(gates + at, clip4(da, s.clipStep), lanes); // (3c)
  }
}
