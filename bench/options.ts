// Parsers of options on the command line.
import { InvalidArgumentError } from "commander";

/** Names, with commas between them, out of some that are known. */
export const listOf =
  (known: readonly string[]) =>
  (text: string): string[] => {
    const names = text.split(",");
    const unknown = names.find((name) => !known.includes(name));
    if (unknown !== undefined) throw new InvalidArgumentError(`expected some of ${known.join(", ")}, got ${unknown}`);
    return names;
  };
