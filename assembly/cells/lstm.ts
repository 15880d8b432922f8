// THE LSTM EQUATIONS (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000; gate
// order i, f, g, o and both biases as in PyTorch's nn.LSTM). x, h, c without a mark belong to step t; h₋, c₋
// to t − 1; c₊, f₊ to t + 1. Products of matrices run in layers/recurrent.ts, everything else below.
//
// forward
//   a = W_ih·x + b_ih + W_hh·h₋ + b_hh                                (1)
//   i = σ(a_i)   f = σ(a_f)   g = tanh(a_g)   o = σ(a_o)              (2)
//   c = f·c₋ + i·g                                                    (3)
//   h = o·tanh c                                                      (4)
//
// backward; d… is the total derivative of the loss, along every later path
//   dc = [dc₊·f₊] + [dh·o·(1 − tanh²c)]                               (5)  from 3 at t + 1, and 4
//         └ direct    └ through h: the recurrent path, and step t's own output
//   di = dc·g    df = dc·c₋    dg = dc·i    do = dh·tanh c            (6)  from 3 and 4
//   da_i = di·i(1 − i)   da_f = df·f(1 − f)                           (7)  from 2
//   da_g = dg·(1 − g²)   da_o = do·o(1 − o)
//   dh₋ = W_hhᵀ·da + (step t − 1's own output)   dx = W_ihᵀ·da        (8)  from 1
//   dW_ih = Σ da·xᵀ   dW_hh = Σ da·h₋ᵀ   db_ih = db_hh = Σ da         (9)  from 1, over t and the batch

import { sigmoid4, tanh4 } from "../math/activation";
import { LANES, loadLanes, madd, storeLanes } from "../math/simd";

/** Equations (2) to (4) for one step. */
export function lstmCellForward(
  h: usize, //     [B,H]   out =
  c: usize, //     [B,H]   out =
  gates: usize, // [B,4H]  in a, out i, f, g, o: kept for the backward pass
  tanhC: usize, // [B,H]   out =   kept for the backward pass
  cPrev: usize, // [B,H]   in      may alias c
  B: i32,
  H: i32,
): void {
  const block = (<usize>H) << 2;
  for (let b = 0; b < B; b++) {
    for (let u = 0; u < H; u += LANES) {
      const at = (<usize>u) << 2;
      const lanes = H - u;
      const gate = gates + at;
      const i = sigmoid4(loadLanes(gate, lanes));
      const f = sigmoid4(loadLanes(gate + block, lanes));
      const g = tanh4(loadLanes(gate + 2 * block, lanes));
      const o = sigmoid4(loadLanes(gate + 3 * block, lanes));
      const cNew = madd(f, loadLanes(cPrev + at, lanes), f32x4.mul(i, g));
      const t = tanh4(cNew);
      storeLanes(gate, i, lanes);
      storeLanes(gate + block, f, lanes);
      storeLanes(gate + 2 * block, g, lanes);
      storeLanes(gate + 3 * block, o, lanes);
      storeLanes(c + at, cNew, lanes);
      storeLanes(tanhC + at, t, lanes);
      storeLanes(h + at, f32x4.mul(o, t), lanes);
    }
    h += block;
    c += block;
    gates += 4 * block;
    tanhC += block;
    cPrev += block;
  }
}

/** Equations (5) to (7) for one step, and the direct part of (5) for the step before it. */
export function lstmCellBackward(
  dcPrev: usize, // [B,H]   out =   dc·f: what step t − 1 receives directly; may alias dc
  dc: usize, //     [B,H]   in the direct part of dc, out dc (lost where dcPrev aliases it)
  gates: usize, //  [B,4H]  in i, f, g, o, out da
  dh: usize, //     [B,H]   in
  tanhC: usize, //  [B,H]   in
  cPrev: usize, //  [B,H]   in
  B: i32,
  H: i32,
): void {
  const block = (<usize>H) << 2;
  const one = f32x4.splat(1.0);
  for (let b = 0; b < B; b++) {
    for (let u = 0; u < H; u += LANES) {
      const at = (<usize>u) << 2;
      const lanes = H - u;
      const gate = gates + at;
      const i = loadLanes(gate, lanes);
      const f = loadLanes(gate + block, lanes);
      const g = loadLanes(gate + 2 * block, lanes);
      const o = loadLanes(gate + 3 * block, lanes);
      const t = loadLanes(tanhC + at, lanes);
      const dhHere = loadLanes(dh + at, lanes);
      const dcHere = madd(f32x4.mul(dhHere, o), f32x4.sub(one, f32x4.mul(t, t)), loadLanes(dc + at, lanes)); // (5)
      const di = f32x4.mul(dcHere, g); // (6)
      const df = f32x4.mul(dcHere, loadLanes(cPrev + at, lanes));
      const dg = f32x4.mul(dcHere, i);
      const dO = f32x4.mul(dhHere, t);
      storeLanes(gate, f32x4.mul(di, f32x4.mul(i, f32x4.sub(one, i))), lanes); // (7)
      storeLanes(gate + block, f32x4.mul(df, f32x4.mul(f, f32x4.sub(one, f))), lanes);
      storeLanes(gate + 2 * block, f32x4.mul(dg, f32x4.sub(one, f32x4.mul(g, g))), lanes);
      storeLanes(gate + 3 * block, f32x4.mul(dO, f32x4.mul(o, f32x4.sub(one, o))), lanes);
      storeLanes(dc + at, dcHere, lanes);
      storeLanes(dcPrev + at, f32x4.mul(dcHere, f), lanes);
    }
    dcPrev += block;
    dc += block;
    gates += 4 * block;
    dh += block;
    tanhC += block;
    cPrev += block;
  }
}
