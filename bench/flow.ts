// `node bench/flow.ts`: what measuring the gradient's flow adds to a forward and a backward pass, on and off by turns.
import { GRU, LSTM, loadSync, RNN } from "lstm-wasm";

const SIZES = [
  { T: 50, B: 32, I: 32, H: 128 },
  { T: 100, B: 32, I: 64, H: 256 },
  { T: 25, B: 8, I: 1, H: 16 },
];
/** Seconds for each row of the table. */
const BUDGET = Number(process.argv[2] ?? 3);
const cells = { LSTM, GRU, RNN };
const wanted = process.argv[3]?.split(",") ?? Object.keys(cells);

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] as number;
const core = loadSync();

console.log(`${"".padEnd(30)}${"off".padStart(11)}${"on".padStart(11)}${"extra".padStart(9)}`);
for (const [name, Cell] of Object.entries(cells).filter(([key]) => wanted.includes(key)))
  for (const { T, B, I, H } of SIZES) {
    using layer = new Cell(core, { inputSize: I, hiddenSize: H, seed: 1 }) as LSTM;
    const x = { data: Float32Array.from({ length: T * B * I }, (_, k) => Math.sin(k)), shape: [T, B, I] };
    const hn = { data: new Float32Array(B * H).fill(1), shape: [1, B, H] };
    const pass = (flow: boolean, repeat: number): number => {
      const started = performance.now();
      for (let k = 0; k < repeat; k++) {
        layer.zeroGrad();
        layer.forward(x, { view: true });
        layer.backward({ hn }, { flow });
      }
      return (performance.now() - started) / repeat;
    };
    // Some milliseconds at a time, so that neither the clock nor a switch between the two shows.
    const warm = median([pass(true, 3), pass(false, 3), pass(true, 3)]);
    const repeat = Math.max(1, Math.round(2 / warm));
    const times: { off: number; on: number; ratio: number }[] = [];
    for (const end = performance.now() + 1000 * BUDGET; performance.now() < end; ) {
      const [a, b, c, d] = [pass(false, repeat), pass(true, repeat), pass(true, repeat), pass(false, repeat)];
      times.push({ off: (a + d) / 2, on: (b + c) / 2, ratio: (b + c) / (a + d) });
    }
    const [off, on, ratio] = (["off", "on", "ratio"] as const).map((name) => median(times.map((time) => time[name])));
    const label = `${name}, T ${T}, B ${B}, I ${I}, H ${H}`;
    console.log(
      `${label.padEnd(30)}${(off as number).toFixed(3).padStart(8)} ms${(on as number).toFixed(3).padStart(8)} ms${`${(100 * ((ratio as number) - 1)).toFixed(1)} %`.padStart(9)}`,
    );
  }
