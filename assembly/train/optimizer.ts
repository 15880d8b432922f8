// Optimisers: one step over one tensor, with PyTorch's update rules.
import { LANES, loadLanes, madd, storeLanes } from "../math/simd";

/**
 * Adam (Kingma & Ba 2015) as torch.optim.Adam without weight decay:
 *   m = β₁m + (1 − β₁)g   v = β₂v + (1 − β₂)g²   p −= lr/(1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)
 */
export function adamStep(
  p: usize, // [n]  in, out
  m: usize, // [n]  in, out   zeros before the first step
  v: usize, // [n]  in, out   zeros before the first step
  g: usize, // [n]  in
  lr: f64,
  beta1: f64,
  beta2: f64,
  eps: f64,
  beta1Power: f64, // β₁ᵗ with t = 1 in the first step
  beta2Power: f64, // β₂ᵗ
  n: i32,
): void {
  const b1 = f32x4.splat(<f32>beta1);
  const b2 = f32x4.splat(<f32>beta2);
  const a1 = f32x4.splat(<f32>(1.0 - beta1));
  const a2 = f32x4.splat(<f32>(1.0 - beta2));
  const step = f32x4.splat(<f32>(lr / (1.0 - beta1Power)));
  const correction = f32x4.splat(<f32>Math.sqrt(1.0 - beta2Power));
  const e = f32x4.splat(<f32>eps);
  for (let i = 0; i < n; i += LANES) {
    const at = (<usize>i) << 2;
    const lanes = n - i;
    const grad = loadLanes(g + at, lanes);
    const mean = madd(a1, grad, f32x4.mul(b1, loadLanes(m + at, lanes)));
    const square = madd(f32x4.mul(a2, grad), grad, f32x4.mul(b2, loadLanes(v + at, lanes)));
    const denominator = f32x4.add(f32x4.div(f32x4.sqrt(square), correction), e);
    storeLanes(m + at, mean, lanes);
    storeLanes(v + at, square, lanes);
    storeLanes(p + at, f32x4.sub(loadLanes(p + at, lanes), f32x4.div(f32x4.mul(step, mean), denominator)), lanes);
  }
}
