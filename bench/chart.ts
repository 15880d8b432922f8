// Results as pictures: SVG that stands alone, in the report's colours, light and dark.
import * as Plot from "@observablehq/plot";
import { escapeHtml, PALETTE, type PlotOptions, svg } from "../bindings/cli/report.ts";
import { CASES } from "./cases.ts";
import { AXES, type Axis, BASE, type CurveRow } from "./curves.ts";
import type { PeerResult } from "./peers/measure.ts";
import { PEERS, type PeerEntry, type PeerName } from "./peers/peers.ts";
import type { SuiteResult } from "./results.ts";
import type { CaseRow } from "./suite.ts";
import { duration, isBehind, times } from "./table.ts";

const WIDTH = 860;
const MARGIN = 24;
const HEAD = 76;

interface Placed {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly plot: string;
}

/** Plots under a title on a page of their own. */
function page(title: string, subtitle: string, plots: readonly Placed[]): string {
  const height = HEAD + Math.max(...plots.map(({ y, height }) => y + height)) + MARGIN;
  const width = WIDTH + 2 * MARGIN;
  const nested = plots.map(({ x, y, width, height, plot }) =>
    plot.replace(
      /^<svg[^>]*>/,
      () =>
        `<svg class="plot" x="${MARGIN + x}" y="${HEAD + y}" width="${width}" height="${height}" fill="currentColor" text-anchor="middle">`,
    ),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeHtml(title)}">
<style>${PALETTE}
text { font: 12px system-ui, sans-serif; } .plot { color: var(--soft); overflow: visible; }
.title { font-size: 18px; font-weight: 600; fill: var(--ink); } .subtitle { fill: var(--soft); }
</style>
<rect width="${width}" height="${height}" fill="var(--paper)"/>
<text class="title" x="${MARGIN}" y="36">${escapeHtml(title)}</text>
<text class="subtitle" x="${MARGIN}" y="58">${escapeHtml(subtitle)}</text>
${nested.join("\n")}
</svg>
`;
}

interface Bar {
  readonly group: string;
  readonly label: string;
  /** How many times as fast. */
  readonly ratio: number;
  readonly text: string;
  readonly colour: "accent" | "warm" | "soft";
}

/** Horizontal bars in groups, from 1x on: to the left of it the rival is faster. */
function renderGroups(title: string, subtitle: string, bars: readonly Bar[], x: PlotOptions["x"] = {}): string {
  const groups = [...new Set(bars.map(({ group }) => group))];
  const key = ({ group, label }: Bar) => `${group}, ${label}`;
  const ofGroup = (group: string) => bars.filter((bar) => bar.group === group);
  // One row for each bar, and an empty one behind each group.
  const domain = groups.flatMap((group) => [...ofGroup(group).map(key), group]);
  const height = 40 + domain.length * 16;
  const plot = svg(title, {
    ...{ width: WIDTH, height, marginLeft: 72, marginRight: 190, marginTop: 4, marginBottom: 36 },
    x: { label: "times as fast", grid: true, labelAnchor: "center", labelArrow: "none", ...x },
    y: { axis: null, padding: 0.12, domain },
    marks: [
      Plot.barX(bars, { y: key, x1: 1, x2: "ratio", fill: (bar: Bar) => `var(--${bar.colour})` }),
      Plot.text(bars, {
        ...{ y: key, x: (bar: Bar) => Math.max(1, bar.ratio), text: "text" },
        ...{ textAnchor: "start", dx: 6, fill: "var(--soft)" },
      }),
      Plot.text(groups, {
        ...{ y: (group: string) => key(ofGroup(group)[0] as Bar), text: (group: string) => group },
        ...{ frameAnchor: "left", dx: -70, textAnchor: "start", fill: "var(--ink)" },
      }),
      Plot.ruleX([1], { stroke: "var(--soft)" }),
    ],
  });
  return page(title, subtitle, [{ x: 0, y: 0, width: WIDTH, height, plot }]);
}

/** Against plain JavaScript: one bar for each case and build. */
export function renderBars(results: readonly SuiteResult[]): string {
  const bars = results.flatMap(({ build, rows }) =>
    rows
      .filter((row): row is CaseRow => row.kind === "case" && row.js !== null)
      .map(({ name, ns, js }): Bar => {
        const { ratio, ns: jsNs } = js as NonNullable<CaseRow["js"]>;
        const text = `${times(ratio)} · ${duration(ns)}, not ${duration(jsNs)}`;
        return { group: name, label: build, ratio, text, colour: build === "strict" ? "accent" : "warm" };
      }),
  );
  const { engine, machine } = results[0] as SuiteResult;
  const builds = results
    .map(({ build }) => (build === "strict" ? "blue: strict build" : "orange: relaxed SIMD"))
    .join("; ");
  return renderGroups("WebAssembly against plain JavaScript", `one thread, ${engine}, ${machine.cpu}; ${builds}`, bars);
}

const AXIS_NAMES: Readonly<Record<Axis, string>> = { T: "steps T", B: "batch B", H: "hidden width H", L: "layers L" };

/** Time and memory of a training step over each size; dashed: as the arithmetic grows; grey: the parameters alone. */
export function renderCurves({ rows, engine, build }: Pick<SuiteResult, "rows" | "engine" | "build">): string {
  const curves = rows.filter((row): row is CurveRow => row.kind === "curve");
  const measures = [
    {
      ...{
        label: "time (ms)",
        colour: "var(--accent)",
        ticks: [1, 10, 100, 1000],
        of: (row: CurveRow) => row.ns / 1e6,
      },
      reference: (row: CurveRow, last: CurveRow) => (row.gflops * row.ns) / last.gflops / 1e6,
    },
    {
      ...{
        label: "memory (MiB)",
        colour: "var(--warm)",
        ticks: [0.01, 0.1, 1, 10, 100],
        of: (row: CurveRow) => row.bytes / 2 ** 20,
      },
      reference: (row: CurveRow) => row.modelBytes / 2 ** 20,
    },
  ];
  const [width, height] = [WIDTH / 4, 240];
  const plots = measures.flatMap(({ label, of, colour, ticks, reference }, line) => {
    const own = (axis: Axis) => curves.filter((row) => row.axis === axis);
    const values = (Object.keys(AXES) as Axis[]).flatMap((axis) =>
      own(axis).flatMap((row) => [of(row), reference(row, own(axis).at(-1) as CurveRow)]),
    );
    const domain = [Math.min(...values) / 1.3, Math.max(...values) * 1.3] as const;
    return (Object.keys(AXES) as Axis[]).map((axis, column): Placed => {
      const last = own(axis).at(-1) as CurveRow;
      const dash = line === 0 ? { strokeDasharray: "3 3" } : {};
      const plot = svg(`${label} over ${axis}`, {
        ...{ width, height, marginLeft: 44, marginRight: 12, marginTop: 28, marginBottom: 38 },
        x: {
          ...{ type: "log", label: AXIS_NAMES[axis], labelAnchor: "center", labelArrow: "none", tickFormat: "d" },
          ticks: own(axis).map(({ value }) => value),
        },
        y: {
          ...{
            type: "log",
            label: column === 0 ? label : null,
            labelArrow: "none",
            domain,
            grid: true,
            tickFormat: "~g",
          },
          ticks: ticks.filter((tick) => tick > domain[0] && tick < domain[1]),
        },
        marks: [
          Plot.line(own(axis), {
            x: "value",
            y: (row: CurveRow) => reference(row, last),
            stroke: "var(--soft)",
            ...dash,
          }),
          Plot.line(own(axis), { x: "value", y: of, stroke: colour, strokeWidth: 1.75 }),
          Plot.dot(own(axis), { x: "value", y: of, fill: colour, r: 2.5 }),
        ],
      });
      return { x: column * width, y: line * (height + 12), width, height, plot };
    });
  });
  const { T, B, I, H, L } = BASE;
  return page(
    "Cost of a training step as each size grows",
    `from T ${T}, B ${B}, I ${I}, H ${H}, L ${L}; dashed: as the arithmetic grows; grey: the parameters alone; ${build} build, ${engine.replace(/ \(.*/, "")}`,
    plots,
  );
}

/** Against other libraries: one bar for each case and peer, on a logarithmic axis; to the left of 1x the peer is faster. */
export function renderPeers(results: readonly PeerResult[]): string {
  const bars = results.flatMap(({ peer, rows }) => {
    const { title }: PeerEntry = PEERS[peer as PeerName];
    return rows.map(
      ({ name, ns, strict }): Bar => ({
        ...{ group: name, label: title, ratio: strict.ratio, colour: isBehind(strict.ratio) ? "warm" : "accent" },
        text: `${times(strict.ratio)} · ${title}, ${duration(ns)}`,
      }),
    );
  });
  const order = CASES.map(({ name }) => name);
  bars.sort((a, b) => order.indexOf(a.group) - order.indexOf(b.group));
  const machine = results[0]?.machine.cpu ?? "";
  return renderGroups(
    "The strict build against other libraries",
    `one thread, ${machine}; orange: the other is faster; beside the bars the time of the other`,
    bars,
    { type: "log", ticks: [0.5, 1, 2, 5, 10, 20, 50, 100], tickFormat: "~g", label: "times as fast" },
  );
}
