// Optimisers: one step over one tensor, with PyTorch's update rules.
import { LANES, loadSome, madd, nmadd, storeSome } from "../math/simd";

/**
 * SGD as torch.optim.SGD:
 *   g += decay·p   b = momentum·b + (1 − dampening)·g (first step: b = g)
 *   p −= lr·b, or with Nesterov's momentum lr·(g + momentum·b), or without momentum lr·g
 */
export function sgdStep(
  p: usize, // [n]  in, out
  b: usize, // [n]  in, out   unread in the first step; 0 without momentum
  g: usize, // [n]  in
  lr: f64,
  momentum: f64,
  dampening: f64,
  decay: f64,
  nesterov: bool,
  first: bool,
  n: i32,
): void {
  const rate = f32x4.splat(<f32>lr);
  const mu = f32x4.splat(<f32>momentum);
  const taken = f32x4.splat(<f32>(1.0 - dampening));
  const lambda = f32x4.splat(<f32>decay);
  for (let i = 0; i < n; i += LANES) {
    const at = <usize>i << 2;
    const lanes = n - i;
    const value = loadSome(p + at, lanes);
    let step = loadSome(g + at, lanes);
    if (decay != 0.0) step = madd(lambda, value, step);
    if (b) {
      const buffer = first ? step : madd(mu, loadSome(b + at, lanes), f32x4.mul(taken, step));
      storeSome(b + at, buffer, lanes);
      step = nesterov ? madd(mu, buffer, step) : buffer;
    }
    storeSome(p + at, nmadd(rate, step, value), lanes);
  }
}

/**
 * Adam (Kingma & Ba 2015) as torch.optim.Adam, or, decoupled, AdamW (Loshchilov & Hutter 2019) as torch.optim.AdamW:
 *   g += decay·p, or decoupled p −= lr·decay·p
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
  decay: f64,
  decoupled: bool,
  beta1Power: f64, // β₁ᵗ with t = 1 in the first step
  beta2Power: f64, // β₂ᵗ
  n: i32,
): void {
  const b1 = f32x4.splat(<f32>beta1);
  const b2 = f32x4.splat(<f32>beta2);
  const a1 = f32x4.splat(<f32>(1.0 - beta1));
  const a2 = f32x4.splat(<f32>(1.0 - beta2));
  const rate = f32x4.splat(<f32>(lr / (1.0 - beta1Power)));
  const correction = f32x4.splat(<f32>Math.sqrt(1.0 - beta2Power));
  const e = f32x4.splat(<f32>eps);
  const lambda = f32x4.splat(<f32>(decoupled ? -lr * decay : decay));
  for (let i = 0; i < n; i += LANES) {
    const at = <usize>i << 2;
    const lanes = n - i;
    let value = loadSome(p + at, lanes);
    let grad = loadSome(g + at, lanes);
    if (decay != 0.0) {
      if (decoupled) value = madd(lambda, value, value);
      else grad = madd(lambda, value, grad);
    }
    const mean = madd(a1, grad, f32x4.mul(b1, loadSome(m + at, lanes)));
    const square = madd(f32x4.mul(a2, grad), grad, f32x4.mul(b2, loadSome(v + at, lanes)));
    const denominator = f32x4.add(f32x4.div(f32x4.sqrt(square), correction), e);
    storeSome(m + at, mean, lanes);
    storeSome(v + at, square, lanes);
    storeSome(p + at, f32x4.sub(value, f32x4.div(f32x4.mul(rate, mean), denominator)), lanes);
  }
}

/**
 * RMSprop (Tieleman & Hinton 2012) as torch.optim.RMSprop:
 *   g += decay·p   v = αv + (1 − α)g²   d = √v + ε, or centered, with a = αa + (1 − α)g, d = √(v − a²) + ε
 *   p −= lr·g/d, or with momentum b = momentum·b + g/d and p −= lr·b
 */
export function rmspropStep(
  p: usize, // [n]  in, out
  v: usize, // [n]  in, out   zeros before the first step
  a: usize, // [n]  in, out   zeros before the first step; 0 if not centered
  b: usize, // [n]  in, out   zeros before the first step; 0 without momentum
  g: usize, // [n]  in
  lr: f64,
  alpha: f64,
  eps: f64,
  momentum: f64,
  decay: f64,
  n: i32,
): void {
  const rate = f32x4.splat(<f32>lr);
  const keep = f32x4.splat(<f32>alpha);
  const take = f32x4.splat(<f32>(1.0 - alpha));
  const e = f32x4.splat(<f32>eps);
  const mu = f32x4.splat(<f32>momentum);
  const lambda = f32x4.splat(<f32>decay);
  for (let i = 0; i < n; i += LANES) {
    const at = <usize>i << 2;
    const lanes = n - i;
    const value = loadSome(p + at, lanes);
    let grad = loadSome(g + at, lanes);
    if (decay != 0.0) grad = madd(lambda, value, grad);
    const square = madd(f32x4.mul(take, grad), grad, f32x4.mul(keep, loadSome(v + at, lanes)));
    storeSome(v + at, square, lanes);
    let spread = square;
    if (a) {
      const mean = madd(take, grad, f32x4.mul(keep, loadSome(a + at, lanes)));
      storeSome(a + at, mean, lanes);
      // Rounding may leave a little less than nothing.
      spread = f32x4.pmax(f32x4.splat(0.0), nmadd(mean, mean, square));
    }
    let step = f32x4.div(grad, f32x4.add(f32x4.sqrt(spread), e));
    if (b) {
      step = madd(mu, loadSome(b + at, lanes), step);
      storeSome(b + at, step, lanes);
    }
    storeSome(p + at, nmadd(rate, step, value), lanes);
  }
}
