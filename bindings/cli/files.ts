import { readFile } from "node:fs/promises";
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
