// THE RNN EQUATIONS (Elman 1990; both biases as in PyTorch's nn.RNN). φ is tanh or relu.
//
//   a = W_ih·x + b_ih + W_hh·h₋ + b_hh                                (1)
//   h = φ(a)                                                          (2)
//   da = dh·φ'(a): dh·(1 − h²), or dh where h > 0 and else 0          (3)  from 2; relu'(0) = 0
//   dh₋ = W_hhᵀ·da + (step t − 1's own output)   dx = W_ihᵀ·da        (4)  from 1
//   dW_ih = Σ da·xᵀ   dW_hh = Σ da·h₋ᵀ   db_ih = db_hh = Σ da         (5)  from 1, over t and the batch
import { tanh4 } from "../math/activation";
import { LANES, loadLanes, storeLanes } from "../math/simd";

/** Equation (2) for n values of one step. */
export function rnnCellForward(
  h: usize, //     [n]  out =
  gates: usize, // [n]  in a, out h: kept for the backward pass
  relu: bool,
  n: i32,
): void {
  const zero = f32x4.splat(0.0);
  for (let u = 0; u < n; u += LANES) {
    const at = <usize>u << 2;
    const lanes = n - u;
    const a = loadLanes(gates + at, lanes);
    // pmax(a, 0) keeps a NaN.
    const y = relu ? f32x4.pmax(a, zero) : tanh4(a);
    storeLanes(gates + at, y, lanes);
    storeLanes(h + at, y, lanes);
  }
}

/** Equation (3) for n values of one step. */
export function rnnCellBackward(
  gates: usize, // [n]  in h, out da
  dh: usize, //    [n]  in
  relu: bool,
  n: i32,
): void {
  const zero = f32x4.splat(0.0);
  const one = f32x4.splat(1.0);
  for (let u = 0; u < n; u += LANES) {
    const at = <usize>u << 2;
    const lanes = n - u;
    const y = loadLanes(gates + at, lanes);
    const d = loadLanes(dh + at, lanes);
    const da = relu ? v128.and(d, f32x4.gt(y, zero)) : f32x4.mul(d, f32x4.sub(one, f32x4.mul(y, y)));
    storeLanes(gates + at, da, lanes);
  }
}
