// Convolution along the steps of a sequence (PyTorch's nn.Conv1d, with the steps first).
//
//   y[u, b] = bias + Σ_k W_k·x[t, b]   t = s·u + d·k − p, taps outside of 0 ≤ t < T left out       (1)
//   dx[t, b] = Σ_k dy[u, b]·W_k                                                                     (2) from 1
//   dW_k += Σ_u Σ_b dy[u, b]ᵀ·x[t, b]   dbias += Σ dy                                               (3) from 1
//
// W_k [O,I] are the weights of tap k, s the stride, d the dilation, p the steps of padding in front. For one tap the rows
// of y and of x that meet lie in the same order. So each tap is a product of matrices on x itself, with no copy of it: one
// over all steps where the stride is 1, else one a step.
import { columnSums, gemm, gemmTN, pack } from "../math/gemm";
import { copyRows } from "../math/vector";

/** The first u at which a tap with t = s·u + shift is not before step 0. */
// @ts-ignore: decorator
@inline
function firstStep(shift: i64, stride: i32): i32 {
  return shift < 0 ? <i32>min<i64>(i32.MAX_VALUE, (-shift - 1) / stride + 1) : 0;
}

/** The first u of U from which on it is past the last of T steps. */
// @ts-ignore: decorator
@inline
function endStep(shift: i64, stride: i32, T: i32, U: i32): i32 {
  return shift < T ? <i32>min<i64>(U, (<i64>T - 1 - shift) / stride + 1) : 0;
}

/** (1) */
export function conv1dForward(
  y: usize, //      [U,B,O]  out =
  x: usize, //      [T,B,I]  in
  weight: usize, // [O,I,K]  in
  bias: usize, //   [O]      in   zeros without a bias
  panels: usize, // [packedSize(I, O)]  scratch
  T: i32,
  U: i32,
  B: i32,
  I: i32,
  O: i32,
  K: i32,
  stride: i32,
  dilation: i32,
  padding: i32,
): void {
  const rowX = (<usize>I) << 2;
  const rowY = (<usize>O) << 2;
  copyRows(y, bias, 0, U * B, O, O, 0);
  for (let k = 0; k < K; k++) {
    const shift = <i64>dilation * k - padding;
    const from = firstStep(shift, stride);
    const steps = endStep(shift, stride, T, U) - from;
    if (steps <= 0) continue;
    pack(panels, weight + (<usize>k << 2), (<usize>K) << 2, (<usize>I * K) << 2, I, O);
    const together = stride == 1 ? steps : 1;
    for (let u = from; u < from + steps; u += together) {
      const c = y + <usize>u * B * rowY;
      const a = x + <usize>(<i64>stride * u + shift) * B * rowX;
      gemm(c, rowY, c, rowY, a, rowX, panels, together * B, O, I);
    }
  }
}

/** (2) and (3) */
export function conv1dBackward(
  dx: usize, //      [T,B,I]  out =   or 0 to leave it out
  dWeight: usize, // [O,I,K]  +=
  dBias: usize, //   [O]      +=  or 0
  dy: usize, //      [U,B,O]  in
  x: usize, //       [T,B,I]  in
  weight: usize, //  [O,I,K]  in
  dTap: usize, //    [O,I]    scratch
  panels: usize, //  [max(packedSize(O, I), scratchSize(I))]  scratch
  T: i32,
  U: i32,
  B: i32,
  I: i32,
  O: i32,
  K: i32,
  stride: i32,
  dilation: i32,
  padding: i32,
): void {
  const rowX = (<usize>I) << 2;
  const rowY = (<usize>O) << 2;
  if (dx) memory.fill(dx, 0, <usize>T * B * rowX);
  for (let k = 0; k < K; k++) {
    const shift = <i64>dilation * k - padding;
    const from = firstStep(shift, stride);
    const steps = endStep(shift, stride, T, U) - from;
    if (steps <= 0) continue;
    const together = stride == 1 ? steps : 1;
    if (dx) {
      pack(panels, weight + (<usize>k << 2), (<usize>I * K) << 2, (<usize>K) << 2, O, I);
      for (let u = from; u < from + steps; u += together) {
        const c = dx + <usize>(<i64>stride * u + shift) * B * rowX;
        gemm(c, rowX, c, rowX, dy + <usize>u * B * rowY, rowY, panels, together * B, I, O);
      }
    }
    memory.fill(dTap, 0, <usize>O * rowX);
    for (let u = from; u < from + steps; u += together) {
      const b = x + <usize>(<i64>stride * u + shift) * B * rowX;
      gemmTN(dTap, dy + <usize>u * B * rowY, rowY, b, panels, O, I, together * B);
    }
    for (let n = 0; n < O * I; n++) {
      const at = dWeight + (<usize>(n * K + k) << 2);
      store<f32>(at, load<f32>(at) + load<f32>(dTap + (<usize>n << 2)));
    }
  }
  if (dBias) columnSums(dBias, 0, dy, U * B, O);
}
