// The report of a training on text.
import * as Plot from "@observablehq/plot";
import { flowSection } from "./flow-page.ts";
import { contextText, filesText, lstmText, TEXT_MEASURE, type TextOutcome } from "./outcome.ts";
import { lessBy } from "./print.ts";
import { escapeHtml, htmlTable, key, lossSection, page, svg, trainingFact, wholeTick } from "./report.ts";

/** Surprise in bits at which a character is darkest. */
const MOST_BITS = 8;

export async function renderTextReport(outcome: TextOutcome): Promise<string> {
  const { files, text, options, parameters, training, bits, ngrams, samples } = outcome;
  const V = text.alphabet.length;
  const count = (part: readonly number[]) => part.length.toLocaleString("en");
  const lines: [string, number][] = [
    ["LSTM", bits],
    ...ngrams.map((value, n): [string, number] => [`n-gram, ${contextText(n)}`, value]),
    [`any of ${V} characters alike`, Math.log2(V)],
  ];
  return page({
    title: `The characters of ${filesText(files)}`,
    lead: standing(bits, ngrams),
    body: [
      htmlTable(
        [`${count(text.test)} characters that training never saw`, "bits per character"],
        lines.map(([name, value]) => [escapeHtml(name), value.toFixed(3)]),
      ),
      `<p class="soft">The n-grams are counts of the same training part, each order interpolated with all lower ones by Kneser and Ney’s rule.</p>`,
      `<p class="soft">${key("--accent", "LSTM")}${key("--warm", "n-grams")}</p>`,
      ngramPlot(bits, ngrams),
      `<h2>Where it is surprised</h2>`,
      `<p class="soft">The beginning of the test part; the stronger the colour of a character, the less the model expected it, from 0 to ${MOST_BITS} bits and more.</p>`,
      surprise(outcome),
      lossSection(training, { ...TEXT_MEASURE, name: "bits per character" }),
      flowSection(outcome.flow, `stretches of ${options.window} characters of the test part`),
      `<h2>Samples</h2>`,
      ...samples.map(
        ({ temperature, text }) =>
          `<p class="soft">At temperature ${temperature}</p>\n<div class="text sample">${escapeHtml(text.trim())}</div>`,
      ),
    ],
    facts: [
      [
        "text",
        `${files.join(", ")}: ${count(text.train)} characters to train, ${count(text.validation)} to validate, ${count(text.test)} to test: the first 80 %, next 10 % and last 10 % of each file`,
      ],
      ["alphabet", `${V} different characters, known to all that is compared`],
      [
        "model",
        `${options.embedding} values a character, ${lstmText(options)}, linear output: ${parameters.toLocaleString("en")} parameters`,
      ],
      [
        "training",
        trainingFact(
          options,
          `${options.batch} streams at most, back-propagation through ${options.window} characters, states carried on`,
          training,
        ),
      ],
    ],
  });
}

/** How the model stands against the best n-gram. */
function standing(bits: number, ngrams: readonly number[]): string {
  const best = Math.min(...ngrams);
  const by = lessBy(bits, best).replace("−", "");
  const rival = `the best n-gram (${best.toFixed(2)}, ${contextText(ngrams.indexOf(best))})`;
  const verdict = bits < best ? `${by} less than ${rival}` : `${by} more than ${rival}, which is the better model here`;
  return `A character of the test part costs it ${bits.toFixed(2)} bits: ${verdict}.`;
}

function ngramPlot(bits: number, ngrams: readonly number[]): string {
  const points = ngrams.map((value, context) => ({ context, value }));
  return svg("Bits per character by characters of context", {
    height: 240,
    x: {
      label: "characters of context",
      tickFormat: wholeTick,
      ticks: ngrams.length,
    },
    y: { label: "bits per character", grid: true, nice: true, zero: true },
    marks: [
      Plot.ruleY([bits], { stroke: "var(--accent)", strokeWidth: 1.75 }),
      Plot.line(points, { x: "context", y: "value", stroke: "var(--warm)", strokeWidth: 1.75 }),
      Plot.dot(points, { x: "context", y: "value", fill: "var(--warm)", r: 2.5 }),
    ],
  });
}

function surprise({ shown: { characters, bits } }: TextOutcome): string {
  const html = characters.map((character, k) => {
    const value = bits[k - 1];
    if (value === undefined) return escapeHtml(character);
    const share = Math.min(1, value / MOST_BITS).toFixed(2);
    const face = character === "\n" ? "⏎\n" : escapeHtml(character);
    return share === "0.00" ? face : `<b style="--share:${share}" title="${value.toFixed(1)} bits">${face}</b>`;
  });
  return `<div class="text">${html.join("")}</div>`;
}
