import { readFile, realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileReason } from "lstm-wasm/node";
import { UserError } from "./fail.ts";

/** Reads a file that the user named. */
export async function readInput(file: string): Promise<Buffer<ArrayBuffer>> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new UserError(`${file}: expected a file to read, got ${fileReason(error)}`);
  }
}

/** Reads a file of text that the user named; a byte order mark is left out. */
export async function readText(file: string): Promise<string> {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await readInput(file));
  } catch (error) {
    if (error instanceof TypeError) throw new UserError(`${file}: expected text in UTF-8, got other bytes`);
    throw error;
  }
}

/** A file, and what it is to the command: "--out", "the data". */
export type Named = readonly [name: string, file: string | undefined];

/** Throws where a file that will be written is one that is read, or is written twice, by whichever path. */
export async function checkApart(read: readonly Named[], written: readonly Named[]): Promise<void> {
  const names = new Map<string, string>();
  for (const [k, [name, file]] of [...read, ...written].entries()) {
    const place = file === undefined ? null : await placeOf(file);
    if (place === null) continue;
    const other = names.get(place);
    if (other !== undefined && k >= read.length)
      throw new UserError(`${name}: expected another file than that of ${other}, got ${file} for both`);
    names.set(place, name);
  }
}

/** Where a file is or will be, behind all links; null for what is no file, such as /dev/null. */
async function placeOf(file: string): Promise<string | null> {
  const found = await stat(file).catch(() => null);
  if (found) return found.isFile() ? realpath(file) : null;
  const folder = dirname(file);
  return join(await realpath(folder).catch(() => folder), basename(file));
}
