import type { Core } from "../core.ts";

/** A loss over a whole batch. */
export interface Loss {
  readonly name: string;
  /** @internal The loss of n values; writes dL/d(prediction) unless that address is 0. */
  run(core: Core, dPrediction: number, prediction: number, target: number, n: number): number;
}

/** Mean squared error over every element, as torch.nn.MSELoss. */
export const mseLoss = (): Loss => ({
  name: "mse",
  run: (core, dPrediction, prediction, target, n) => core.abi.mseLoss(dPrediction, prediction, target, n),
});
