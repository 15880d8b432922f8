// Inverted dropout (PyTorch's nn.Dropout) and the masks of its relatives.
import { uniform } from "../math/random";
import { multiply } from "../math/vector";

/** A mask: 0 with probability p, else `kept`. */
export function dropoutMask(
  mask: usize, // [n]  out =
  p: f32,
  kept: f32,
  seed: u32,
  stream: u32,
  n: i32,
): void {
  uniform(mask, 0.0, 1.0, seed, stream, n);
  for (let i = 0; i < n; i++) {
    const at = mask + (<usize>i << 2);
    store<f32>(at, load<f32>(at) < p ? <f32>0.0 : kept);
  }
}

/** x ·= mask, with a new mask of 0 or 1/(1 − p). Backward: dx = dy·mask. */
export function dropoutForward(
  x: usize, //    [n]  in, out
  mask: usize, // [n]  out =
  p: f32,
  seed: u32,
  stream: u32,
  n: i32,
): void {
  dropoutMask(mask, p, 1.0 / (1.0 - p), seed, stream, n);
  multiply(x, x, mask, n);
}
