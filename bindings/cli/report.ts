// The HTML report of a training: one file, no scripts, nothing fetched.
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { rowName } from "./chart.ts";
import type { Outcome, Score } from "./outcome.ts";

const WIDTH = 860;

/** Colours, light and dark. Plots take theirs from these variables. */
export const PALETTE = `
:root { color-scheme: light dark; --ink: #1c2127; --soft: #66717d; --line: #d9dee3; --paper: #ffffff; --accent: #0b72b5; --warm: #c2571a; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e8ec; --soft: #97a2ad; --line: #343c45; --paper: #14181c; --accent: #59b0ee; --warm: #f0945a; }
}`;

const STYLE = `${PALETTE}
body { margin: 0 auto; max-width: ${WIDTH}px; padding: 2.5rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.1rem; margin: 2.75rem 0 .25rem; }
p { margin: 0 0 1rem; max-width: 44rem; }
.lead { font-size: 1.1rem; }
.soft, figcaption, dt { color: var(--soft); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 1rem 0; }
th, td { padding: .35rem 1.5rem .35rem 0; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child, td:first-child { text-align: left; }
thead th { color: var(--soft); font-weight: 400; }
tbody tr:first-child { font-weight: 600; }
svg { display: block; width: 100%; height: auto; color: var(--soft); font: 12px system-ui, sans-serif; overflow: visible; }
.key { display: inline-block; width: 1.4em; border-top: 2px solid; vertical-align: middle; margin: 0 .35em 0 0; }
.key + span { margin-right: 1.25em; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.5rem; margin: .75rem 0; }
dd { margin: 0; font-variant-numeric: tabular-nums; }
`;

const { document } = parseHTML("<html></html>");

export const escapeHtml = (text: unknown): string =>
  String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

export type PlotOptions = NonNullable<Parameters<typeof Plot.plot>[0]>;

/** A plot as SVG text. */
export function svg(title: string, options: PlotOptions): string {
  const figure = Plot.plot({
    width: WIDTH,
    marginTop: 30,
    marginLeft: 56,
    marginBottom: 40,
    ariaLabel: title,
    document: document as unknown as Document,
    ...options,
  });
  return figure.outerHTML;
}

const key = (colour: string, text: string) =>
  `<span class="key" style="border-color:var(${colour})"></span><span>${escapeHtml(text)}</span>`;

function lossPlot({ epochs }: Outcome): string {
  const points = epochs.flatMap(({ epoch, train, validation }) => [
    { epoch: epoch + 1, loss: train, part: "train" },
    { epoch: epoch + 1, loss: validation, part: "validation" },
  ]);
  const best = epochs.reduce((a, b) => (b.validation < a.validation ? b : a));
  return svg("Loss of each epoch", {
    height: 260,
    x: {
      label: "epoch",
      domain: [1, Math.max(2, epochs.length)],
      tickFormat: (x: number) => (Number.isInteger(x) ? String(x) : ""),
    },
    y: { label: "mean squared error (scaled)", grid: true, nice: true },
    marks: [
      Plot.ruleX([best.epoch + 1], { stroke: "var(--line)" }),
      Plot.line(points, {
        x: "epoch",
        y: "loss",
        z: "part",
        stroke: (d) => (d.part === "train" ? "var(--accent)" : "var(--warm)"),
        strokeWidth: 1.75,
      }),
    ],
  });
}

function forecastPlot({ series, rows, truth, forecast, target, unit }: Outcome): string {
  const at = (row: number) => series.dates?.values[row] ?? row + 1;
  const points = rows.map((row, k) => ({ at: at(row), truth: truth[k], forecast: forecast[k] }));
  return svg("Forecast and truth on the test part", {
    height: 320,
    x: { label: series.dates ? null : "row", type: series.dates ? "utc" : "linear" },
    y: { label: `${target}${unit && ` (${unit})`}`, grid: true, nice: true },
    marks: [
      Plot.line(points, { x: "at", y: "truth", stroke: "var(--soft)", strokeWidth: 1.25 }),
      Plot.line(points, { x: "at", y: "forecast", stroke: "var(--accent)", strokeWidth: 1.5 }),
    ],
  });
}

