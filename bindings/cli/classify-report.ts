// The report of a training of classes.

import { flowSection } from "./flow-page.ts";
import { CLASS_MEASURE, type ClassOutcome, type ClassScore, inputNames, lstmText, whichRow } from "./outcome.ts";
import { percent } from "./print.ts";
import { escapeHtml, htmlTable, lossSection, page, trainingFact } from "./report.ts";
import { classF1 } from "./scores.ts";

export async function renderClassReport(outcome: ClassOutcome): Promise<string> {
  const { series, classifier, options, parameters, parts, training, scores, rows } = outcome;
  const { labels, settings } = classifier;
  const lines = scores.map(({ name, accuracy, macroF1, logLoss }) => [
    escapeHtml(name),
    percent(accuracy),
    macroF1.toFixed(3),
    logLoss?.toFixed(3) ?? "–",
  ]);
  const persists = scores.some(({ name }) => name === "persistence");
  return page({
    title: `${labels.name} of ${whichRow(settings.horizon, settings.window)}`,
    lead: standing(scores),
    body: [
      htmlTable([`${rows.length} rows that training never saw`, "accuracy", "macro F1", "log loss (nats)"], lines),
      `<p class="soft">Logistic regression sees the same window, all its rows at once; its L2 penalty and when it stops are chosen on the same validation part. The class prior answers each class by its share of the training part.${persists ? " Persistence repeats the last class." : ""} Macro F1 leaves out classes that the test part does not have and nobody names.</p>`,
      `<h2>True and named classes</h2>`,
      `<p class="soft">Test rows by their class, and by the class that the model finds likeliest; the stronger the colour, the larger the share of the row.</p>`,
      confusionTable(scores[0], labels.classes),
      lossSection(training, { ...CLASS_MEASURE, name: "cross-entropy (nats)" }),
      flowSection(outcome.flow, "windows of the test part"),
    ],
    facts: [
      [
        "data",
        `${series.name}, ${series.rows} rows: ${parts.train.to} to train, ${parts.validation.to - parts.validation.from} to validate, ${parts.test.to - parts.test.from} to test, in the order of time`,
      ],
      ["inputs", `${inputNames(classifier).join(", ")}; ${settings.window} rows`],
      ["model", `${lstmText(options)}, linear output: ${parameters.toLocaleString("en")} parameters; cross-entropy`],
      ["training", trainingFact(options, `batches of ${options.batch}`, training)],
    ],
  });
}

/** How the model stands against the best of the others, by its probabilities, and by the classes that it names. */
function standing([model, ...others]: ClassOutcome["scores"]): string {
  const rivals = others.filter(({ logLoss }) => logLoss !== null);
  const rival = rivals.reduce((a, b) => ((b.logLoss as number) < (a.logLoss as number) ? b : a));
  const [loss, least] = [model.logLoss as number, rival.logLoss as number];
  const by = `${Math.abs(100 * (1 - loss / least)).toFixed(0)} %`;
  const verdict =
    loss < least ? `${by} less than ${rival.name}` : `${by} more than ${rival.name}, which is the better model here`;
  const named = others.reduce((a, b) => (b.accuracy > a.accuracy ? b : a));
  return `Its probabilities cost ${loss.toFixed(2)} nats a row: ${verdict}. The class that it finds likeliest is the right one in ${percent(model.accuracy)} of the test rows; that of ${named.name} in ${percent(named.accuracy)}.`;
}

function confusionTable({ confusion }: ClassScore, classes: readonly string[]): string {
  const figure = (value: number | null) => `<td class="figure">${value?.toFixed(2) ?? "–"}</td>`;
  const body = confusion.map((row, k) => {
    const { precision, recall, f1, rows } = classF1(confusion, k);
    const cells = row.map(
      (n, j) => `<td${j === k ? ' class="hit"' : ""} style="--share:${rows > 0 ? (n / rows).toFixed(3) : 0}">${n}</td>`,
    );
    return `<tr><td>${escapeHtml(classes[k])}</td>${cells.join("")}${[precision, recall, f1].map(figure).join("")}</tr>`;
  });
  const head = ["is ↓ named →", ...classes, "precision", "recall", "F1"];
  return `<div class="wide"><table class="plain confusion">
<thead><tr>${head.map((name) => `<th>${escapeHtml(name)}</th>`).join("")}</tr></thead>
<tbody>${body.join("")}</tbody>
</table></div>`;
}
