// The masks of inverted dropout (PyTorch's nn.Dropout) and of its relatives.
import { uniform } from "../math/random";

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
