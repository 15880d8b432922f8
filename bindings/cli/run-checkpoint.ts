// What a training goes on from: the trainer's checkpoint, and in its metadata which training it is and how it went so far.
import { createHash } from "node:crypto";
import { FormatError } from "lstm-wasm";
import { decodeSafetensors } from "lstm-wasm/io";
import { UserError } from "./fail.ts";
import { readInput } from "./files.ts";
import type { TrainOptions } from "./options.ts";

/** Losses after an epoch. */
export interface Epoch {
  readonly epoch: number;
  readonly train: number;
  readonly validation: number;
}

/** Everything that the bits of a training depend on, by the words a message needs: "--hidden", or "data". */
export type Identity = Readonly<Record<string, string | number>>;

/** Options that the bits of every training depend on. */
const FLAGS = ["window", "hidden", "layers", "embedding", "dropout", "seed", "batch", "lr", "clip"] as const;

/** What tells a training from another: its kind, its data, its options, and what else is named. */
export const identify = (
  kind: string,
  data: readonly string[],
  options: TrainOptions,
  others: Identity = {},
): Identity => ({
  ...{ kind, data: digest(...data), ...others },
  ...Object.fromEntries(FLAGS.map((name) => [`--${name}`, options[name]])),
});

/** How a training went so far. */
export interface History {
  readonly epochs: readonly Epoch[];
  /** Loss on the validation part before the first update. */
  readonly initial: number;
  readonly seconds: number;
}

/** Tells data from other data. */
const digest = (...texts: string[]): string => {
  const hash = createHash("sha256");
  for (const text of texts) hash.update(`${text.length}:${text}`);
  return hash.digest("hex").slice(0, 32);
};

/** Metadata of the checkpoint. */
export const describeRun = (identity: Identity, history: History): Record<string, string> => ({
  identity: JSON.stringify(identity),
  history: JSON.stringify(history),
});

/** Reads the checkpoint of a training. Throws unless it is one of this training on this data. */
export async function readCheckpoint(
  file: string,
  identity: Identity,
): Promise<{ readonly bytes: Uint8Array; readonly history: History }> {
  const bytes = await readInput(file);
  const { metadata } = decode(file, bytes);
  const [saved, history] = [parse(metadata.identity), parse(metadata.history) as History | null];
  if (!saved || !history || !isHistory(history))
    throw new UserError(`${file}: expected a checkpoint of \`lstm-wasm train\`, got another safetensors file`);
  for (const name of new Set([...Object.keys(identity), ...Object.keys(saved)])) {
    const [want, got] = [identity[name], saved[name]];
    if (want === got) continue;
    if (name === "kind") throw new UserError(`${file}: expected a checkpoint of a ${want}, got one of a ${got}`);
    if (name === "data")
      throw new UserError(`${file}: expected the data that the checkpoint was made with, got other or changed data`);
    throw new UserError(
      `${file}: expected ${name} ${got ?? "left out"}, with which the checkpoint was made, got ${want ?? "none"}`,
    );
  }
  return { bytes, history };
}

function decode(file: string, bytes: Uint8Array) {
  try {
    return decodeSafetensors(bytes);
  } catch (error) {
    if (error instanceof FormatError)
      throw new UserError(`${file}: expected a checkpoint of \`lstm-wasm train\`, got: ${error.message}`);
    throw error;
  }
}

function parse(text: string | undefined): Record<string, unknown> | null {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}

const isHistory = ({ epochs, initial, seconds }: Partial<History>): boolean =>
  Array.isArray(epochs) &&
  epochs.every((entry) => [entry?.epoch, entry?.train, entry?.validation].every(Number.isFinite)) &&
  [initial, seconds].every(Number.isFinite);
