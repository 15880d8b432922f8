// How far a training is: a live bar in a terminal, a line now and then elsewhere.
import { SingleBar } from "cli-progress";
import pc from "picocolors";
import { figure } from "./figure.ts";
import type { Epoch } from "./run-checkpoint.ts";

/** A loss as people read it. */
export interface Measure {
  /** "RMSE", "bits per character" */
  readonly name: string;
  readonly of: (loss: number) => number;
}

export interface Progress {
  /** An update, counted from 0 over all epochs. */
  step(total: number): void;
  epoch(epoch: Epoch): void;
  stop(): void;
}

export function createProgress(epochs: number, updates: number, measure: Measure, past: readonly Epoch[]): Progress {
  let best = Math.min(Number.POSITIVE_INFINITY, ...past.map(({ validation }) => validation));
  const texts = ({ train, validation }: Epoch) => {
    best = Math.min(best, validation);
    const text = (loss: number) => figure(measure.of(loss));
    return { train: text(train), validation: text(validation), best: text(best) };
  };
  if (!process.stderr.isTTY) {
    const every = Math.max(1, Math.round(epochs / 10));
    return {
      step: () => {},
      epoch: (epoch) => {
        const { train, validation, best: lowest } = texts(epoch);
        if (epoch.epoch % every === 0)
          console.error(
            `epoch ${epoch.epoch + 1} of ${epochs}: ${measure.name} train ${train}, validation ${validation}, best ${lowest}`,
          );
      },
      stop: () => {},
    };
  }
  const bar = new SingleBar({
    format: `${pc.cyan("{bar}")} {epoch}/${epochs}  ${measure.name} train {train}, val. {validation} (best {best}), {eta_formatted} left`,
    barsize: 8,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    hideCursor: true,
    etaBuffer: 100,
  });
  const last = past.at(-1);
  const none = { train: "–", validation: "–", best: "–" };
  bar.start(epochs * updates, past.length * updates, { epoch: past.length, ...(last ? texts(last) : none) });
  return {
    step: (total) => bar.update(total + 1),
    epoch: (epoch) => bar.update((epoch.epoch + 1) * updates, { epoch: epoch.epoch + 1, ...texts(epoch) }),
    stop: () => bar.stop(),
  };
}
