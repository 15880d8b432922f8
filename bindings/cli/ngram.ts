// How well counts of the last few characters tell the next one: the baseline of a text model.

/** Most characters of context. */
export const MOST_CONTEXT = 5;

/** Entries that a Map can hold, and some less. */
const MAP_LIMIT = 2 ** 24 - 2 ** 16;

/** Contexts of one length, seen in the training part. */
interface Level {
  /** Number of a context: of a shorter one's number · V + the character before it. */
  readonly contexts: Map<number, number>;
  /** How often a character follows a context: by the context's number · V + the character. */
  readonly counts: Map<number, number>;
  /** By the context's number: how many characters follow it, and how many different ones. */
  readonly totals: number[];
  readonly kinds: number[];
}

/**
 * Bits per character (−log₂ p, the mean) of `heldOut`, from its second character on, by n-grams of `train` with 0, 1, … up
 * to 5 characters of context. Every order is interpolated with all lower ones down to the uniform distribution over V
 * characters, by Witten and Bell's rule: where n characters of k kinds followed a context, a lower order counts k in n + k
 * (Witten & Bell 1991; Chen & Goodman 1998, section 2.6).
 */
export function ngramBits(train: readonly number[], heldOut: readonly number[], V: number): number[] {
  const levels = countContexts(train, V);
  const sums = levels.map(() => 0);
  for (let at = 1; at < heldOut.length; at++) {
    let p = 1 / V;
    let context = 0;
    let known = true;
    levels.forEach((level, n) => {
      // A context that begins before the text, or was never seen, tells nothing beyond the shorter one.
      if (known && n > 0) {
        const found = at >= n ? level.contexts.get(context * V + (heldOut[at - n] as number)) : undefined;
        known = found !== undefined;
        context = found ?? 0;
      }
      if (known) {
        const [total, kinds] = [level.totals[context] as number, level.kinds[context] as number];
        const count = level.counts.get(context * V + (heldOut[at] as number)) ?? 0;
        p = (count + kinds * p) / (total + kinds);
      }
      sums[n] = (sums[n] as number) - Math.log2(p);
    });
  }
  return sums.map((sum) => sum / (heldOut.length - 1));
}

/** Counts of the training part, by length of context; ends where there would be too many of them. */
function countContexts(train: readonly number[], V: number): Level[] {
  const levels: Level[] = [];
  // The number of each place's context of the length at hand.
  let contexts = new Int32Array(train.length);
  for (let n = 0; n <= MOST_CONTEXT; n++) {
    const level: Level = {
      contexts: new Map(),
      counts: new Map(),
      totals: n === 0 ? [0] : [],
      kinds: n === 0 ? [0] : [],
    };
    const longer = new Int32Array(train.length);
    for (let at = n; at < train.length; at++) {
      let context = 0;
      if (n > 0) {
        const key = (contexts[at] as number) * V + (train[at - n] as number);
        context = level.contexts.get(key) ?? level.contexts.size;
        level.contexts.set(key, context);
        if (context === level.totals.length) {
          level.totals.push(0);
          level.kinds.push(0);
        }
      }
      longer[at] = context;
      const key = context * V + (train[at] as number);
      const count = level.counts.get(key) ?? 0;
      level.counts.set(key, count + 1);
      level.totals[context] = (level.totals[context] as number) + 1;
      if (count === 0) level.kinds[context] = (level.kinds[context] as number) + 1;
      if (level.counts.size > MAP_LIMIT) return levels;
    }
    contexts = longer;
    levels.push(level);
  }
  return levels;
}
