// The one loop that trains every kind of model: early stopping, checkpoints, Ctrl-C, and what to say when it goes wrong.
import { access, constants, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { FormatError, type Sequential, TrainingError } from "lstm-wasm";
import { fileReason, writeFileAtomic } from "lstm-wasm/node";
import { adam, type Batch, type Batches, type Loss, Trainer } from "lstm-wasm/train";
import { commandLine } from "./command.ts";
import { Interrupted, UserError } from "./fail.ts";
import { figure } from "./figure.ts";
import { checkpointOf, type TrainOptions } from "./options.ts";
import { createProgress, type Measure } from "./progress.ts";
import { describeRun, type Epoch, type History, type Identity, readCheckpoint } from "./run-checkpoint.ts";

/** What is trained, and on what. */
export interface Task {
  readonly model: Sequential;
  readonly loss: Loss;
  /** Window of truncated back-propagation, for batches that are long texts. */
  readonly tbptt?: { readonly k1: number; readonly k2: number };
  readonly batches: Batches;
  /** Updates of an epoch. */
  readonly updates: number;
  readonly validation: readonly Batch[];
  /** Batches whose loss is wanted in the end. */
  readonly test?: readonly Batch[];
  readonly measure: Measure;
  readonly identity: Identity;
  /** The model as a file. */
  readonly save: () => Uint8Array;
}

/** How a training went. */
export interface Training extends History {
  /** The epoch whose weights the model now has. */
  readonly best: Epoch;
  /** Loss of the test batches. */
  readonly test: number | null;
}

/** Time in ms after which a checkpoint is saved within an epoch. */
const SAVE_MS = 30_000;

/** Trains until the validation loss stays up, leaves the model with the best weights, and writes it. */
export async function runTraining(task: Task, options: TrainOptions): Promise<Training> {
  const { model, loss, tbptt, batches, updates, validation, measure } = task;
  const { lr, clip, epochs, patience } = options;
  for (const file of [options.out, options.report]) await checkWritable(file);
  const checkpoint = checkpointOf(options);
  if (options.checkpoint !== undefined) await checkCheckpoint(options.checkpoint, options.resume);

  using trainer = new Trainer(model, { loss, optimizer: adam({ lr }), clipNorm: clip, ...(tbptt && { tbptt }) });
  const before = options.resume ? await resume(trainer, checkpoint, task.identity) : null;
  const history = { epochs: [...(before?.epochs ?? [])], initial: before?.initial ?? trainer.evaluate(validation) };
  const started = performance.now();
  const seconds = () => (before?.seconds ?? 0) + (performance.now() - started) / 1000;
  const save = () =>
    writeFileAtomic(checkpoint, trainer.save(describeRun(task.identity, { ...history, seconds: seconds() })));

  const interrupt = catchInterrupt();
  const progress = options.json ? null : createProgress(epochs, updates, measure, history.epochs);
  // A checkpoint that is there when a run goes on is the last good one.
  let saved = options.resume;
  let savedAt = performance.now();
  try {
    for await (const { epoch, step, end } of trainer.fit(batches, { epochs, validation, patience })) {
      if (end) {
        history.epochs.push({ epoch, train: end.loss, validation: end.validation as number });
        progress?.epoch(history.epochs.at(-1) as Epoch);
      } else progress?.step(epoch * updates + step);
      const due = end !== null || performance.now() - savedAt > SAVE_MS;
      if (interrupt.signal || (due && options.checkpoint !== undefined)) {
        await save();
        saved = true;
        savedAt = performance.now();
      }
      if (interrupt.signal) {
        const again = [...process.argv.slice(2).filter((arg) => arg !== "--resume"), "--resume"];
        const where = `after update ${step + 1} of epoch ${epoch + 1}`;
        throw new Interrupted(
          `stopped ${where}; everything to go on from is in ${checkpoint}. Go on by:\n  ${commandLine(again)}`,
        );
      }
    }
  } catch (error) {
    throw error instanceof TrainingError ? explain(error, lr, saved ? checkpoint : null) : error;
  } finally {
    progress?.stop();
    interrupt.release();
  }
  // Before anything is measured, which may take long.
  await writeFileAtomic(options.out, task.save());
  if (!options.json) console.error(`the model is in ${options.out}; measuring it and its baselines …`);
  const best = history.epochs.reduce((a, b) => (b.validation < a.validation ? b : a));
  return { ...history, seconds: seconds(), best, test: task.test ? trainer.evaluate(task.test) : null };
}

/** What a training says that made its model worse than it began; null for the others. */
export function warning({ initial, best }: Training, { name, of }: Measure, { lr }: TrainOptions): string | null {
  if (best.validation < initial) return null;
  return `Training made it no better: ${name} ${figure(of(best.validation))} on the validation part, ${figure(of(initial))} before the first update. A lower learning rate may help (--lr is ${lr}).`;
}

async function resume(trainer: Trainer, file: string, identity: Identity): Promise<History> {
  const { bytes, history } = await readCheckpoint(file, identity);
  try {
    trainer.load(bytes);
  } catch (error) {
    throw error instanceof FormatError ? new UserError(`${file}: ${error.message}`) : error;
  }
  return history;
}

/** The error of a training that diverged, in terms of the command line. */
function explain(error: TrainingError, lr: number, checkpoint: string | null): Error {
  if (error.code === "ERR_DATA") return error;
  const stays = checkpoint === null ? "nothing was written" : `the last good checkpoint stays in ${checkpoint}`;
  return new UserError(`${error.message} (--lr is ${lr}) or a lower bound on the gradient (--clip); ${stays}`);
}

/** Throws where a file cannot be written, before hours go into what should be in it. */
async function checkWritable(file: string): Promise<void> {
  try {
    const found = await stat(file).catch(() => null);
    if (found?.isDirectory()) throw Object.assign(new Error(), { code: "EISDIR" });
    await access(found ? file : dirname(file), constants.W_OK);
    if (found?.isFile()) await access(dirname(file), constants.W_OK);
  } catch (error) {
    throw new UserError(`${file}: expected a file that can be written, got ${fileReason(error)}`);
  }
}

/** A checkpoint that is there may hold hours of another training: it is not overwritten unless this one goes on from it. */
async function checkCheckpoint(file: string, resumes: boolean): Promise<void> {
  await checkWritable(file);
  if (!resumes && (await stat(file).catch(() => null))?.isFile())
    throw new UserError(
      `--checkpoint: expected --resume beside it, to go on from ${file}, or the name of a new file, got one that is there`,
    );
}

/** Time in ms within which a second signal is the first one's echo: npm passes on what the terminal has sent already. */
const ECHO_MS = 500;

/** From here on Ctrl-C (or SIGTERM) is only noted; another one ends the process. */
function catchInterrupt(): { readonly signal: boolean; release(): void } {
  let at: number | null = null;
  const names = ["SIGINT", "SIGTERM"] as const;
  const note = () => {
    if (at !== null && performance.now() - at > ECHO_MS) process.exit(130);
    at ??= performance.now();
  };
  for (const name of names) process.on(name, note);
  return {
    get signal() {
      return at !== null;
    },
    release() {
      for (const name of names) process.removeListener(name, note);
    },
  };
}
