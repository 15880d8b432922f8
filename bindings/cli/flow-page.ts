// The gradient's flow as HTML: a page of its own, and the section of it that every report of a training has.
import * as Plot from "@observablehq/plot";
import type { FlowReport, SliceFlow } from "lstm-wasm/flow";
import { least, most } from "./extremes.ts";
import type { MeasuredModel } from "./flow-model.ts";
import { short } from "./flow-print.ts";
import { escapeHtml, htmlTable, key, page, svg, wholeTick } from "./report.ts";

/** Points further down than so many powers of ten are left out: no loss notices them. */
const DEEPEST = 1e-20;

/** A logarithmic axis of whole powers of ten, at most seven of them marked. */
function logAxis(values: readonly number[]) {
  const low = Math.floor(Math.log10(least(values)) + 1e-9);
  const high = Math.max(low + 1, Math.ceil(Math.log10(most(values)) - 1e-9));
  const every = Math.ceil((high - low) / 7);
  const ticks = Array.from({ length: Math.floor((high - low) / every) + 1 }, (_, k) => 10 ** (high - k * every));
  return { type: "log" as const, domain: [10 ** low, 10 ** high], ticks, tickFormat: powerOf };
}

/** 0.001 as "10⁻³". */
export function powerOf(value: number): string {
  const exponent = Math.round(Math.log10(value));
  if (exponent >= -1 && exponent <= 2) return String(Number(value.toPrecision(3)));
  return `10${[...String(exponent)].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(c)])).join("")}`;
}

const PATHS = [
  ["total", "both paths", "--ink"],
  ["direct", "direct: the memory alone", "--accent"],
  ["recurrent", "recurrent: through W_hh", "--warm"],
] as const;

const hasDirect = (slice: SliceFlow) => slice.forgetHorizon !== null;
const pathsOf = (slice: SliceFlow) => PATHS.filter(([path]) => hasDirect(slice) || path === "total");

/** Thresholds of the verdict that a curve comes to. */
const boundsIn = ({ carried }: SliceFlow) => [
  ...(carried.total.some((left) => left < 1e-3) ? [1e-3] : []),
  ...(carried.total.some((left) => left > 1e3) ? [1e3] : []),
];

/** How much of the gradient is left after so many steps back. */
export function carriedPlot(slice: SliceFlow, height = 280): string {
  const isShown = (left: number) => left > DEEPEST && Number.isFinite(left);
  // A line has a gap where there is nothing.
  const points = pathsOf(slice).flatMap(([path, , colour]) =>
    slice.carried[path].map((left, lag) => ({ lag, left: isShown(left) ? left : Number.NaN, path, colour })),
  );
  const shown = points.filter(({ left }) => isShown(left));
  const axis = logAxis([1, 0.1, ...boundsIn(slice), ...shown.map(({ left }) => left)]);
  return svg("Gradient left after so many steps back", {
    height,
    marginLeft: 60,
    x: { label: "steps back →", domain: [0, most([1, ...shown.map(({ lag }) => lag)])], tickFormat: wholeTick },
    y: { label: "↑ share of the gradient left", grid: true, ...axis },
    marks: [
      Plot.ruleY(boundsIn(slice), { stroke: "var(--soft)", strokeDasharray: "3 3" }),
      Plot.line(points, {
        ...{ x: "lag", y: "left", z: "path", strokeWidth: 1.9 },
        stroke: (d: (typeof points)[number]) => `var(${d.colour})`,
      }),
    ],
  });
}

/** ‖dL/dh‖ and ‖dL/dc‖ of every step. */
function normsPlot(slice: SliceFlow): string {
  const curves = [
    ["dL/dh", slice.dh, "--accent"],
    ["dL/dc", slice.dc, "--warm"],
  ] as const;
  const points = curves.flatMap(([name, values, colour]) =>
    (values ?? []).flatMap((norm, t) => (norm > 0 && Number.isFinite(norm) ? [{ t, norm, name, colour }] : [])),
  );
  const largest = most(points.map(({ norm }) => norm));
  const shown = points.filter(({ norm }) => norm > DEEPEST * largest);
  return svg("Norm of the gradient at each step", {
    height: 220,
    marginLeft: 60,
    x: { label: "step →", domain: [0, Math.max(1, slice.steps - 1)], tickFormat: wholeTick },
    y: { label: "↑ norm over the batch", grid: true, ...logAxis(shown.length ? shown.map(({ norm }) => norm) : [1]) },
    marks: [
      Plot.line(shown, {
        ...{ x: "t", y: "norm", z: "name", strokeWidth: 1.6 },
        stroke: (d: (typeof shown)[number]) => `var(${d.colour})`,
      }),
    ],
  });
}

