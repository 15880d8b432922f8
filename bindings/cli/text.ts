// `lstm-wasm train --text`: a model of the characters of text files, beside n-grams of the same text.
import { load } from "lstm-wasm";
import { GradientFlow } from "lstm-wasm/flow";
import pc from "picocolors";
import { commandLine } from "./command.ts";
import { UserError } from "./fail.ts";
import { readText } from "./files.ts";
import { ngramBits } from "./ngram.ts";
import type { TrainOptions } from "./options.ts";
import {
  contextText,
  countParameters,
  filesText,
  lstmText,
  TEXT_MEASURE,
  type Text,
  type TextOutcome,
} from "./outcome.ts";
import { heading, lessBy, printer, table, trained, writeReport } from "./print.ts";
import { identify } from "./run-checkpoint.ts";
import { draw } from "./sample.ts";
import { charactersOf, streamsOf, stretchesOf, TextModel } from "./text-model.ts";
import { runTraining } from "./training.ts";

/** Fewest characters, so that every part has some. */
const LEAST = 500;

/** Shares of each file to train and to validate; the rest tests. */
const SHARES = { train: 0.8, validation: 0.1 };

/** Characters of the test part whose surprise the report shows, and temperatures of its samples. */
const SHOWN = 1200;
const TEMPERATURES = [0.5, 0.8, 1];
const SAMPLE = { seed: 1, length: 400, prompt: "" };

export async function trainText(files: readonly string[], options: TrainOptions): Promise<void> {
  const say = printer(options);
  const { window, hidden, layers, embedding, dropout, seed } = options;
  const contents = await Promise.all(files.map(readText));
  const text = splitText(files, contents);
  const V = text.alphabet.length;
  const model = new TextModel(await load(), text.alphabet, { hidden, layers, embedding, dropout, seed });
  const parameters = countParameters(model.model);
  const sizes = [text.train, text.validation, text.test].map(({ length }) => length.toLocaleString("en"));
  say(
    heading(`Learning the characters of ${filesText(files)}`, [
      ["alphabet", `${V} different characters`],
      ["model", `${embedding} values a character, ${lstmText(options)}, ${parameters.toLocaleString("en")} parameters`],
      ["text", `${sizes[0]} characters to train, ${sizes[1]} to validate, ${sizes[2]} to test`],
    ]),
  );

  // Streams of at least four windows, so that there is something to carry on.
  const streams = Math.max(1, Math.min(options.batch, Math.floor(text.train.length / (4 * window))));
  const batch = streamsOf(text.train, streams);
  const training = await runTraining(
    {
      ...{ model: model.model, loss: model.loss, measure: TEXT_MEASURE },
      save: () => model.save(),
      tbptt: { k1: window, k2: window },
      batches: [batch],
      updates: Math.ceil((batch.x.shape[0] as number) / window),
      validation: [streamsOf(text.validation, 1)],
      test: [streamsOf(text.test, 1)],
      identity: identify("text model", contents, options),
    },
    options,
  );

  const shown = text.test.slice(0, SHOWN);
  const reader = model.reader();
  const outcome: TextOutcome = {
    ...{ files, text, model, options, parameters, training },
    bits: TEXT_MEASURE.of(training.test as number),
    ngrams: ngramBits(text.train, text.test, V),
    flow: new GradientFlow(model.model).measure(stretchesOf(text.test, options.window), model.loss),
    shown: { characters: shown.map((k) => text.alphabet[k] as string), bits: reader.surprise(shown) },
    samples: TEMPERATURES.map((temperature) => ({ temperature, text: draw(model, { ...SAMPLE, temperature }) })),
  };
  reader.dispose();
  const { renderTextReport } = await import("./text-report.ts");
  const written = await writeReport(await renderTextReport(outcome), options);
  if (options.json) printJson(outcome);
  else printOutcome(outcome, say, written);
}

/** The first 80 % of each text to train, the next 10 % to validate, the last 10 % to test; one alphabet for all. */
export function splitText(names: readonly string[], texts: readonly string[]): Text {
  const characters = texts.map(charactersOf);
  const length = characters.reduce((sum, own) => sum + own.length, 0);
  if (length < LEAST)
    throw new UserError(`${names.join(", ")}: expected a text of at least ${LEAST} characters, got ${length}`);
  const alphabet = [...new Set(characters.flat())].sort();
  if (alphabet.length < 2)
    throw new UserError(`${names.join(", ")}: expected different characters, got ${JSON.stringify(alphabet[0])} alone`);
  const numbers = new Map(alphabet.map((character, k) => [character, k]));
  const part = (from: number, to: number) =>
    characters.flatMap((own) =>
      own
        .slice(Math.round(from * own.length), Math.round(to * own.length))
        .map((character) => numbers.get(character) as number),
    );
  const { train, validation } = SHARES;
  return {
    alphabet,
    train: part(0, train),
    validation: part(train, train + validation),
    test: part(train + validation, 1),
  };
}

function printJson({ options, training, bits, ngrams, samples, text }: TextOutcome): void {
  const { seconds, epochs, best } = training;
  const { train, validation, test, alphabet } = text;
  const out = {
    ...{
      characters: { train: train.length, validation: validation.length, test: test.length },
      alphabet: alphabet.length,
    },
    ...{ seed: options.seed, seconds, epochs: epochs.length, best: best.epoch + 1 },
    ...{ validationBitsPerCharacter: TEXT_MEASURE.of(best.validation), bitsPerCharacter: bits },
    ...{ ngramBitsPerCharacter: ngrams, samples, model: options.out, report: options.report },
  };
  console.log(JSON.stringify(out, null, 1));
}

function printOutcome(
  { training, options, bits, ngrams, text, samples }: TextOutcome,
  say: (text: string) => void,
  files: string,
) {
  const V = text.alphabet.length;
  const rows: [string, number][] = [
    ["LSTM", bits],
    ...ngrams.map((value, n): [string, number] => [`n-gram, ${contextText(n)}`, value]).reverse(),
    [`any of ${V} characters alike`, Math.log2(V)],
  ];
  say(trained(training, TEXT_MEASURE, options));
  say(
    table(
      [`on ${text.test.length.toLocaleString("en")} untouched characters`, "bits per character", "LSTM's lower by"],
      rows.map(([name, value], k) => [name, value.toFixed(3), k === 0 ? "" : lessBy(bits, value)]),
    ),
  );
  const sample = samples[1] as TextOutcome["samples"][number];
  say(`\nA sample, at temperature ${sample.temperature}:\n`);
  say(
    pc.dim(
      sample.text
        .trim()
        .split("\n")
        .slice(0, 12)
        .map((line) => `  ${foldLine(line, 77)}`)
        .join("\n"),
    ),
  );
  say(`\n${files}`);
  say(`more    ${commandLine(["sample", options.out, "--temperature", `${sample.temperature}`, "--seed", "2"])}`);
}

/** A line in pieces that fit. */
const foldLine = (line: string, width: number): string =>
  (line.match(new RegExp(`.{1,${width}}`, "gu")) ?? [""]).join("\n  ");
