// Learning rates over time, named and meant as PyTorch's schedulers. A schedule holds nothing: what it has to remember is a
// few numbers that the trainer keeps, and saves.
import { checkInteger, checkNonNegative, checkNumber, checkOptions, show } from "../check.ts";
import { ArgumentTypeError } from "../errors.ts";

/** A rule for the learning rate. */
export interface Schedule {
  /** What kind it is, such as "stepLR": a checkpoint of another one does not fit. */
  readonly name: string;
  /** What it remembers at the start. */
  readonly initial: readonly number[];
  /** The rate of update number `step` (from 0) where the optimiser has `lr`. */
  rate(lr: number, step: number, memory: readonly number[]): number;
  /** What it remembers after an epoch with this loss, of validation if there is one, else of training. */
  observe(loss: number, memory: readonly number[]): readonly number[];
}

const timed = (name: string, rate: (lr: number, step: number) => number): Schedule => ({
  name,
  initial: [],
  rate,
  observe: (_, memory) => memory,
});

const checkFactor = (name: string, value: unknown) =>
  checkNumber(name, value, "a number in (0, 1]", (x) => x > 0 && x <= 1);

/** lr·gammaᵏ after every k·stepSize updates (StepLR). Default gamma 0.1. */
export function stepLR(options: { readonly stepSize: number; readonly gamma?: number }): Schedule {
  const { stepSize, gamma = 0.1 } = checkOptions("stepLR options", options, ["stepSize", "gamma"]);
  checkInteger("stepSize", stepSize);
  checkFactor("gamma", gamma);
  return timed("stepLR", (lr, step) => {
    for (let k = Math.floor(step / stepSize); k > 0; k--) lr *= gamma;
    return lr;
  });
}

/** From lr to etaMin along half a cosine in tMax updates, then etaMin (CosineAnnealingLR). Default etaMin 0. */
export function cosineAnnealingLR(options: { readonly tMax: number; readonly etaMin?: number }): Schedule {
  const { tMax, etaMin = 0 } = checkOptions("cosineAnnealingLR options", options, ["tMax", "etaMin"]);
  checkInteger("tMax", tMax);
  checkNonNegative("etaMin", etaMin);
  return timed(
    "cosineAnnealingLR",
    (lr, step) => etaMin + ((lr - etaMin) * (1 + cosine((Math.PI * Math.min(step, tMax)) / tMax))) / 2,
  );
}

/** cos x for x from 0 to π by its series: Math.cos may differ between engines in its last bit. */
function cosine(x: number): number {
  let [term, sum] = [1, 1];
  for (let k = 1; k <= 30; k += 2) {
    term *= (-x * x) / (k * (k + 1));
    sum += term;
  }
  return sum;
}

/**
 * From startFactor·lr to lr in totalIters updates (LinearLR), then another schedule that counts from there. Default
 * startFactor 1/3.
 */
export function warmup(
  options: { readonly totalIters: number; readonly startFactor?: number },
  then?: Schedule,
): Schedule {
  const { totalIters, startFactor = 1 / 3 } = checkOptions("warmup options", options, ["totalIters", "startFactor"]);
  checkInteger("totalIters", totalIters);
  checkFactor("startFactor", startFactor);
  if (then !== undefined && typeof then?.rate !== "function")
    throw new ArgumentTypeError(`then: expected a schedule, got ${show(then)}`);
  const after = then ?? timed("constant", (lr) => lr);
  return {
    ...after,
    name: `warmup, then ${after.name}`,
    rate: (lr, step, memory) =>
      step < totalIters
        ? lr * (startFactor + ((1 - startFactor) * step) / totalIters)
        : after.rate(lr, step - totalIters, memory),
  };
}

/** Options of `reduceLROnPlateau`, named and meant as those of ReduceLROnPlateau. */
export interface ReduceLROnPlateauOptions {
  /** What the rate is multiplied with. Default 0.1. */
  readonly factor?: number;
  /** Epochs without improvement that are let pass. Default 10. */
  readonly patience?: number;
  /** Least relative improvement. Default 1e-4. */
  readonly threshold?: number;
  /** Epochs after a reduction that do not count. Default 0. */
  readonly cooldown?: number;
  /** Lowest rate. Default 0. */
  readonly minLr?: number;
}

/** Multiplies the rate when the loss of an epoch has stopped to fall. */
export function reduceLROnPlateau(options: ReduceLROnPlateauOptions = {}): Schedule {
  const known = ["factor", "patience", "threshold", "cooldown", "minLr"];
  checkOptions("reduceLROnPlateau options", options, known);
  const { factor = 0.1, patience = 10, threshold = 1e-4, cooldown = 0, minLr = 0 } = options;
  checkNumber("factor", factor, "a number in (0, 1)", (x) => x > 0 && x < 1);
  checkInteger("patience", patience, 0);
  checkNonNegative("threshold", threshold);
  checkInteger("cooldown", cooldown, 0);
  checkNonNegative("minLr", minLr);
  return {
    name: "reduceLROnPlateau",
    // Factor so far, best loss, epochs without a better one, epochs left to cool down.
    initial: [1, Number.MAX_VALUE, 0, 0],
    rate: (lr, _, [total = 1]) => Math.max(lr * total, Math.min(minLr, lr)),
    observe(loss, [total = 1, best = Number.MAX_VALUE, bad = 0, cooling = 0]) {
      const better = loss < best * (1 - threshold);
      const waiting = cooling > 0 ? 0 : better ? 0 : bad + 1;
      const next = [total, better ? loss : best, waiting, Math.max(0, cooling - 1)];
      return waiting > patience ? [total * factor, next[1] as number, 0, cooldown] : next;
    },
  };
}
