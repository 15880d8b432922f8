// What rows are called: by their dates as they stand in the file, and those behind the last one alike; without dates, by number.
import { type Series, zoneOf } from "./csv.ts";

const DAY_MS = 86_400_000;

/** The row's date as the file has it, or its number. */
export const rowName = (series: Series, row: number): string => series.dates?.cells[row] ?? `row ${row + 1}`;

/** The name of a row behind the last one too: with dates at the distance of the two last ones. */
export function nameOf(series: Series, row: number): string {
  const ahead = row - series.rows + 1;
  if (ahead <= 0 || !series.dates || series.rows < 2) return rowName(series, row);
  const { cells, values, length } = series.dates;
  const [before, last] = [-2, -1].map((at) => {
    const zone = zoneOf(cells.at(at) as string);
    const time = (values.at(at) as Date).getTime();
    return { time, zone, local: new Date(time + offsetOf(zone)) };
  }) as [Instant, Instant];
  const next = new Date(nextLocal(before, last, ahead)).toISOString();
  const text = next.slice(0, length);
  return text.length > 10 ? `${text.replace("T", cells.at(-1)?.[10] ?? "T")}${last.zone}` : text;
}

/** A time, and the same on a clock of its zone, read as UTC. */
interface Instant {
  readonly time: number;
  readonly zone: string;
  readonly local: Date;
}

/** Monthly and yearly dates keep their day, or are the last of their months; daily ones keep their hour; others their distance. */
function nextLocal(before: Instant, last: Instant, ahead: number): number {
  const [a, b] = [before.local, last.local];
  const step = b.getTime() - a.getTime();
  if (step % DAY_MS !== 0) return b.getTime() + ahead * (last.time - before.time);
  const months = 12 * (b.getUTCFullYear() - a.getUTCFullYear()) + b.getUTCMonth() - a.getUTCMonth();
  const ends = isEnd(a) && isEnd(b);
  if (months === 0 || (a.getUTCDate() !== b.getUTCDate() && !ends)) return b.getTime() + ahead * step;
  const next = new Date(b);
  next.setUTCMonth(b.getUTCMonth() + ahead * months + 1, 0);
  if (!ends) next.setUTCDate(Math.min(b.getUTCDate(), next.getUTCDate()));
  return next.getTime();
}

/** Whether a day is the last of its month. */
const isEnd = (date: Date): boolean => new Date(date.getTime() + DAY_MS).getUTCDate() === 1;

/** What a zone is ahead of UTC, in ms. */
function offsetOf(zone: string): number {
  const [, sign, hours, minutes] = /([+-])(\d{2}):?(\d{2})/.exec(zone) ?? [];
  return (sign === "-" ? -1 : 1) * (60 * Number(hours ?? 0) + Number(minutes ?? 0)) * 60_000;
}
