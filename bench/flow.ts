// `node bench/flow.ts SECONDS CELLS`: what measuring the gradient's flow adds to a forward and a backward pass, on and off by turns.
import { GRU, LSTM, loadSync, RNN } from "lstm-wasm";
import { median } from "./timing.ts";

const SIZES = [
  { T: 50, B: 32, I: 32, H: 128 },
  { T: 100, B: 32, I: 64, H: 256 },
  { T: 25, B: 8, I: 1, H: 16 },
];
/** Seconds for each row of the table. */
const BUDGET = Number(process.argv[2] ?? 3);
/** How often the two layers change parts within that time: where in memory a layer is makes some percent by itself. */
const SWAPS = 20;
const cells = { LSTM, GRU, RNN };
const wanted = process.argv[3]?.split(",") ?? Object.keys(cells);

const core = loadSync();

console.log(`${"".padEnd(30)}${"off".padStart(11)}${"on".padStart(11)}${"extra".padStart(9)}`);
for (const [name, Cell] of Object.entries(cells).filter(([key]) => wanted.includes(key)))
  for (const { T, B, I, H } of SIZES) {
    using one = new Cell(core, { inputSize: I, hiddenSize: H, seed: 1 }) as LSTM;
    using other = new Cell(core, { inputSize: I, hiddenSize: H, seed: 1 }) as LSTM;
    const x = { data: Float32Array.from({ length: T * B * I }, (_, k) => Math.sin(k)), shape: [T, B, I] };
    const hn = { data: new Float32Array(B * H).fill(1), shape: [1, B, H] };
    const pass = (layer: LSTM, flow: boolean, repeat: number): number => {
      const started = performance.now();
      for (let k = 0; k < repeat; k++) {
        layer.zeroGrad();
        layer.forward(x, { view: true });
        layer.backward({ hn }, { flow });
      }
      return (performance.now() - started) / repeat;
    };
    const off: number[] = [];
    const on: number[] = [];
    const extra: number[] = [];
    for (let swap = 0; swap < SWAPS; swap++) {
      const [plain, measured] = swap % 2 ? [one, other] : [other, one];
      // Plans memory for its new part, and warms up.
      const warm = median([pass(plain, false, 3), pass(measured, true, 3), pass(measured, true, 3)]);
      // So few passes at a time that the collector runs in one time of many: where it ran in most, it kept step with the turns.
      const repeat = Math.max(1, Math.round(0.3 / warm));
      const [without, within]: [number[], number[]] = [[], []];
      for (const end = performance.now() + (1000 * BUDGET) / SWAPS; performance.now() < end; ) {
        without.push(pass(plain, false, repeat));
        within.push(pass(measured, true, repeat), pass(measured, true, repeat));
        without.push(pass(plain, false, repeat));
      }
      off.push(median(without));
      on.push(median(within));
      extra.push((on.at(-1) as number) / (off.at(-1) as number));
    }
    // Of each pair of swaps the geometric mean: what one place in memory makes is in one ratio and its inverse in the other.
    const pairs = extra.flatMap((ratio, k) => (k % 2 ? [Math.sqrt(ratio * (extra[k - 1] as number))] : []));
    const cell = (text: string, width: number) => text.padStart(width);
    console.log(
      `${`${name}, T ${T}, B ${B}, I ${I}, H ${H}`.padEnd(30)}${cell(median(off).toFixed(3), 8)} ms${cell(median(on).toFixed(3), 8)} ms${cell(`${(100 * (median(pairs) - 1)).toFixed(1)} %`, 9)}`,
    );
  }
