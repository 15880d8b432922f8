// What one call of the recurrent kernels works on: one direction of one layer over one batch of sequences. The
// bindings fill it in by field name (bindings/build.mjs reads the names from here), so every field is 4 bytes wide.

/** The cells, as the values of `Sequence.cell`. */
export namespace Cell {
  export const LSTM: i32 = 0;
  export const GRU: i32 = 1;
  export const RNN: i32 = 2;
  export const SLSTM: i32 = 3;
  export const MIN_GRU: i32 = 4;
  export const MIN_LSTM: i32 = 5;
}

// @ts-ignore: decorator
@unmanaged
export class Sequence {
  // Sizes. G is the number of gates: LSTM 4 (i, f, g, o), GRU 3 (r, z, n), RNN 1, sLSTM 4 (i, f, z, o),
  // minGRU 2 (z, n), minLSTM 3 (f, i, n).
  cell: i32; //       which equations
  T: i32; //          steps
  B: i32; //          batch
  I: i32; //          width of x
  H: i32; //          width of c and of a gate
  R: i32; //          width of h: the projection's, or H
  reverse: i32; //    1: from the last step to the first; the initial state is then slot T
  addDx: i32; //      1: dx += instead of =
  resetAfter: i32; // GRU: 1 reset gate behind the recurrent product, 0 before it
  keepDc: i32; //     1: dc, dn and dm have a slot for every step, −1: two, by turns, 0: one slot that all steps share

  // Options of the cells (their equations name them). Activations are of math/activation.ts' Activation.
  general: i32; //    1: any of the following, or resetAfter, is not what PyTorch's cell does
  actF: i32; //       LSTM i, f, o; GRU r, z; RNN h
  actG: i32; //       LSTM g; GRU n
  actH: i32; //       LSTM: of c
  alphaF: f32;
  alphaG: f32;
  alphaH: f32;
  betaF: f32;
  betaG: f32;
  betaH: f32;
  coupled: i32; //    LSTM: 1 f = 1 − i
  gateClip: f32; //   0: none
  cellClip: f32; //   0: none
  clipStep: f32; //   backward: da of every step is held within ±clipStep; 0: none
  positive: i32; //   minGRU, minLSTM: 1 a candidate above 0
  peephole: usize; // LSTM [3H]: p_i, p_f, p_o   in   or 0
  dPeephole: usize; // [3H]   +=  or 0

  // Forward. Slot t of a tape of T + 1 slots is the state before step t, forwards; after it, in reverse.
  x: usize; //        [T,B,I]     in   rows that the mask leaves out must be finite
  mask: usize; //     [T,B] u8    in   0: hold the state; address 0: all steps valid
  h: usize; //        [T+1,B,R]   slot 0 (reverse: T) in h0, others out =
  c: usize; //        [T+1,B,H]   slot 0 (reverse: T) in c0, others out =    LSTM, sLSTM
  n: usize; //        [T+1,B,H]   the same of n    sLSTM
  m: usize; //        [T+1,B,H]   the same of m    sLSTM
  gates: usize; //    [T,B,GH]    out =   gates; after the backward pass da
  kept: usize; //     [T,B,H]     out =   LSTM tanh c; GRU W_hn·h₋ + b_hn, or r·h₋; sLSTM σ(−a_f); minLSTM p
  wide: usize; //     [T,B,H]     out =   LSTM with projection: o·tanh c, else 0
  preact: usize; //   [T,B,GH]    out =   arguments of the gates' activations; 0 to leave them out, if there is no gateClip
  rec: usize; //      [B,GH]      scratch GRU: W_hh·h + b_hh of one step; layer norm: W_hh·h
  hMask: usize; //    [B,R]       in   recurrent dropout: what h is multiplied with before W_hh, the same at every step; or 0
  hMasked: usize; //  [T,B,R]     out =   h·hMask; with hMask
  gainIh: usize; //   [GH]        in   LSTM with layer norm: its gains, and all below; or 0
  gainHh: usize; //   [GH]        in
  gainC: usize; //    [H]         in
  shiftC: usize; //   [H]         in
  hatIh: usize; //    [T,B,GH]    out =   W_ih·x, normalised
  hatHh: usize; //    [T,B,GH]    out =   W_hh·h₋, normalised
  hatC: usize; //     [T,B,H]     out =   c, normalised
  scaleIh: usize; //  [T,B]       out =   1/√(variance + ε) of each
  scaleHh: usize; //  [T,B]       out =
  scaleC: usize; //   [T,B]       out =
  zone: usize; //     [T,B,R]     in   zoneout: the share of the new h, the rest stays as it was; or 0