/** How much the gradient grows at each step back. */
function growthPlot(slice: SliceFlow): string {
  const seen = slice.carried.total.findLastIndex((left) => left > DEEPEST);
  const points = slice.ratios
    .slice(0, Math.max(1, seen))
    .flatMap((ratio, k) => (Number.isFinite(ratio) ? [{ lag: k + 1, ratio }] : []));
  return svg("Growth of the gradient at each step back", {
    height: 180,
    marginLeft: 60,
    x: { label: "steps back →", domain: [0, most([1, ...points.map(({ lag }) => lag)])], tickFormat: wholeTick },
    y: { label: "↑ growth (Pascanu’s ratio)", grid: true, nice: true, zero: true },
    marks: [
      Plot.ruleY([1], { stroke: "var(--soft)", strokeDasharray: "3 3" }),
      Plot.line(points, { x: "lag", y: "ratio", stroke: "var(--accent)", strokeWidth: 1.6 }),
    ],
  });
}

/** Shares of the gates' values near either end. */
function saturationPlot(slice: SliceFlow): string {
  const gates = Object.keys(slice.saturation);
  const bars = gates.flatMap((gate) => {
    const { low, high } = slice.saturation[gate] as { low: number; high: number };
    return [
      { gate, from: 0, to: low, colour: "--accent" },
      { gate, from: low, to: 1 - high, colour: "--line" },
      { gate, from: 1 - high, to: 1, colour: "--warm" },
    ];
  });
  return svg("Saturation of the gates", {
    height: 44 + 26 * gates.length,
    marginTop: 6,
    marginLeft: 60,
    x: { label: "share of values (%) →", percent: true, domain: [0, 100] },
    y: { label: null, domain: gates, tickSize: 0 },
    marks: [
      Plot.barX(bars, {
        ...{ x1: "from", x2: "to", y: "gate", insetTop: 3, insetBottom: 3 },
        fill: (d: (typeof bars)[number]) => `var(${d.colour})`,
      }),
    ],
  });
}

/** Units by horizon, four bins to a power of ten. */
function horizonBins(horizons: readonly number[]) {
  const counts = new Map<number, number>();
  for (const steps of horizons) {
    const bin = Math.floor(4 * Math.log10(Math.min(Math.max(steps, 0.1), 9999)));
    counts.set(bin, (counts.get(bin) ?? 0) + 1);
  }
  return [...counts].map(([bin, units]) => ({ from: 10 ** (bin / 4), to: 10 ** ((bin + 1) / 4), units }));
}

/** How long units keep what they hold. */
function horizonPlot(slice: SliceFlow): string {
  const bins = horizonBins(slice.forgetHorizon ?? []);
  return svg("Forget horizon of the units", {
    height: 170,
    marginLeft: 60,
    x: {
      label: "steps that a unit keeps what it holds →",
      ...logAxis([1, 100, ...bins.flatMap(({ from, to }) => [from, to])]),
    },
    y: { label: "↑ units", grid: true, tickFormat: wholeTick },
    marks: [
      Plot.rectY(bins, {
        ...{ x1: "from", x2: "to", y: "units", fill: "var(--accent)", insetLeft: 0.5, insetRight: 0.5 },
      }),
      Plot.ruleY([0], { stroke: "var(--line)" }),
    ],
  });
}

const legend = (slice: SliceFlow) =>
  pathsOf(slice)
    .map(([, text, colour]) => key(colour, text))
    .join("");

