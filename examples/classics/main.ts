// `npm run example -- adding --T 400`: trains, prints a table, and draws a picture.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { load } from "lstm-wasm";
import { adding } from "./adding.ts";
import { CELLS, type CellName, type Outcome, train } from "./compare.ts";
import { copy } from "./copy.ts";
import { drawCurves } from "./picture.ts";
import { reber } from "./reber.ts";
import type { Task } from "./task.ts";

const TASKS = { adding, copy, reber };
const USAGE = `npm run example -- ${Object.keys(TASKS).join("|")} [--T STEPS] [--updates N] [--seeds 1,2,3] [--cells LSTM,GRU,RNN] [--out FILE.svg]`;

const HELP = `${USAGE}

  --T STEPS                length of the sequences (not of reber)
  --updates N              updates at most
  --seeds 1,2,3            seeds of weights and data, a run for each
  --cells LSTM,GRU,RNN     which networks
  --out FILE.svg           where the picture goes`;

/** Runs one task from the command line's arguments; answers what became of each network, of none where help is asked for. */
export async function main(args: string[], say: (line: string) => void = console.log): Promise<Outcome[]> {
  if (args.includes("--help") || args.includes("-h")) {
    say(HELP);
    return [];
  }
  const { task, seeds, cells, out } = readArguments(args);
  const { measure, batchSize, every } = task;
  say(`${task.title}: ${task.hiddenSize} units, batches of ${batchSize}, Adam at ${task.lr}.`);
  say(`Solved: ${measure.solved}. ${measure.baseline.text}.\n`);
  say("cell  seed  parameters  solved after  last mark      time");
  const core = await load();
  const outcomes: Outcome[] = [];
  for (const seed of seeds)
    for (const cell of cells) {
      const outcome = await train(core, task, cell, seed, showProgress(cell, seed, task));
      outcomes.push(outcome);
      const { parameters, solvedAt, curve, seconds } = outcome;
      const after = solvedAt === null ? "not" : `${solvedAt * batchSize}`;
      const mark = measure.format(curve.at(-1)?.mark as number);
      say(
        `${cell.padEnd(6)}${String(seed).padStart(4)}${String(parameters).padStart(12)}${after.padStart(14)}${mark.padStart(11)}${seconds.toFixed(1).padStart(8)} s`,
      );
    }
  say("");
  if (seeds.length > 1) for (const cell of cells) say(summary(cell, outcomes, batchSize));
  writeFileSync(out, drawCurves(task, outcomes));
  say(`Solved after so many sequences, looked at every ${every * batchSize}; time of training alone.`);
  say(`The marks over training: ${out}`);
  return outcomes;
}

/** How many networks of a cell solved it, and after how many sequences half of all had. */
function summary(cell: CellName, outcomes: readonly Outcome[], batchSize: number): string {
  const after = outcomes.filter((one) => one.cell === cell).map(({ solvedAt }) => solvedAt ?? Number.POSITIVE_INFINITY);
  const solved = after.filter((update) => update < Number.POSITIVE_INFINITY).length;
  const half = after.sort((a, b) => a - b)[Math.ceil(after.length / 2) - 1] as number;
  const median = solved * 2 >= after.length ? `, half of them after ${half * batchSize} sequences` : "";
  return `${cell} solved it with ${solved} of ${after.length} seeds${median}`;
}

function readArguments(args: string[]): { task: Task; seeds: number[]; cells: CellName[]; out: string } {
  const { values, positionals } = parse(args);
  const [name = "", ...more] = positionals;
  const create = TASKS[name as keyof typeof TASKS];
  const { T, updates, seeds = "1", cells = CELLS.join(), out = `${name}.svg` } = values as Record<string, string>;
  const numbers = [T, updates, ...seeds.split(",")].filter((text) => text !== undefined).map(Number);
  const names = cells.split(",");
  if (
    !create ||
    more.length > 0 ||
    !numbers.every((n) => Number.isInteger(n) && n > 0) ||
    names.some((cell) => !isCell(cell))
  )
    throw refusal(args);
  const options = { ...(T && { T: Number(T) }), ...(updates && { updates: Number(updates) }) };
  return { task: create(options), seeds: seeds.split(",").map(Number), cells: names.filter(isCell), out };
}

const refusal = (args: readonly string[]) => new Error(`expected ${USAGE}, got ${args.join(" ")}`);

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        ...{ T: { type: "string" }, updates: { type: "string" }, seeds: { type: "string" }, cells: { type: "string" } },
        out: { type: "string" },
      },
    });
  } catch {
    throw refusal(args);
  }
}

const isCell = (name: string): name is CellName => CELLS.some((cell) => cell === name);

/** A line that rewrites itself, in a terminal. */
const showProgress =
  (cell: CellName, seed: number, { measure, updates }: Task) =>
  (update: number, mark: number) => {
    if (!process.stderr.isTTY) return;
    process.stderr.write(`\r${cell} ${seed}: update ${update} of ${updates}, ${measure.format(mark)} \x1b[K\r`);
  };
