import { rnnCellBackward, rnnCellForward } from "../cells/rnn";
import { Activation } from "../math/activation";
import { Cell } from "../sequence";
import { createSequence } from "./sequence";
import { buffer, copy, expectBits, expectClose, get, put, random } from "./support";

describe("the RNN cell", () => {
  test("is tanh or relu of its argument, and back", () => {
    for (let n = 1; n <= 13; n++) {
      for (let relu = 0; relu < 2; relu++) {
        const s = createSequence(Cell.RNN, 1, 1, 1, n);
        if (relu) s.actF = Activation.RELU;
        const a = random(n, n, 2.0);
        put(a, n / 2, 0.0);
        const gates = copy(a, n);
        const h = buffer(n);
        const preact = buffer(n);
        rnnCellForward(s, h, gates, preact, n);
        const dh = random(n, 3);
        const want = new Float64Array(n);
        const wantDa = new Float64Array(n);
        for (let k = 0; k < n; k++) {
          want[k] = relu ? max(0.0, get(a, k)) : Math.tanh(get(a, k));
          // relu'(0) is 0, as in PyTorch.
          wantDa[k] = relu ? (get(a, k) > 0.0 ? get(dh, k) : 0.0) : get(dh, k) * (1.0 - want[k] * want[k]);
        }
        expectClose(h, want, 2.4e-7, "h");
        expectBits(gates, h, n, "gates");
        expectBits(preact, a, n, "preact");
        rnnCellBackward(s, gates, dh, preact, n);
        expectClose(gates, wantDa, 1e-6, "da");
      }
    }
  });
});
