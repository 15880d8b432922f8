// Clipping by global norm. The norm is put together from math/vector.ts' sumSquares of each tensor.

/** The factor of PyTorch's clip_grad_norm_: min(1, maxNorm / (norm + 1e-6)). */
export function clipFactor(norm: f64, maxNorm: f64): f64 {
  return min(1.0, maxNorm / (norm + 1e-6));
}
