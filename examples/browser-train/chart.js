// Line charts that follow the width of their place and the colours of the page.
import uPlot from "./node_modules/uplot/dist/uPlot.esm.js";

const colour = (name) => () => getComputedStyle(document.documentElement).getPropertyValue(name);

const axis = {
  stroke: colour("--soft"),
  font: "12px system-ui, sans-serif",
  ticks: { show: false },
};

/**
 * A chart in `place`. `lines` are { colour, dash?, width? } with a colour by its name in the page's style; `x` and `xAxis` are
 * uPlot's options of the horizontal scale and axis.
 */
export function createChart(place, { lines, x, xAxis }) {
  const { width, height } = place.getBoundingClientRect();
  const chart = new uPlot(
    {
      width,
      height,
      legend: { show: false },
      cursor: { show: false },
      padding: [10, 8, 0, 0],
      tzDate: (seconds) => uPlot.tzDate(new Date(1000 * seconds), "Etc/UTC"),
      scales: { x },
      axes: [
        { ...axis, ...xAxis, grid: { show: false }, size: 24 },
        { ...axis, grid: { stroke: colour("--line"), width: 1 }, size: 40 },
      ],
      series: [
        {},
        ...lines.map(({ colour: name, dash, width = 1.5 }) => ({
          stroke: colour(name),
          width,
          dash,
          points: { show: false },
          spanGaps: true,
        })),
      ],
    },
    [[], ...lines.map(() => [])],
    place,
  );
  new ResizeObserver(([{ contentRect }]) =>
    chart.setSize({ width: contentRect.width, height: contentRect.height }),
  ).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => chart.redraw(false, true));
  return chart;
}
