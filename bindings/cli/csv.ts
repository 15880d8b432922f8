// From a CSV file to columns of numbers. Everything wrong with a cell is said with its line and column.
import { CsvError, parse } from "csv-parse/sync";
import { UserError } from "./fail.ts";

/** A time series: rows in the order of time. */
export interface Series {
  /** Of the file, for messages. */
  readonly name: string;
  /** What the file holds. */
  readonly text: string;
  readonly rows: number;
  /** The time of each row, from the first column that holds ISO dates, and its cells. */
  readonly dates: {
    readonly column: string;
    readonly cells: readonly string[];
    readonly values: readonly Date[];
    /** Characters of the finest date without its zone: 10 to the day, 16 to the minute, 19 to the second. */
    readonly length: number;
  } | null;
  /** Columns of numbers, by name, in the order of the file. */
  readonly numbers: ReadonlyMap<string, Float64Array>;
  /** The other columns: their cells, by name. */
  readonly texts: ReadonlyMap<string, readonly string[]>;
  /** The line of the file that a row stands in. */
  readonly line: (row: number) => number;
}

const ISO_DATE = /^\d{4}-\d{2}(-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?)?$/;

const isNumber = (cell: string): boolean => cell !== "" && Number.isFinite(Number(cell));

/** Whether this is a date that exists: Date itself takes February 31st for March 2nd. */
function isDate(cell: string): boolean {
  if (!ISO_DATE.test(cell) || Number.isNaN(toDate(cell).getTime())) return false;
  const day = cell.slice(0, 10);
  return new Date(day).toISOString().startsWith(day);
}

/** The zone of a date's time: "Z", "+01:00", or none. */
export const zoneOf = (cell: string): string => /(Z|[+-]\d{2}:?\d{2})$/.exec(cell.slice(10))?.[1] ?? "";

/** Without a zone, a time is taken as UTC, so that results do not depend on where they are computed. */
function toDate(cell: string): Date {
  return new Date(cell.length > 10 && zoneOf(cell) === "" ? `${cell.replace(" ", "T")}Z` : cell.replace(" ", "T"));
}

/** Reads CSV text whose first line is a header. */
export function readSeries(name: string, text: string): Series {
  let records: { record: string[]; info: { lines: number } }[];
  try {
    records = parse(text, { bom: true, trim: true, skip_empty_lines: true, info: true }) as unknown as typeof records;
  } catch (error) {
    if (error instanceof CsvError) throw new UserError(`${name}: expected CSV, got: ${error.message}`);
    throw error;
  }
  const [first, ...body] = records;
  if (!first) throw new UserError(`${name}: expected a header line and rows, got an empty file`);
  const header = first.record;
  const unnamed = header.findIndex((cell) => cell === "" || isNumber(cell) || isDate(cell));
  if (unnamed >= 0)
    throw new UserError(
      `${name}: expected a header line with a name for each column, got "${header[unnamed]}" as name ${unnamed + 1}`,
    );
  const twice = header.find((cell, k) => header.indexOf(cell) < k);
  if (twice !== undefined) throw new UserError(`${name}: expected each column name once, got "${twice}" twice`);
  if (body.length === 0) throw new UserError(`${name}: expected rows behind the header, got none`);

  const line = (row: number) => body[row]?.info.lines as number;
  const cells = (column: number) => body.map(({ record }) => record[column] as string);
  const dateColumn = header.findIndex((_, k) => cells(k).filter(isDate).length > body.length / 2);
  const numbers = new Map<string, Float64Array>();
  const texts = new Map<string, readonly string[]>();
  header.forEach((column, k) => {
    if (k === dateColumn) return;
    const values = cells(k);
    // A column is one of numbers if most of its filled cells are; then every other cell is a mistake to be named.
    const filled = values.filter((cell) => cell !== "");
    if (filled.filter(isNumber).length * 2 <= filled.length) {
      texts.set(column, values);
      return;
    }
    const wrong = values.findIndex((cell) => !isNumber(cell));
    if (wrong >= 0)
      throw new UserError(
        `${name}, line ${line(wrong)}, column "${column}": expected a number, got ${values[wrong] ? `"${values[wrong]}"` : "an empty cell"}`,
      );
    numbers.set(column, Float64Array.from(values, Number));
  });
  return { name, text, rows: body.length, dates: dateColumn < 0 ? null : readDates(), numbers, texts, line };

  function readDates(): Series["dates"] {
    const column = header[dateColumn] as string;
    const values = cells(dateColumn);
    const wrong = values.findIndex((cell) => !isDate(cell));
    if (wrong >= 0)
      throw new UserError(
        `${name}, line ${line(wrong)}, column "${column}": expected a date as 2015-12-31, got "${values[wrong]}"`,
      );
    const dates = values.map(toDate);
    const back = dates.findIndex((date, row) => row > 0 && date <= (dates[row - 1] as Date));
    if (back >= 0)
      throw new UserError(
        `${name}, line ${line(back)}, column "${column}": expected dates in ascending order, got ${values[back]} behind ${values[back - 1]}`,
      );
    const finest = values.reduce((most, cell) => Math.max(most, cell.length - zoneOf(cell).length), 0);
    // A fraction of a second is written in ms.
    return { column, cells: values, values: dates, length: finest > 19 ? 23 : finest };
  }
}

/** The column of numbers of this name. */
export function columnOf(series: Series, option: string, name: string): Float64Array {
  const column = series.numbers.get(name);
  if (!column)
    throw new UserError(
      `${option}: expected a column of numbers in ${series.name} (${[...series.numbers.keys()].join(", ")}), got "${name}"`,
    );
  return column;
}
