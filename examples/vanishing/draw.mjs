// Pictures for README.md: SVG files that carry their palette, light and dark, with them.
import { writeFileSync } from "node:fs";
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";

const FOLDER = process.env.PICTURES ?? new URL(".", import.meta.url).pathname;
const STYLE = `<style>
svg { --ink: #1c2127; --soft: #66717d; --line: #d9dee3; --paper: #ffffff; --accent: #0b72b5; --warm: #c2571a; --third: #3f7d4e; background: var(--paper); color: var(--soft); font: 12px system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { svg { --ink: #e4e8ec; --soft: #97a2ad; --line: #343c45; --paper: #14181c; --accent: #59b0ee; --warm: #f0945a; --third: #7cc28d; } }
</style>`;
const { document } = parseHTML("<html></html>");

/** Writes a plot as an SVG file, with a legend of { name, colour, dash } in its upper margin. */
function save(file, title, { legend = [], ...options }) {
  const figure = Plot.plot({
    ...{ width: 860, marginLeft: 62, marginTop: 34, marginBottom: 42, marginRight: 20 },
    ...{ ariaLabel: title, document, ...options },
  });
  let x = 200;
  const keys = legend.map(({ name, colour, dash }) => {
    const line = `<line x1="${x}" x2="${x + 22}" y1="8" y2="8" stroke="${colour}" stroke-width="1.8" stroke-dasharray="${dash}"/>`;
    const text = `<text x="${x + 28}" y="12" text-anchor="start" fill="currentColor">${name}</text>`;
    x += 46 + 7 * name.length;
    return line + text;
  });
  const text = figure.outerHTML
    .replace(/<style>[\s\S]*?<\/style>/, STYLE + keys.join(""))
    .replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ');
  writeFileSync(`${FOLDER}/${file}`, `${text}\n`);
}

const power = (value) => {
  const exponent = Math.round(Math.log10(value));
  return exponent === 0 ? "1" : `10${[...String(exponent)].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c])).join("")}`;
};

/** Curves of what is left over steps back, one panel for each key; curves are { panel, name, values, colour, dash }. */
export function drawCurves(file, title, curves, { low, high, steps }) {
  const panels = [...new Set(curves.map(({ panel }) => panel))];
  const dashes = [...new Set(curves.map(({ dash }) => dash))];
  const points = curves.flatMap(({ values, ...curve }) =>
    values
      .slice(0, steps + 1)
      .flatMap((left, lag) => (left >= 10 ** low && left <= 10 ** high ? [{ ...curve, lag, left }] : [])),
  );
  save(file, title, {
    height: 310,
    marginTop: 52,
    legend: curves.filter(({ panel }) => panel === panels[0]),
    fx: { domain: panels, label: null, padding: 0.08 },
    x: { label: "steps back →", domain: [0, steps], ticks: 4 },
    y: {
      ...{ label: "↑ share of the gradient left", labelOffset: 62, type: "log", domain: [10 ** low, 10 ** high] },
      ...{ grid: true, tickFormat: power },
      ticks: Array.from({ length: Math.floor((high - low) / 3) + 1 }, (_, k) => 10 ** (high - 3 * k)),
    },
    marks: [
      Plot.ruleY([1e-3, 1e3], { stroke: "var(--soft)", strokeDasharray: "2 4" }),
      ...dashes.map((strokeDasharray) =>
        Plot.line(
          points.filter(({ dash }) => dash === strokeDasharray),
          { x: "lag", y: "left", z: "name", fx: "panel", stroke: "colour", strokeDasharray, strokeWidth: 1.8 },
        ),
      ),
    ],
  });
}

/** The map: points are { cell, scale, bias, left }. */
export function drawMap(file, title, points) {
  const shade = (left) => {
    const log = Math.log10(left);
    const away = Number.isNaN(log) ? 12 : Math.min(12, Math.max(-12, log));
    return `color-mix(in srgb, var(${away < 0 ? "--accent" : "--warm"}) ${Math.round(100 * Math.sqrt(Math.abs(away) / 12))}%, var(--paper))`;
  };
  const values = (name) => [...new Set(points.map((point) => point[name]))];
  save(file, title, {
    height: 260,
    marginLeft: 44,
    fx: { domain: values("cell"), label: null, padding: 0.06 },
    x: { label: "spectral radius of W_hh →", domain: values("scale"), tickSize: 0, padding: 0 },
    y: {
      label: "bias of f, of z",
      domain: values("bias"),
      tickSize: 0,
      padding: 0,
      tickFormat: (bias) => String(bias).replace("-", "−"),
    },
    marks: [
      Plot.cell(points, {
        x: "scale",
        y: "bias",
        fx: "cell",
        inset: 0.4,
        fill: { value: ({ left }) => shade(left), scale: null },
      }),
      Plot.dot(
        points.filter(({ left }) => left >= 1e-3 && left <= 1e3),
        { x: "scale", y: "bias", fx: "cell", r: 2, fill: "var(--ink)" },
      ),
    ],
  });
}
