// Embedding: rows of a table by their numbers (PyTorch's nn.Embedding).
//
//   y[m] = W[x[m]]                                         (1)
//   dW[x[m]] += dy[m], unless x[m] is the padding row      (2) from 1
import { add } from "../math/vector";

/** The first x that is no whole number from 0 to N − 1, or −1. */
export function firstBadIndex(
  x: usize, // [M]  in
  M: i32,
  N: i32, //   at most 2^24, up to where f32 holds every whole number
): i32 {
  for (let m = 0; m < M; m++) {
    const row = load<f32>(x + (<usize>m << 2));
    // A NaN fails every comparison.
    if (!(row >= 0 && row < <f32>N && floor(row) == row)) return m;
  }
  return -1;
}

/** (1) */
export function embeddingForward(
  y: usize, //      [M,D]  out =
  x: usize, //      [M]    in   none of them bad
  weight: usize, // [N,D]  in
  M: i32,
  D: i32,
): void {
  const row = <usize>D << 2;
  for (let m = 0; m < M; m++) {
    memory.copy(y, weight + <usize>load<f32>(x) * row, row);
    x += sizeof<f32>();
    y += row;
  }
}

/** (2); rows that occur more than once are added up in order. */
export function embeddingBackward(
  dWeight: usize, // [N,D]  +=
  dy: usize, //      [M,D]  in
  x: usize, //       [M]    in
  padding: i32, //   number of the padding row, or −1
  M: i32,
  D: i32,
): void {
  const row = <usize>D << 2;
  for (let m = 0; m < M; m++) {
    const index = <i32>load<f32>(x);
    const to = dWeight + <usize>index * row;
    if (index != padding) add(to, to, dy, D);
    x += sizeof<f32>();
    dy += row;
  }
}
