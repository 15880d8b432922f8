/**
 * For Node, Deno and Bun: files. An entry of its own, so that the others run where there are none.
 *
 * @module lstm-wasm/node
 */
import { open, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { FileError } from "./errors.ts";

/**
 * Writes a file whole or not at all: the content goes to a file beside it, onto the disk, and then takes its place. Whoever
 * looks, or loses power, finds the old content or the new, never a part. A link stays a link; what is no file, such as
 * /dev/stdout or a pipe, is written to as it is.
 */
export async function writeFileAtomic(file: string, content: string | Uint8Array): Promise<void> {
  let temporary: string | null = null;
  try {
    const target = await realpath(file).catch(() => file);
    const found = await stat(target).catch(() => null);
    if (found && !found.isFile()) {
      await writeFile(target, content);
      return;
    }
    temporary = `${target}.${process.pid}.tmp`;
    const handle = await open(temporary, "w");
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
  } catch (error) {
    if (temporary !== null) await rm(temporary, { force: true }).catch(() => {});
    throw new FileError(`${file}: expected a file that can be written, got ${fileReason(error)}`, { cause: error });
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

/** Why the file system refused, in words. */
export const fileReason = (error: unknown): string => {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return REASONS[code] ?? message;
};
