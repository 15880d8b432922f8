import type { Core } from "./core.ts";
import { SEQUENCE_FIELDS, type SequenceField } from "./generated/sequence.ts";

/** Values for some fields of the kernels' Sequence (assembly/sequence.ts); other names are passed over. */
export type SequenceFields = Partial<Record<SequenceField, number>>;

/** Words of a Sequence. */
export const SEQUENCE_WORDS: number = SEQUENCE_FIELDS.length;

/** Which word a field is; of a float all bits of that are turned over. */
const INDEX: ReadonlyMap<string, number> = new Map(
  SEQUENCE_FIELDS.map((name, k) => (name.startsWith(".") ? [name.slice(1), ~k] : [name, k])),
);

/** Fills in fields of the Sequence at an address; in parts, since an object of many spread into one is slow. */
export function setSequence(core: Core, at: number, ...parts: readonly SequenceFields[]): void {
  const words = core.words(at, SEQUENCE_WORDS);
  for (const fields of parts)
    for (const name in fields) {
      const index = INDEX.get(name);
      if (index === undefined) continue;
      const value = fields[name as SequenceField] as number;
      if (index < 0) core.view(at + 4 * ~index, 1)[0] = value;
      else words[index] = value;
    }
}
