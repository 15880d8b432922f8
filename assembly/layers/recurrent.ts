// The loop over time and back-propagation through it. Tapes of h and c have T + 1 slots, so that the initial
// state is slot 0 and no step is special; so have their gradients.
import { lstmCellBackward, lstmCellForward } from "../cells/lstm";
import { columnSums, gemm, gemmTN, pack } from "../math/gemm";
import { add, firstNonFinite } from "../math/vector";

/** Packs the weights for the forward pass, and adds up the two biases. */
export function lstmPackForward(
  wihPacked: usize, // [packedSize(I, 4H)]  out =   columns are gate rows
  whhPacked: usize, // [packedSize(H, 4H)]  out =
  bias: usize, //      [4H]                 out =   b_ih + b_hh; zeros without biases
  wih: usize, //       [4H,I]  in
  whh: usize, //       [4H,H]  in
  bih: usize, //       [4H]    in  or 0
  bhh: usize, //       [4H]    in  or 0
  I: i32,
  H: i32,
): void {
  pack(wihPacked, wih, sizeof<f32>(), (<usize>I) << 2, I, 4 * H);
  pack(whhPacked, whh, sizeof<f32>(), (<usize>H) << 2, H, 4 * H);
  if (bih) add(bias, bih, bhh, 4 * H);
  else memory.fill(bias, 0, (<usize>H) << 4);
}

/** Packs the weights for the backward pass. */
export function lstmPackBackward(
  wihPacked: usize, // [packedSize(4H, I)]  out =
  whhPacked: usize, // [packedSize(4H, H)]  out =
  wih: usize, //       [4H,I]  in
  whh: usize, //       [4H,H]  in
  I: i32,
  H: i32,
): void {
  pack(wihPacked, wih, (<usize>I) << 2, sizeof<f32>(), 4 * H, I);
  pack(whhPacked, whh, (<usize>H) << 2, sizeof<f32>(), 4 * H, H);
}

/** Runs T steps. */
export function lstmForward(
  h: usize, //         [T+1,B,H]  slot 0 in h0, slots 1 to T out =
  c: usize, //         [T+1,B,H]  slot 0 in c0, slots 1 to T out =
  gates: usize, //     [T,B,4H]   out =   i, f, g, o
  tanhC: usize, //     [T,B,H]    out =
  preact: usize, //    [T,B,4H]   out =   a of equation (1); 0 to leave it out
  x: usize, //         [T,B,I]    in
  wihPacked: usize, // in   from lstmPackForward, as the next two
  whhPacked: usize, // in
  bias: usize, //      [4H] in
  T: i32,
  B: i32,
  I: i32,
  H: i32,
): void {
  const row = (<usize>H) << 2;
  const slot = <usize>B * row;
  gemm(gates, 4 * row, bias, 0, x, (<usize>I) << 2, sizeof<f32>(), wihPacked, T * B, 4 * H, I);
  for (let t = 0; t < T; t++) {
    gemm(gates, 4 * row, gates, 4 * row, h, row, sizeof<f32>(), whhPacked, B, 4 * H, H);
    if (preact) {
      memory.copy(preact, gates, 4 * slot);
      preact += 4 * slot;
    }
    lstmCellForward(h + slot, c + slot, gates, tanhC, c, B, H);
    h += slot;
    c += slot;
    gates += 4 * slot;
    tanhC += slot;
  }
}

/**
 * One streaming step of a batch of one: the same kernels, and so the same bits, as a step of `lstmForward`. Answers −1,
 * or the index of the first input that is not finite, and then changes nothing.
 */
export function lstmStep(
  h: usize, //         [2,H]  slot 0 in h₋, out h; slot 1 scratch
  c: usize, //         [2,H]  slot 0 in c₋, out c; slot 1 scratch
  gates: usize, //     [4H]   out =
  tanhC: usize, //     [H]    out =
  x: usize, //         [I]    in
  wihPacked: usize, // in   from lstmPackForward, as the next two
  whhPacked: usize, // in
  bias: usize, //      [4H] in
  I: i32,
  H: i32,
): i32 {
  const bad = firstNonFinite(x, I);
  if (bad >= 0) return bad;
  lstmForward(h, c, gates, tanhC, 0, x, wihPacked, whhPacked, bias, 1, 1, I, H);
  const slot = (<usize>H) << 2;
  memory.copy(h, h + slot, slot);
  memory.copy(c, c + slot, slot);
  return -1;
}

/** Back-propagates through T steps. `dc` has T + 1 slots with `keepDc`, else one that every step reuses. */
export function lstmBackward(
  dx: usize, //        [T,B,I]    out =   or 0 to leave it out
  dWih: usize, //      [4H,I]     +=
  dWhh: usize, //      [4H,H]     +=
  dbih: usize, //      [4H]       +=  or 0
  dbhh: usize, //      [4H]       +=  or 0
  dh: usize, //        [T+1,B,H]  slots 1 to T in dL/d(output) of each step, out dL/dh; slot 0 out = dL/dh0
  dc: usize, //        [T+1,B,H] or [B,H]  last slot in dL/d(cn); slot 0 out = dL/dc0, slot t out dL/dc of step t
  gates: usize, //     [T,B,4H]   in i, f, g, o, out da
  dhn: usize, //       [B,H]      in   dL/d(hn), or 0
  tanhC: usize, //     [T,B,H]    in
  h: usize, //         [T+1,B,H]  in
  c: usize, //         [T+1,B,H]  in
  x: usize, //         [T,B,I]    in
  wihPacked: usize, // in   from lstmPackBackward, as the next
  whhPacked: usize, // in
  scratch: usize, //   [scratchSize(max(I, H))]
  keepDc: bool,
  T: i32,
  B: i32,
  I: i32,
  H: i32,
): void {
  const row = (<usize>H) << 2;
  const slot = <usize>B * row;
  const dcSlot = keepDc ? slot : 0;
  const lastDh = dh + <usize>T * slot;
  memory.fill(dh, 0, slot);
  if (dhn) add(lastDh, lastDh, dhn, B * H);
  for (let t = T - 1; t >= 0; t--) {
    const before = <usize>t * slot;
    const da = gates + 4 * before;
    const dhHere = dh + before + slot;
    lstmCellBackward(
      dc + <usize>t * dcSlot,
      dc + <usize>(t + 1) * dcSlot,
      da,
      dhHere,
      tanhC + before,
      c + before,
      B,
      H,
    );
    gemm(dh + before, row, dh + before, row, da, 4 * row, sizeof<f32>(), whhPacked, B, H, 4 * H); // (8)
  }
  if (dx) {
    memory.fill(dx, 0, (<usize>T * B * I) << 2);
    gemm(dx, (<usize>I) << 2, dx, (<usize>I) << 2, gates, 4 * row, sizeof<f32>(), wihPacked, T * B, I, 4 * H);
  }
  gemmTN(dWih, gates, x, scratch, 4 * H, I, T * B); // (9)
  gemmTN(dWhh, gates, h, scratch, 4 * H, H, T * B);
  if (dbih) columnSums(dbih, dbhh, gates, T * B, 4 * H);
}