  // Parameters: as the caller has them, and packed by recurrentPackForward and recurrentPackBackward.
  weightIh: usize; // [GH,I]   in
  weightHh: usize; // [GH,R]   in   or 0: no recurrent product (minGRU, minLSTM)
  weightHr: usize; // [R,H]    in   or 0
  biasIh: usize; //   [GH]     in   or 0
  biasHh: usize; //   [GH]     in   or 0, also beside biasIh
  wih: usize; //      [packedSize(I, GH)]   forward
  whh: usize; //      [packedSize(R, GH)]   forward, or 0; GRU with the reset before: 2H columns, then H
  whr: usize; //      [packedSize(H, R)]    forward, or 0
  bias: usize; //     [GH]     forward: b_ih + b_hh; GRU: b_ih
  biasRec: usize; //  [GH]     forward: GRU: b_hh
  wihT: usize; //     [packedSize(GH, I)]   backward
  whhT: usize; //     [packedSize(GH, R)]   backward, or 0; GRU with the reset before: 2H rows, then H
  whrT: usize; //     [packedSize(R, H)]    backward, or 0

  // Backward.
  dh: usize; //       [T+1,B,R]   in dL/d(output) in the slots of the outputs, out dL/dh in all
  dc: usize; //       [T+1,B,H], [2,B,H] or [B,H]  last slot written in dL/d(cn), out dL/dc; initial slot out dL/dc0    LSTM, sLSTM
  dn: usize; //       the same of n    sLSTM
  dm: usize; //       the same of m    sLSTM
  dhn: usize; //      [B,R]       in dL/d(hn), or 0
  dRec: usize; //     [T,B,GH]    scratch   GRU, layer norm: what da is to W_hh
  dWide: usize; //    [B,H]       scratch   projection; GRU with the reset before
  dGainIh: usize; //  [GH]        +=  with gainIh, and all below
  dGainHh: usize; //  [GH]        +=
  dGainC: usize; //   [H]         +=
  dShiftC: usize; //  [H]         +=
  dHatIh: usize; //   [T,B,GH]    scratch what da is to W_ih
  dNormC: usize; //   [B,H]       scratch
  dhMasked: usize; // [B,R]       scratch recurrent dropout
  dhZone: usize; //   [T,B,R]     scratch zoneout: what of dL/dh reaches the cell
  dx: usize; //       [T,B,I]     out =   or 0 to leave it out
  dWeightIh: usize; // [GH,I]     +=
  dWeightHh: usize; // [GH,R]     +=  or 0
  dWeightHr: usize; // [R,H]      +=  or 0
  dBiasIh: usize; //  [GH]        +=  or 0
  dBiasHh: usize; //  [GH]        +=  or 0
  panels: usize; //   [scratchSize(max(I, R, H))]  scratch

  // Gradient flow (flow.ts); dc then has more than one slot.
  flowOwn: i32; //    in 2: outputs may have gradients of their own, 0: only the last states; then scratch
  flow: usize; //     [T+1,12]    out =   norms, a row a slot; or 0, and all below
  flowH: usize; //    [2,B,R]     scratch
  flowC: usize; //    [2B+1,H]    scratch LSTM, sLSTM: p_c, a row for gains' gradients, behind a projection e
  flowOut: usize; //  [B,R]       scratch or 0 where p_h is the output alone: not in a GRU, nor with zoneout or a mask

  /** Address of row b of step t in an array [T,B,width]. */
  // @ts-ignore: decorator
  @inline
  at(base: usize, t: i32, b: i32, width: i32): usize {
    return base + ((<usize>(t * this.B + b) * width) << 2);
  }
}

/** Row b of a slot of dc, dn or dm: one for each step, two that steps use by turns, or one that they share. */
export function slot(s: Sequence, base: usize, slot: i32, b: i32): usize {
  return s.at(base, slot & -s.keepDc, b, s.H);
}
