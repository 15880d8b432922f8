import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { UserError } from "./fail.ts";

/** Reads a file that the user named. */
export async function readInput(file: string): Promise<Buffer<ArrayBuffer>> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new UserError(`${file}: expected a file to read, got ${reason(error)}`);
  }
}

/** Writes a file under a temporary name and renames it: whoever looks sees the old content or the new, never a part. */
export async function writeOutput(file: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, content);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new UserError(`${file}: expected a file that can be written, got ${reason(error)}`);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or folder",
  EACCES: "no permission",
  EPERM: "no permission",
  EISDIR: "a folder",
  ENOTDIR: "a path through something that is not a folder",
  ENOSPC: "a full disk",
  EROFS: "a read-only file system",
};

const reason = (error: unknown): string => {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return REASONS[code] ?? message;
};
