// Rows as lines of text, within 80 columns.
import { AXES, type CurveRow } from "./curves.ts";
import type { Row } from "./suite.ts";

export const duration = (ns: number): string => {
  const [value, unit] =
    ns < 1e3 ? [ns, "ns"] : ns < 1e6 ? [ns / 1e3, "µs"] : ns < 1e9 ? [ns / 1e6, "ms"] : [ns / 1e9, "s"];
  return `${value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0)} ${unit}`;
};
export const byteSize = (bytes: number): string => {
  const [value, unit] = bytes < 2 ** 20 ? [bytes / 2 ** 10, "KiB"] : [bytes / 2 ** 20, "MiB"];
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ${unit}`;
};
export const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
/** "0.97x", "3.2x", "12x" */
export const times = (ratio: number): string => `${ratio.toFixed(ratio < 1.995 ? 2 : ratio < 9.95 ? 1 : 0)}x`;
/** Whether a ratio is below 1 as it is shown: the rival is faster. */
export const isBehind = (ratio: number): boolean => Number.parseFloat(times(ratio)) < 1;

const columns = (cells: readonly string[], widths: readonly number[]): string =>
  cells.map((cell, k) => (k < 2 ? cell.padEnd(widths[k] as number) : cell.padStart(widths[k] as number))).join("");

type Kind = Row["kind"];
const WIDTHS: Readonly<Record<Kind, readonly number[]>> = {
  peak: [],
  case: [9, 11, 11, 12, 9, 10, 10],
  bound: [9, 11, 12, 14, 12, 12],
  gemm: [14, 18, 11, 10, 10],
  bindings: [9, 11, 14, 14, 14],
  curve: [3, 6, 12, 10, 12, 13],
};
const HEADS: Readonly<Record<Kind, readonly string[]>> = {
  peak: [],
  case: ["", "", "WASM", "plain JS", "ratio", "GFLOP/s", "of peak"],
  bound: ["bounds", "weights", "reading", "activations", "takes", "at least"],
  gemm: ["product", "M x N x K", "time", "GFLOP/s", "of peak"],
  bindings: ["bindings", "", "stream.step", "kernel alone", "in between"],
  curve: ["training", "", "time", "GFLOP/s", "in memory", "model"],
};

/** Prints rows one by one, with a heading before the first of each kind. */
export function createPrinter(print: (line: string) => void): (row: Row) => void {
  let kind: Kind = "peak";
  let peak = 0;
  return (row) => {
    if (row.kind === "peak") {
      peak = row.gflops;
      print(`this core's peak, multiply-adds in registers alone: ${peak.toFixed(1)} GFLOP/s`);
      return;
    }
    const widths = WIDTHS[row.kind];
    if (row.kind !== kind) print(`\n${columns(HEADS[row.kind], widths)}`);
    kind = row.kind;
    print(columns(cells(row, peak), widths));
  };
}

function cells(row: Exclude<Row, { kind: "peak" }>, peak: number): string[] {
  if (row.kind === "case") {
    const { name, what, ns, js, gflops } = row;
    return [
      ...[name, what, duration(ns), js ? duration(js.ns) : "–", js ? times(js.ratio) : "–"],
      ...[gflops.toFixed(1), percent(gflops / peak)],
    ];
  }
  if (row.kind === "gemm") return [row.name, row.shape, duration(row.ns), row.gflops.toFixed(1), percent(row.ofPeak)];
  if (row.kind === "bound") {
    const { name, bytes, readNs, activationsNs, ns, share } = row;
    return [name, byteSize(bytes), duration(readNs), duration(activationsNs), duration(ns), percent(share)];
  }
  if (row.kind === "bindings")
    return [`H ${row.H}`, "", duration(row.stepNs), duration(row.kernelNs), duration(row.overheadNs)];
  const { axis, value, ns, gflops, bytes, modelBytes } = row;
  return [axis, String(value), duration(ns), gflops.toFixed(1), byteSize(bytes), byteSize(modelBytes)];
}

/** Exponents k of time ~ axis^k and memory ~ axis^k, from the first to the last value of each axis, and over the last doubling. */
export function growth(
  rows: readonly CurveRow[],
): { axis: string; from: number; to: number; time: number; memory: number }[] {
  return Object.keys(AXES).flatMap((axis) => {
    const [a, b] = rows.filter((row) => row.axis === axis).slice(-2);
    if (!a || !b) return [];
    const exponent = (of: (row: CurveRow) => number) => Math.log(of(b) / of(a)) / Math.log(b.value / a.value);
    return [
      { axis, from: a.value, to: b.value, time: exponent((row) => row.ns), memory: exponent((row) => row.bytes) },
    ];
  });
}
