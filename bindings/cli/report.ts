// What the HTML reports share: one page each, no scripts, nothing fetched; its palette, and the plots that all have.
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import type { TrainOptions } from "./options.ts";
import type { Measure } from "./progress.ts";
import type { Training } from "./training.ts";

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
h1, h2, p, dd { overflow-wrap: anywhere; }
dd { min-width: 0; }
.wide { overflow-x: auto; }
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
.plain tbody tr:first-child { font-weight: 400; }
.confusion td { min-width: 2.5rem; padding: .35rem .75rem; border-bottom: 2px solid var(--paper); border-right: 2px solid var(--paper); text-align: center;
  background: color-mix(in srgb, var(--accent) calc(var(--share, 0) * 70%), transparent); }
.confusion td:first-child, .confusion th:first-child { background: none; padding-left: 0; text-align: left; }
.confusion .hit { font-weight: 600; }
.confusion .figure { background: none; color: var(--soft); }
.confusion thead th { padding: .35rem .75rem; text-align: center; border: 0; }
.text { font: 14px/1.7 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; margin: 1rem 0; }
.text b { font-weight: 400; background: color-mix(in srgb, var(--warm) calc(var(--share) * 75%), transparent); }
.sample { border-left: 2px solid var(--line); padding-left: 1rem; }
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

/** A line of this colour, and what it stands for. */
export const key = (colour: string, text: string) =>
  `<span class="key" style="border-color:var(${colour})"></span><span>${escapeHtml(text)}</span>`;

/** Marks of an axis of counts: none between whole numbers. */
export const wholeTick = (x: number): string => (Number.isInteger(x) ? x.toLocaleString("en") : "");

/** The loss of each epoch on training and validation part. */
export function lossPlot({ epochs, best }: Training, { name, of }: Measure): string {
  const points = epochs.flatMap(({ epoch, train, validation }) => [
    { epoch: epoch + 1, loss: of(train), part: "train" },
    { epoch: epoch + 1, loss: of(validation), part: "validation" },
  ]);
  return svg("Loss of each epoch", {
    height: 260,
    x: {
      label: "epoch",
      domain: [1, Math.max(2, epochs.length)],
      tickFormat: wholeTick,
    },
    y: { label: name, grid: true, nice: true },
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

/** The heading, legend and plot of `lossPlot`. */
export const lossSection = (training: Training, measure: Measure): string => `<h2>Loss</h2>
<p class="soft">${key("--accent", "training")}${key("--warm", "validation")}the weights kept are those of the marked epoch</p>
${lossPlot(training, measure)}`;

/** How it was trained, in words. */
export const trainingFact = (
  { lr, clip, seed, dropout }: TrainOptions,
  batches: string,
  { epochs, seconds }: Training,
) =>
  `Adam at ${lr}, ${batches}, gradients clipped to norm ${clip}${dropout > 0 ? `, dropout ${dropout}` : ""}, seed ${seed}; ${epochs.length} epochs in ${seconds.toFixed(1)} s`;

/** A table; cells are HTML. The first row of the body stands out unless it is `plain`. */
export function htmlTable(head: readonly string[], rows: readonly (readonly string[])[], plain = false): string {
  const line = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join("")}</tr>`;
  return `<table${plain ? ' class="plain"' : ""}>
<thead>${line(head, "th")}</thead>
<tbody>${rows.map((row) => line(row, "td")).join("")}</tbody>
</table>`;
}

/** A whole page. Title, lead and facts are texts, the body is HTML. */
export function page(of: {
  readonly title: string;
  readonly lead: string;
  readonly body: readonly string[];
  readonly facts: readonly (readonly [string, string])[];
}): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(of.title)}</title>
<style>${STYLE}</style>
<h1>${escapeHtml(of.title)}</h1>
<p class="lead">${escapeHtml(of.lead)}</p>
${of.body.join("\n")}
<h2>Setting</h2>
<dl>${of.facts.map(([name, text]) => `<dt>${name}</dt><dd>${escapeHtml(text)}</dd>`).join("")}</dl>
</html>
`;
}
