// The map of the lab as a page.
import * as Plot from "@observablehq/plot";
import { powerOf } from "./flow-page.ts";
import { BIASES, CELLS, conclusion, type Point, SCALES, summary } from "./flow-sweep.ts";
import { escapeHtml, page, svg } from "./report.ts";

/** From paper towards the colour of what happened: full at twelve powers of ten. */
export function shade(left: number): string {
  const log = Math.log10(left);
  const away = Number.isNaN(log) ? 12 : Math.min(12, Math.max(-12, log));
  const share = Math.round(100 * Math.sqrt(Math.abs(away) / 12));
  return `color-mix(in srgb, var(${away < 0 ? "--accent" : "--warm"}) ${share}%, var(--paper))`;
}

/** One panel a cell: spectral radius across, bias down. */
export function mapPlot(points: readonly Point[], steps: number): string {
  const cells = points
    .filter((point) => point.steps === steps)
    // An RNN has one row, drawn at every bias.
    .flatMap((point) => (point.bias === null ? BIASES.map((bias) => ({ ...point, bias })) : [point]));
  const bounded = cells.filter(({ status }) => status === "carries");
  return svg(`Gradient left after ${steps} steps`, {
    height: 250,
    marginLeft: 40,
    marginTop: 34,
    fx: { domain: CELLS, label: null, padding: 0.06 },
    x: {
      label: "spectral radius of W_hh →",
      domain: SCALES,
      ticks: SCALES.filter((_, k) => k % 2 === 0),
      tickFormat: (scale: number) => String(Number(scale.toPrecision(2))),
      tickSize: 0,
      padding: 0,
    },
    y: {
      label: "bias of f, of z",
      domain: BIASES,
      tickSize: 0,
      padding: 0,
      tickFormat: (bias: number) => String(bias).replace("-", "−"),
    },
    color: { type: "identity" },
    marks: [
      Plot.cell(cells, {
        ...{ x: "scale", y: "bias", fx: "cell", inset: 0.4 },
        fill: { value: (d: Point) => shade(d.left), scale: null } as never,
      }),
      Plot.dot(bounded, { x: "scale", y: "bias", fx: "cell", r: 2, fill: "var(--ink)" }),
    ],
  });
}

function legend(): string {
  const stops = [1e-12, 1e-6, 1e-3, 1, 1e3, 1e6, 1e12];
  const boxes = stops.map(
    (left) =>
      `<span style="display:inline-block;width:3.2em;text-align:center"><span style="display:block;height:.8em;border:1px solid var(--line);background:${shade(left)}"></span>${powerOf(left)}</span>`,
  );
  return `<p class="soft" style="line-height:1.3">${boxes.join("")} of the gradient left; a dot: between a thousandth and a thousand</p>`;
}

export function renderLab(
  points: readonly Point[],
  lengths: readonly number[],
  of: { readonly B: number; readonly I: number; readonly H: number; readonly seed: number; readonly seconds: number },
): string {
  return page({
    title: "Where gradients vanish and explode",
    lead: "Of the gradient of the last state, how much is left so many steps before: measured inside back-propagation, for random weights of every scale and every bias of the gate that keeps.",
    body: [
      legend(),
      ...lengths.flatMap((steps, k) => [
        `<h2>${steps.toLocaleString("en")} steps back</h2>`,
        `<p class="soft">${escapeHtml(summary(points, lengths)[k])} An RNN has no gate: its one row is drawn at every bias.</p>`,
        mapPlot(points, steps),
      ]),
      "<h2>What it says</h2>",
      `<p>${escapeHtml(conclusion(points, lengths))}</p>`,
    ],
    facts: [
      [
        "weights",
        `W_hh uniform, of that expected spectral radius in each gate's block; W_ih of deviation 1/√I; other biases 0; seed ${of.seed}`,
      ],
      ["sequences", `${of.B} of independent numbers of deviation 1, width ${of.I}; ${of.H} units`],
      ["measured", `${points.length} points in ${of.seconds.toFixed(1)} s`],
    ],
  });
}
