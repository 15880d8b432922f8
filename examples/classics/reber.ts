// The embedded Reber grammar (Hochreiter & Schmidhuber 1997, experiment 1). A string is B, T or P, a string of the Reber
// grammar, the same T or P again, and E; the network reads it letter by letter and predicts the next one.
import type { Sequential } from "lstm-wasm";
import { type Batch, crossEntropyLoss } from "lstm-wasm/train";
import { below, createRandom } from "./random.ts";
import type { Task } from "./task.ts";

export const LETTERS = "BTPSXVE";

/** Where each letter leads from each state of Reber's grammar (Reber 1967); state 7 is the end. */
const REBER: readonly Readonly<Record<string, number>>[] = [
  { B: 1 },
  { T: 2, P: 3 },
  { S: 2, X: 4 },
  { T: 3, V: 5 },
  { X: 3, S: 6 },
  { P: 4, V: 6 },
  { E: 7 },
];

/** A string, and behind each letter of it all that may follow. */
export interface Word {
  readonly letters: string;
  /** One set fewer than letters: behind the last nothing does. */
  readonly next: readonly string[];
}

export function embeddedReberWord(random: () => number): Word {
  const outer = "TP"[below(random, 2)] as string;
  let letters = `B${outer}`;
  const next = ["TP", "B"];
  for (let state = 0; state < REBER.length - 1; ) {
    const arcs = REBER[state] as Readonly<Record<string, number>>;
    const choices = Object.keys(arcs).join("");
    const letter = choices[below(random, choices.length)] as string;
    letters += letter;
    state = arcs[letter] as number;
    next.push(Object.keys(REBER[state] as object).join(""));
  }
  return { letters: `${letters}E${outer}E`, next: [...next, outer, "E"] };
}

/** One string: x one-hot [T,1,7], and the letters that come next as classes [T,1]. */
function reberBatch({ letters }: Word): Batch {
  const T = letters.length - 1;
  const x = new Float32Array(T * LETTERS.length);
  const target = new Float32Array(T);
  for (let t = 0; t < T; t++) {
    x[t * LETTERS.length + LETTERS.indexOf(letters[t] as string)] = 1;
    target[t] = LETTERS.indexOf(letters[t + 1] as string);
  }
  return { x: { data: x, shape: [T, 1, LETTERS.length] }, target: { data: target, shape: [T, 1] } };
}

/** Whether at every step the letters that may follow have the highest scores: the paper's criterion. */
function isRight(model: Sequential, word: Word): boolean {
  const { data } = model.forward(reberBatch(word).x);
  return word.next.every((allowed, t) => {
    const scores = [...LETTERS].map((letter, k) => ({ letter, score: data[t * LETTERS.length + k] as number }));
    scores.sort((a, b) => b.score - a.score);
    return scores.slice(0, allowed.length).every(({ letter }) => allowed.includes(letter));
  });
}

/** As many different strings. */
function distinctWords(random: () => number, count: number): Word[] {
  const words = new Map<string, Word>();
  while (words.size < count) {
    const word = embeddedReberWord(random);
    words.set(word.letters, word);
  }
  return [...words.values()];
}

export function reber({ updates = 30_000 }: { updates?: number }): Task {
  // 256 strings to learn and 256 to be marked on, as in the paper.
  const words = distinctWords(createRandom(1_000_003), 512);
  const [train, test] = [words.slice(0, 256), words.slice(256)];
  return {
    name: "reber",
    title: "The embedded Reber grammar",
    ...{ span: 10, inputSize: LETTERS.length, hiddenSize: 12, outFeatures: LETTERS.length, atEnd: false },
    ...{ loss: crossEntropyLoss(), lr: 5e-3, batchSize: 1, updates, every: 100 },
    *batches(seed) {
      const random = createRandom(seed);
      while (true) yield reberBatch(train[below(random, train.length)] as Word);
    },
    mark: (model) => (100 * test.filter((word) => isRight(model, word)).length) / test.length,
    measure: {
      label: "test strings without a mistake (%)",
      isSolved: (mark) => mark === 100,
      solved: "all 256 test strings",
      baseline: { mark: 50, text: "Without the second letter: about half" },
      scale: "linear",
      domain: [0, 100],
      format: (mark) => `${mark.toFixed(1)} %`,
    },
  };
}
