// What `train` prints, whatever it trains.
import Table from "cli-table3";
import { writeFileAtomic } from "lstm-wasm/node";
import pc from "picocolors";
import type { TrainOptions } from "./options.ts";
import type { Measure } from "./progress.ts";
import { type Training, warning } from "./training.ts";
import { wrap } from "./wrap.ts";

/** Prints unless JSON alone is asked for. */
export const printer = ({ json }: TrainOptions) => (json ? () => {} : (text: string) => console.log(text));

/** Facts, a line each, under a title; long ones are broken to keep to 80 columns. */
export function heading(title: string, facts: readonly (readonly [string, string])[]): string {
  const lines = facts.flatMap(([name, text]) =>
    wrap(text, 69).map((line, k) => pc.dim(`${(k === 0 ? name : "").padEnd(10)}${line}`)),
  );
  return [...wrap(title, 79).map((line) => pc.bold(line)), ...lines, ""].join("\n");
}

/** A table whose first column is text and the others numbers; rows in `bold` stand out. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  bold: readonly number[] = [0],
): string {
  const drawn = new Table({
    head: [...head],
    colAligns: head.map((_, k) => (k === 0 ? "left" : "right")),
    style: { head: [], border: pc.isColorSupported ? ["dim"] : [], compact: true },
  });
  rows.forEach((row, k) => {
    drawn.push(row.map((cell) => (bold.includes(k) ? pc.bold(cell) : cell)));
  });
  return drawn.toString();
}

/** "+12.3 %", with a minus sign that is one. */
export const percent = (share: number, digits = 1): string => `${(100 * share).toFixed(digits).replace("-", "−")} %`;

/** The share by which a model's figure is less than that of what it is measured against. */
export const lessBy = (own: number, other: number): string => percent(1 - own / other);

export const trained = (training: Training, measure: Measure, options: TrainOptions): string => {
  const { epochs, seconds, best } = training;
  const text = `\n${epochs.length} epochs in ${seconds.toFixed(1)} s; the weights are those of epoch ${best.epoch + 1}.\n`;
  const worse = warning(training, measure, options);
  return worse ? `${text}${wrap(worse, 79).map(pc.yellow).join("\n")}\n` : text;
};

/** Writes the report, and answers the lines that say where it and the model are. */
export async function writeReport(report: string, { out, report: file }: TrainOptions) {
  await writeFileAtomic(file, report);
  return `model   ${out}\nreport  ${file}`;
}
