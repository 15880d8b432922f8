// What goes wrong at the command line: one sentence on stderr, a non-zero exit, no stack trace.
import { InvalidArgumentError } from "commander";

/** Something the user gave that cannot be used. */
export class UserError extends Error {
  override readonly name = "UserError";
}

/** Stopped by Ctrl-C. */
export class Interrupted extends UserError {}

/** Errors whose message is meant for the user as it stands: ours, the library's, and the file system's. */
function isExpected(error: unknown): error is Error {
  return (
    error instanceof UserError || (error instanceof Error && typeof (error as { code?: unknown }).code === "string")
  );
}

/** Reports an error and sets the exit status. Anything unforeseen keeps its stack: it is a defect to report. */
export function fail(error: unknown): void {
  // As shells have it for a process that SIGINT ended.
  process.exitCode = error instanceof Interrupted ? 130 : 1;
  console.error(isExpected(error) ? `lstm-wasm: ${error.message}` : error);
}

/** Parser of an option that is a finite number. */
export const number = (name: string) => (text: string) => {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value))
    throw new InvalidArgumentError(`${name}: expected a number, got "${text}"`);
  return value;
};

/** Parser of an option that is a share: a number from 0 up to, not including, 1. */
export const share = (name: string) => (text: string) => {
  const value = number(name)(text);
  if (value < 0 || value >= 1)
    throw new InvalidArgumentError(`${name}: expected a number from 0 to below 1, got "${text}"`);
  return value;
};

/** Parser of an option that is a whole number from `least` to `most`. */
export const wholeNumber =
  (name: string, least: number, most = Number.MAX_SAFE_INTEGER) =>
  (text: string) => {
    const value = number(name)(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    const range = most < Number.MAX_SAFE_INTEGER ? `from ${least} to ${most}` : `of at least ${least}`;
    throw new InvalidArgumentError(`${name}: expected a whole number ${range}, got "${text}"`);
  };
