// How well counts of the last few characters tell the next one: the baseline of a text model.

/** Most characters of context. */
export const MOST_CONTEXT = 5;

/** Entries that a Map can hold, and some less. */
const MAP_LIMIT = 2 ** 24 - 2 ** 16;

/** How often a character followed each context of one length. */
class Counts {
  /** By the context's number · V + the character. */
  readonly #counts = new Map<number, number>();
  /** By the context's number: all counts, and how many different characters there were. */
  readonly #totals: number[] = [];
  readonly #kinds: number[] = [];
  readonly #V: number;
  #discount = 0;

  constructor(V: number) {
    this.#V = V;
  }

  get size(): number {
    return this.#counts.size;
  }

  /** Counts once more; whether it was the first time. */
  add(context: number, character: number): boolean {
    const key = context * this.#V + character;
    const count = this.#counts.get(key) ?? 0;
    this.#counts.set(key, count + 1);
    this.#totals[context] = (this.#totals[context] ?? 0) + 1;
    if (count === 0) this.#kinds[context] = (this.#kinds[context] ?? 0) + 1;
    return count === 0;
  }

  /** Settles what every count is lowered by: n₁ / (n₁ + 2n₂), n₁ and n₂ how many counts are 1 and 2. */
  settle(): void {
    const of = [0, 0, 0];
    for (const count of this.#counts.values()) if (count <= 2) of[count] = (of[count] as number) + 1;
    const [, once = 0, twice = 0] = of;
    this.#discount = once > 0 ? once / (once + 2 * twice) : 0.5;
  }

  /** The probability of a character behind a context, given that of the next shorter one. */
  probability(context: number, character: number, shorter: number): number {
    const total = this.#totals[context];
    if (total === undefined) return shorter;
    const count = this.#counts.get(context * this.#V + character) ?? 0;
    const freed = this.#discount * (this.#kinds[context] as number);
    return (Math.max(0, count - this.#discount) + freed * shorter) / total;
  }
}

/** Contexts of one length, seen in the training part. */
interface Level {
  /** Number of a context: of a shorter one's number · V + the character before it. */
  readonly contexts: Map<number, number>;
  /** How often each character followed. */
  readonly seen: Counts;
  /** Behind how many different characters each context with the next character stood. */
  readonly continued: Counts;
}

/**
 * Bits per character (−log₂ p, the mean) of `heldOut`, from its second character on, by n-grams of `train` with 0, 1, … up
 * to 5 characters of context: interpolated Kneser-Ney, with one discount an order, down to the uniform distribution over
 * the V characters (Kneser & Ney 1995; Chen & Goodman 1998, section 2.7).
 */
export function ngramBits(train: readonly number[], heldOut: readonly number[], V: number): number[] {
  const levels = countContexts(train, V);
  const sums = levels.map(() => 0);
  for (let at = 1; at < heldOut.length; at++) {
    const next = heldOut[at] as number;
    let lower = 1 / V;
    let context: number | undefined = 0;
    levels.forEach(({ contexts, seen, continued }, n) => {
      // A context that begins before the text, or was never seen, tells nothing beyond the shorter one.
      if (n > 0 && context !== undefined)
        context = at >= n ? contexts.get(context * V + (heldOut[at - n] as number)) : undefined;
      const p = context === undefined ? lower : seen.probability(context, next, lower);
      sums[n] = (sums[n] as number) - Math.log2(p);
      if (context !== undefined) lower = continued.probability(context, next, lower);
    });
  }
  return sums.map((sum) => sum / (heldOut.length - 1));
}

/** Counts of the training part, by length of context; ends where there would be too many of them. */
function countContexts(train: readonly number[], V: number): Level[] {
  const levels: Level[] = [];
  // The number of each place's context of the length at hand.
  let shorter = new Int32Array(train.length);
  for (let n = 0; n <= MOST_CONTEXT; n++) {
    const level: Level = { contexts: new Map(), seen: new Counts(V), continued: new Counts(V) };
    const below = levels.at(-1)?.continued;
    const numbers = new Int32Array(train.length);
    for (let at = n; at < train.length; at++) {
      const [before, next] = [shorter[at] as number, train[at] as number];
      if (n > 0) {
        const key = before * V + (train[at - n] as number);
        const number = level.contexts.get(key) ?? level.contexts.size;
        level.contexts.set(key, number);
        numbers[at] = number;
      }
      if (level.seen.add(numbers[at] as number, next)) below?.add(before, next);
      if (level.seen.size > MAP_LIMIT) return levels;
    }
    level.seen.settle();
    below?.settle();
    shorter = numbers;
    levels.push(level);
  }
  return levels;
}
