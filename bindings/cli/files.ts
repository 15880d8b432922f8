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
