// A Sequence with all of its buffers, for the specs of the cells and of the loop over time.
import { gateCount } from "../layers/recurrent";
import { packedSize, scratchSize } from "../math/gemm";
import { Activation } from "../math/activation";
import { Cell, Sequence } from "../sequence";
import { buffer, random, zeros } from "./support";

/** A Sequence of PyTorch's cell: random parameters, inputs and states, poisoned outputs, zero gradients. */
export function createSequence(cell: i32, T: i32, B: i32, I: i32, H: i32, R: i32 = 0): Sequence {
  const bytes = offsetof<Sequence>();
  const at = heap.alloc(bytes);
  memory.fill(at, 0, bytes);
  const s = changetype<Sequence>(at);
  const N = gateCount(cell) * H;
  s.cell = cell;
  s.T = T;
  s.B = B;
  s.I = I;
  s.H = H;
  s.R = R ? R : H;
  s.resetAfter = 1;
  s.actF = cell == Cell.RNN ? Activation.TANH : Activation.SIGMOID;
  s.actG = Activation.TANH;
  s.actH = Activation.TANH;
  s.x = random(T * B * I, 1);
  s.h = random((T + 1) * B * s.R, 2);
  s.c = cell == Cell.LSTM ? random((T + 1) * B * H, 3) : 0;
  s.gates = buffer(T * B * N);
  s.kept = buffer(T * B * H);
  s.wide = R ? buffer(T * B * H) : 0;
  s.rec = buffer(B * N);
  s.weightIh = random(N * I, 4);
  s.weightHh = random(N * s.R, 5);
  s.weightHr = R ? random(R * H, 6) : 0;
  s.biasIh = random(N, 7);
  s.biasHh = random(N, 8);
  s.wih = buffer(packedSize(I, N));
  s.whh = buffer(packedSize(s.R, 2 * H) + packedSize(s.R, N));
  s.whr = R ? buffer(packedSize(H, R)) : 0;
  s.bias = buffer(N);
  s.biasRec = buffer(N);
  s.wihT = buffer(packedSize(N, I));
  s.whhT = buffer(packedSize(N, s.R));
  s.whrT = R ? buffer(packedSize(R, H)) : 0;
  s.dh = random((T + 1) * B * s.R, 9);
  s.dc = buffer((T + 1) * B * H);
  s.dhn = random(B * s.R, 10);
  s.dRec = buffer(T * B * N);
  s.dWide = buffer(B * H);
  s.dx = buffer(T * B * I);
  s.dWeightIh = zeros(N * I);
  s.dWeightHh = zeros(N * s.R);
  s.dWeightHr = R ? zeros(R * H) : 0;
  s.dBiasIh = zeros(N);
  s.dBiasHh = zeros(N);
  s.panels = buffer(scratchSize(max(I, max(s.R, H))));
  return s;
}
