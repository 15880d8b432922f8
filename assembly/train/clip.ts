// Gradient clipping. A global norm is put together from math/vector.ts' sumSquares of each tensor.
import { clip4, inside4 } from "../math/activation";
import { LANES, loadLanes, storeLanes } from "../math/simd";

/** The factor of PyTorch's clip_grad_norm_: min(1, maxNorm / (norm + 1e-6)). */
export function clipFactor(norm: f64, maxNorm: f64): f64 {
  return min(1.0, maxNorm / (norm + 1e-6));
}

/** Every value held within ±limit (PyTorch's clip_grad_value_). Answers 1 if one was outside, else 0. */
export function clipValue(
  x: usize, // [n]  in, out
  limit: f32,
  n: i32,
): i32 {
  let outside = 0;
  for (let k = 0; k < n; k += LANES) {
    const at = <usize>k << 2;
    const lanes = n - k;
    const v = loadLanes(x + at, lanes);
    if (!i32x4.all_true(inside4(v, limit))) outside = 1;
    storeLanes(x + at, clip4(v, limit), lanes);
  }
  return outside;
}