function gradientPlot({ gradientNorms }: Outcome): string {
  const T = gradientNorms.length;
  const points = gradientNorms.map((norm, t) => ({ lag: t + 1 - T, norm })).filter(({ norm }) => norm > 0);
  return svg("Gradient norm at each step of the window", {
    height: 240,
    x: {
      label: "step before the forecast",
      domain: [1 - T, 0],
      tickFormat: (x: number) => (Number.isInteger(x) ? String(x).replace("-", "−") : ""),
    },
    y: { label: "‖dL/dh‖", type: "log", grid: true, tickFormat: "~g" },
    marks: [
      Plot.line(points, { x: "lag", y: "norm", stroke: "var(--accent)", strokeWidth: 1.75 }),
      Plot.dot(points, { x: "lag", y: "norm", fill: "var(--accent)", r: 2.5 }),
    ],
  });
}

/** How the model stands against the best forecast without one. */
function headline([model, ...others]: Outcome["scores"], unit: string): string {
  const rival = others.reduce((a, b) => (b.rmse < a.rmse ? b : a), others[0] as Score);
  const by = Math.abs(100 * (1 - model.rmse / rival.rmse)).toFixed(0);
  const error = `${model.rmse.toFixed(2)}${unit && ` ${unit}`}`;
  const verdict =
    model.rmse < rival.rmse
      ? `${by} % less than ${rival.name}`
      : `${by} % more than ${rival.name}, which is the better forecast here`;
  return `On the test part its root mean square error is ${error}: ${verdict}.`;
}

/** What the gradient norms say about how far back the model was taught to look. */
function gradientSentence(norms: readonly number[]): string {
  const [first, last] = [norms[0] as number, norms.at(-1) as number];
  if (norms.length < 2 || !(last > 0)) return "";
  const ratio = first / last;
  const seen = ratio > 0 ? `${ratio.toPrecision(2)} times` : "0 times";
  return `What reaches the first step of the window is ${seen} what reaches the last.`;
}

/** The whole page. */
export async function renderReport(outcome: Outcome): Promise<string> {
  const { series, target, unit, scores, options, parameters, parts, epochs, seconds, rows, gradientNorms } = outcome;
  const title = `${target}, one row ahead`;
  const score = ({ name, rmse, mae }: Score) =>
    `<tr><td>${escapeHtml(name)}</td><td>${rmse.toFixed(3)}</td><td>${mae.toFixed(3)}</td></tr>`;
  const facts: [string, string][] = [
    [
      "data",
      `${series.name}, ${series.rows} rows: ${parts.train.to} to train, ${parts.validation.to - parts.validation.from} to validate, ${rows.length} to test, in the order of time`,
    ],
    [
      "inputs",
      `${[...series.numbers.keys()].join(", ")}${series.dates ? ", sine and cosine of the time of year" : ""}; the last ${options.window} rows`,
    ],
    [
      "model",
      `LSTM of ${options.hidden} units, linear output: ${parameters.toLocaleString("en")} parameters; it answers the change from the last row`,
    ],
    [
      "training",
      `Adam at ${options.lr}, batches of ${options.batch}, gradients clipped to norm 1, seed ${options.seed}; ${epochs.length} epochs in ${seconds.toFixed(1)} s`,
    ],
  ];
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
<h1>${escapeHtml(title)}</h1>
<p class="lead">${escapeHtml(headline(scores, unit))}</p>
<table>
<thead><tr><th>${rows.length} rows that training never saw</th><th>RMSE${unit && ` (${escapeHtml(unit)})`}</th><th>MAE${unit && ` (${escapeHtml(unit)})`}</th></tr></thead>
<tbody>${scores.map(score).join("")}</tbody>
</table>
<p class="soft">Persistence repeats the last value.${scores.length > 2 ? " Climatology is the mean of the training part within a week of the same day of the year." : ""}</p>
<h2>Forecast and truth</h2>
<p class="soft">${key("--soft", "truth")}${key("--accent", "forecast")}${escapeHtml(`${rowName(series, rows[0] as number)} to ${rowName(series, rows.at(-1) as number)}`)}</p>
${forecastPlot(outcome)}
<h2>Loss</h2>
<p class="soft">${key("--accent", "training")}${key("--warm", "validation")}the weights kept are those of the marked epoch</p>
${lossPlot(outcome)}
<h2>Gradient through time</h2>
<p class="soft">Mean norm of the loss’s gradient at the hidden state of each step, over the test part. ${escapeHtml(gradientSentence(gradientNorms))}</p>
${gradientPlot(outcome)}
<h2>Setting</h2>
<dl>${facts.map(([name, text]) => `<dt>${name}</dt><dd>${escapeHtml(text)}</dd>`).join("")}</dl>
</html>
`;
}