const titleOf = (slice: SliceFlow) =>
  `${slice.name}, ${slice.cell}${slice.direction === "reverse" ? ", backwards" : ""}`;

/** For the report of a training: the verdict, what is left after so many steps, and norms. */
export function flowSection(report: FlowReport, data: string): string {
  const [slice] = [...report.slices].reverse();
  if (!slice) return "";
  return `<h2>Gradient through time</h2>
<p>${escapeHtml(sentence(report))}</p>
<p class="soft">${legend(slice)}${escapeHtml(`over ${data}${report.slices.length > 1 ? `, ${titleOf(slice)}` : ""}`)}</p>
${carriedPlot(slice, 240)}`;
}

const sentence = ({ verdict, slices }: FlowReport) => {
  const text = slices.length > 1 ? verdict : `The gradient ${verdict}`;
  return `${text}.`;
};

function sliceSections(slice: SliceFlow, several: boolean): string[] {
  const { decay, spectrum, deadUnits } = slice;
  const steps = slice.carried.total.length - 1;
  const lags = [...[1, 10, 100].filter((lag) => lag < steps), steps];
  const rows = pathsOf(slice).map(([path, text]) => [
    text,
    ...lags.map((lag) => short(slice.carried[path][lag])),
    short(decay[path]?.halfLife),
    short(decay[path]?.slope),
  ]);
  return [
    ...(several ? [`<h2>${escapeHtml(titleOf(slice))}</h2>`, `<p>${escapeHtml(slice.verdict)}.</p>`] : []),
    "<h2>How much is left</h2>",
    `<p class="soft">${legend(slice)}${boundsIn(slice).length > 0 ? "dashed: the verdict’s threshold" : ""}</p>`,
    carriedPlot(slice),
    htmlTable(["", ...lags.map((lag) => `after ${lag}`), "halves in (steps)", "slope of the log"], rows),
    "<h2>At each step</h2>",
    `<p class="soft">${key("--accent", "‖dL/dh‖")}${slice.dc ? key("--warm", "‖dL/dc‖") : ""}along every path, over ${slice.batch} sequence${slice.batch === 1 ? "" : "s"}</p>`,
    normsPlot(slice),
    growthPlot(slice),
    "<h2>Gates</h2>",
    `<p class="soft">${key("--accent", "near their lower end")}${key("--warm", "near their upper end")}${escapeHtml(slice.forgetHorizon ? "beyond 0.1 and 0.9; g, n and tanh\u00a0c beyond ±0.9" : "h beyond ±0.9, of a relu at 0")}</p>`,
    saturationPlot(slice),
    ...(slice.forgetHorizon ? [horizonPlot(slice)] : []),
    "<h2>Recurrent weights</h2>",
    htmlTable(
      ["W<sub>hh</sub>", "spectral norm", "spectral radius"],
      [
        ["all gates", short(spectrum.norm), short(spectrum.radius)],
        ...Object.entries(spectrum.gates).map(([gate, { norm, radius }]) => [
          escapeHtml(gate),
          short(norm),
          short(radius),
        ]),
      ],
    ),
    `<p class="soft">${deadUnits.length === 0 ? "No unit is dead." : `${deadUnits.length === 1 ? "1 unit is" : `${deadUnits.length} units are`} dead (|h| below 0.001 throughout): ${deadUnits.slice(0, 20).join(", ")}${deadUnits.length > 20 ? ", …" : ""}.`}</p>`,
  ];
}

/** The whole page. */
export function renderFlow(file: string, { report, model, data }: MeasuredModel): string {
  const several = report.slices.length > 1;
  return page({
    title: `Gradient flow of ${file.split(/[\\/]/).at(-1)}`,
    lead: report.nonFinite ? `${report.verdict}.` : sentence(report),
    body: report.slices.flatMap((slice) => sliceSections(slice, several)),
    facts: [
      ["model", model],
      ["data", data],
      ["thresholds", "vanished below a thousandth of what there is at the start, exploded above a thousand times"],
      [
        "direct path",
        "what passes by the memory’s own gates (f of an LSTM, z of a GRU) alone; all else passes W_hh at least once",
      ],
    ],
  });
}
