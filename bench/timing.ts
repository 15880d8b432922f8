// Time of a run. The same few lines work in every engine, for calls of nanoseconds and of seconds, sync and async.

/** ms a sample takes at least, so that the clocks of browsers, coarse on purpose, do not show. */
const SAMPLE = 2;

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
};

/** From now on: the share of the time in which this process ran; 1 where the engine does not tell. */
export function watchProcessor(): () => number {
  const start = performance.now();
  const before = globalThis.process?.cpuUsage?.();
  return () => {
    if (!before) return 1;
    const { user, system } = process.cpuUsage(before);
    return Math.min(1, (user + system) / 1e3 / (performance.now() - start));
  };
}

/** Below this share others were measured, too. */
export const CALM = 0.9;

/** ms of some runs, one after the other. */
async function sample(run: () => unknown, runs: number): Promise<number> {
  const start = performance.now();
  for (let k = 0; k < runs; k++) {
    const pending = run();
    if (pending instanceof Promise) await pending;
  }
  return performance.now() - start;
}

/**
 * Nanoseconds of one run: the median of samples over `budget` ms. Finding out how many runs make a sample is the warm-up; a
 * run that takes longer than the budget is run once.
 */
export async function time(run: () => unknown, budget: number): Promise<number> {
  const end = performance.now() + budget;
  let runs = 1;
  let took = await sample(run, runs);
  while (took < SAMPLE) {
    runs = Math.ceil(runs * Math.min(10, (1.25 * SAMPLE) / Math.max(took, 1e-3)));
    took = await sample(run, runs);
  }
  const samples = [took / runs];
  while (performance.now() < end) samples.push((await sample(run, runs)) / runs);
  return 1e6 * median(samples);
}

/**
 * Nanoseconds of some runs by turns: one list for each, entry k from round k. There are `rounds` rounds, fewer where they
 * would take longer than `limit` ms.
 */
export async function alternate(
  runs: readonly (() => unknown)[],
  { rounds = 5, budget = 100, limit = 5000 } = {},
): Promise<number[][]> {
  const times: number[][] = runs.map(() => []);
  const end = performance.now() + limit;
  for (let round = 0; round < rounds && (round === 0 || performance.now() < end); round++)
    for (const [k, run] of runs.entries()) (times[k] as number[]).push(await time(run, budget));
  return times;
}

/** The median of the ratios b/a of two lists, pair by pair. */
export const pairedRatio = (a: readonly number[], b: readonly number[]): number =>
  median(a.map((value, k) => (b[k] as number) / value));
