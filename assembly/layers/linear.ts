// Linear: y = x·Wᵀ + b (PyTorch's nn.Linear).
import { columnSums, gemm, gemmTN, pack } from "../math/gemm";

/** y = x·Wᵀ + b. */
export function linearForward(
  y: usize, //       [M,O]  out =
  x: usize, //       [M,I]  in
  weight: usize, //  [O,I]  in
  bias: usize, //    [O]    in   zeros without a bias
  panels: usize, //  [packedSize(I, O)]  scratch
  M: i32,
  I: i32,
  O: i32,
): void {
  pack(panels, weight, sizeof<f32>(), (<usize>I) << 2, I, O);
  gemm(y, (<usize>O) << 2, bias, 0, x, (<usize>I) << 2, panels, M, O, I);
}

/** dx = dy·W;  dW += dyᵀ·x;  db += Σ dy. */
export function linearBackward(
  dx: usize, //      [M,I]  out =   or 0 to leave it out
  dWeight: usize, // [O,I]  +=
  dBias: usize, //   [O]    +=  or 0
  dy: usize, //      [M,O]  in
  x: usize, //       [M,I]  in
  weight: usize, //  [O,I]  in
  panels: usize, //  [max(packedSize(O, I), scratchSize(I))]  scratch
  M: i32,
  I: i32,
  O: i32,
): void {
  if (dx) {
    memory.fill(dx, 0, (<usize>M * I) << 2);
    pack(panels, weight, (<usize>I) << 2, sizeof<f32>(), O, I);
    gemm(dx, (<usize>I) << 2, dx, (<usize>I) << 2, dy, (<usize>O) << 2, panels, M, I, O);
  }
  gemmTN(dWeight, dy, <usize>O << 2, x, panels, O, I, M);
  if (dBias) columnSums(dBias, 0, dy, M, O);
}
