// `node bench/flow.ts SECONDS CELLS`: what watching the gradient's flow adds, on and off by turns: measuring it to a forward and a
// backward pass, with a loss of the last step or of each, and in a Trainer all of it, with a report every 50 updates.
import { GRU, LSTM, lastStep, loadSync, RNN, Sequential } from "lstm-wasm";
import { GradientFlow } from "lstm-wasm/flow";
import { mseLoss, sgd, Trainer } from "lstm-wasm/train";
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
const EVERY = 50;
const cells = { LSTM, GRU, RNN };
const wanted = process.argv[3]?.split(",") ?? Object.keys(cells);

const core = loadSync();

/** Does some work so many times, watched or not, and answers the milliseconds of once. */
type Work = (watched: boolean, times: number) => number;

function time(work: () => void, times: number): number {
  const started = performance.now();
  for (let k = 0; k < times; k++) work();
  return (performance.now() - started) / times;
}

/** A row of the table: of two that do the same, each is the watched one by turns. `atOnce` is how often at least, at a time. */
function compare(name: string, one: Work, other: Work, atOnce = 1): void {
  const off: number[] = [];
  const on: number[] = [];
  const extra: number[] = [];
  for (let swap = 0; swap < SWAPS; swap++) {
    const [plain, watched] = swap % 2 ? [one, other] : [other, one];
    // Plans memory for its new part, and warms up.
    const warm = median([plain(false, 3), watched(true, 3), watched(true, 3)]);
    // So few passes at a time that the collector runs in one time of many: where it ran in most, it kept step with the turns.
    const times = Math.max(atOnce, Math.round(0.3 / warm));
    const [without, within]: [number[], number[]] = [[], []];
    for (const end = performance.now() + (1000 * BUDGET) / SWAPS; performance.now() < end; ) {
      without.push(plain(false, times));
      within.push(watched(true, times), watched(true, times));
      without.push(plain(false, times));
    }
    off.push(median(without));
    on.push(median(within));
    extra.push((on.at(-1) as number) / (off.at(-1) as number));
  }
  // Of each pair of swaps the geometric mean: what one place in memory makes is in one ratio and its inverse in the other.
  const pairs = extra.flatMap((ratio, k) => (k % 2 ? [Math.sqrt(ratio * (extra[k - 1] as number))] : []));
  const cell = (text: string, width: number) => text.padStart(width);
  console.log(
    `${name.padEnd(39)}${cell(median(off).toFixed(3), 8)} ms${cell(median(on).toFixed(3), 8)} ms${cell(`${(100 * (median(pairs) - 1)).toFixed(1)} %`, 9)}`,
  );
}

console.log(`${"".padEnd(39)}${"off".padStart(11)}${"on".padStart(11)}${"extra".padStart(9)}`);
for (const [name, Cell] of Object.entries(cells).filter(([key]) => wanted.includes(key)))
  for (const { T, B, I, H } of SIZES) {
    const size = `T ${T}, B ${B}, I ${I}, H ${H}`;
    const create = () => new Cell(core, { inputSize: I, hiddenSize: H, seed: 1 }) as LSTM;
    const x = { data: Float32Array.from({ length: T * B * I }, (_, k) => Math.sin(k)), shape: [T, B, I] };
    const ones = new Float32Array(B * H).fill(1);
    const hn = { data: ones, shape: [1, B, H] };
    const output = { data: Float32Array.from({ length: T * B * H }, (_, k) => Math.cos(k)), shape: [T, B, H] };
    const passes = (layer: LSTM, gradients: { hn: typeof hn } | { output: typeof output }): Work => {
      const pass = (flow: boolean) => {
        layer.zeroGrad();
        layer.forward(x, { view: true });
        layer.backward(gradients, { flow });
      };
      return (watched, times) => time(() => pass(watched), times);
    };
    {
      using one = create();
      using other = create();
      compare(`${name}, ${size}`, passes(one, { hn }), passes(other, { hn }));
      compare("… a loss at each step", passes(one, { output }), passes(other, { output }));
    }
    const training = (layer: LSTM): Work => {
      const model = new Sequential([layer, lastStep()]);
      const options = { loss: mseLoss(), optimizer: sgd({ lr: 1e-6 }), clipNorm: 1 };
      const batch = { x, target: { data: ones, shape: [B, H] } };
      let [flow, trainer] = [null as GradientFlow | null, new Trainer(model, options)];
      return (watched, times) => {
        if (watched !== (flow !== null)) {
          flow?.stop();
          trainer.dispose();
          flow = watched ? new GradientFlow(model, { every: EVERY }) : null;
          trainer = new Trainer(model, { ...options, ...(flow && { flow }) });
        }
        return time(() => trainer.step(batch), times);
      };
    };
    if (H > 128) continue; // minutes, where it is nothing already
    using one = create();
    using other = create();
    compare(`… in a Trainer, reports every ${EVERY}`, training(one), training(other), EVERY);
  }
