// The marks of all networks over training, as one SVG file: no scripts, nothing fetched, light and dark.
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { CELLS, type CellName, type Outcome } from "./compare.ts";
import type { Task } from "./task.ts";

const STYLE = `
svg { --ink: #1c2127; --soft: #66717d; --line: #d9dee3; --paper: #ffffff; --accent: #0b72b5; --warm: #c2571a; }
@media (prefers-color-scheme: dark) {
  svg { --ink: #e4e8ec; --soft: #97a2ad; --line: #343c45; --paper: #14181c; --accent: #59b0ee; --warm: #f0945a; }
}
svg { background: var(--paper); color: var(--soft); font: 12px system-ui, sans-serif; overflow: visible; }
`;
const COLOURS: Readonly<Record<CellName, string>> = {
  LSTM: "var(--accent)",
  GRU: "var(--warm)",
  RNN: "var(--soft)",
};

export function drawCurves(task: Task, outcomes: readonly Outcome[]): string {
  const { baseline, domain, label, scale } = task.measure;
  const inside = (mark: number) => Math.min(Math.max(mark, domain[0]), domain[1]);
  const curves = outcomes.map(({ cell, seed, curve, solvedAt }) => ({
    ...{ cell, solvedAt, z: `${cell} ${seed}` },
    points: curve.map(({ update, mark }) => ({ x: (update * task.batchSize) / 1000, y: inside(mark) })),
  }));
  const cells = CELLS.filter((cell) => curves.some((curve) => curve.cell === cell));
  const heading = (text: string, dx: number, dy: number, fill: string, options = {}) =>
    Plot.text([text], { frameAnchor: "top-left", textAnchor: "start", dx, dy, fill, ...options });
  const figure = Plot.plot({
    ...{ width: 760, height: 360, marginTop: 92, marginLeft: 60, marginRight: 24, marginBottom: 46 },
    ariaLabel: `${task.title}: ${label} over training`,
    document: parseHTML("<html></html>").document as unknown as Document,
    x: { label: "sequences trained on (thousands)", labelAnchor: "center", labelArrow: "none" },
    y: { label: null, type: scale, domain, grid: true, ...(scale === "log" && { tickFormat: "~g" }) },
    marks: [
      heading(task.title, -44, -74, "var(--ink)", { fontSize: 16, fontWeight: 600 }),
      ...cells.map((cell, k) => heading(`━ ${cell}`, -44 + 72 * k, -50, COLOURS[cell], { fontWeight: 600 })),
      heading("● solved", -44 + 72 * cells.length, -50, "var(--soft)"),
      heading(`┄ ${baseline.text}`, 36 + 72 * cells.length, -50, "var(--soft)"),
      heading(label, -44, -22, "var(--soft)"),
      Plot.ruleY([baseline.mark], { stroke: "var(--soft)", strokeDasharray: "2 4" }),
      ...curves.map(({ cell, points }) =>
        Plot.line(points, { x: "x", y: "y", stroke: COLOURS[cell], strokeWidth: 1.5, strokeOpacity: 0.85 }),
      ),
      ...curves
        .filter(({ solvedAt }) => solvedAt !== null)
        .map(({ cell, points }) => Plot.dot(points.slice(-1), { x: "x", y: "y", fill: COLOURS[cell], r: 4 })),
    ],
  });
  figure.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const style = figure.querySelector("style");
  if (style) style.textContent = STYLE;
  return `${figure.outerHTML}\n`;
}
