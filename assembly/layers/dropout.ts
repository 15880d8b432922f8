// Inverted dropout (PyTorch's nn.Dropout).
import { uniform } from "../math/random";
import { multiply } from "../math/vector";

/** x ·= mask; an element of the mask is 0 with probability p, else 1/(1 − p). Backward: dx = dy·mask. */
export function dropoutForward(
  x: usize, //    [n]  in, out
  mask: usize, // [n]  out =
  p: f32,
  seed: u32,
  stream: u32,
  n: i32,
): void {
  const kept: f32 = 1.0 / (1.0 - p);
  uniform(mask, 0.0, 1.0, seed, stream, n);
  for (let i = 0; i < n; i++) {
    const at = mask + (<usize>i << 2);
    store<f32>(at, load<f32>(at) < p ? <f32>0.0 : kept);
  }
  multiply(x, x, mask, n);
}
