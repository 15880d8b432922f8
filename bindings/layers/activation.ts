// Activations that a cell can be given.
import { checkNonNegative, checkNumber, checkPositive, show } from "../check.ts";
import { ArgumentRangeError, ArgumentTypeError } from "../errors.ts";
import type { SequenceFields } from "../sequence.ts";

/** Numbers in assembly/math/activation.ts, with ONNX' defaults for α and β (onnxruntime's where the standard has none). */
const ACTIVATIONS = {
  sigmoid: { kind: 0, alpha: 0, beta: 0 },
  tanh: { kind: 1, alpha: 0, beta: 0 },
  /** max(0, x) */
  relu: { kind: 2, alpha: 0, beta: 0 },
  /** αx + β */
  affine: { kind: 3, alpha: 1, beta: 0 },
  /** x ≥ 0 ? x : αx */
  leakyRelu: { kind: 4, alpha: 0.01, beta: 0 },
  /** x > α ? x : 0 */
  thresholdedRelu: { kind: 5, alpha: 1, beta: 0 },
  /** α·tanh(βx) */
  scaledTanh: { kind: 6, alpha: 1, beta: 1 },
  /** min(1, max(0, αx + β)); Keras 3 and PyTorch have α 1/6, Keras before 3 and TF.js 0.2 */
  hardSigmoid: { kind: 7, alpha: 0.2, beta: 0.5 },
  /** x ≥ 0 ? x : α(e^x − 1) */
  elu: { kind: 8, alpha: 1, beta: 0 },
  /** x / (1 + |x|) */
  softsign: { kind: 9, alpha: 0, beta: 0 },
  /** log(1 + e^x) */
  softplus: { kind: 10, alpha: 0, beta: 0 },
} as const;

/** @internal The kernels' number for an activation that is worked out apart from the cell. */
export const APART = 11;

export type ActivationName = keyof typeof ACTIVATIONS;

/** An activation by name, or with parameters of its own. */
export type Activation =
  | ActivationName
  | { readonly name: ActivationName; readonly alpha?: number; readonly beta?: number };

/** Slopes are worked out from the value, so α must leave the value's sign to tell the branch. */
const ALPHA_CHECKS: Partial<Record<ActivationName, (name: string, alpha: unknown) => number>> = {
  leakyRelu: checkNonNegative,
  elu: checkNonNegative,
  hardSigmoid: checkPositive,
  scaledTanh: (name, alpha) => checkNumber(name, alpha, "a number other than 0", (x) => x !== 0),
};

/** @internal An activation as the kernels take it. */
export interface ActivationFields {
  readonly kind: number;
  readonly alpha: number;
  readonly beta: number;
}

/** @internal Checks an activation. */
export function checkActivation(name: string, value: unknown): ActivationFields {
  const given = typeof value === "string" ? { name: value } : value;
  if (typeof given !== "object" || given === null)
    throw new ArgumentTypeError(
      `${name}: expected the name of an activation or { name, alpha, beta }, got ${show(value)}`,
    );
  const { name: which, alpha, beta, ...rest } = given as { name?: unknown; alpha?: unknown; beta?: unknown };
  if (typeof which !== "string" || !Object.hasOwn(ACTIVATIONS, which))
    throw new ArgumentRangeError(`${name}: expected one of ${Object.keys(ACTIVATIONS).join(", ")}, got ${show(which)}`);
  const [extra] = Object.keys(rest);
  if (extra !== undefined)
    throw new ArgumentTypeError(`${name}: expected only name, alpha and beta, got ${show(extra)}`);
  const known = ACTIVATIONS[which as ActivationName];
  const checkAlpha = ALPHA_CHECKS[which as ActivationName] ?? checkNumber;
  // With α 0 the value of leakyRelu and elu no longer tells the branch; then they are relu.
  const flat = alpha === 0 && (which === "leakyRelu" || which === "elu");
  return {
    kind: flat ? ACTIVATIONS.relu.kind : known.kind,
    alpha: checkAlpha(`${name}.alpha`, alpha ?? known.alpha),
    beta: checkNumber(`${name}.beta`, beta ?? known.beta),
  };
}

/** One for all directions, or one for each. */
export type OneOrTwo<T> = T | readonly [T, T];

/** @internal Checks activations by the letters that a cell has; answers them for each of two directions. */
export function checkActivations<Letter extends string>(
  value: unknown,
  defaults: Readonly<Record<Letter, ActivationName>>,
): readonly Record<Letter, ActivationFields>[] {
  const letters = Object.keys(defaults) as Letter[];
  if (Array.isArray(value) && value.length !== 2)
    throw new ArgumentRangeError(`activations: expected an object, or two, one a direction, got ${value.length}`);
  const each: unknown[] = Array.isArray(value) ? value : [value, value].map((one) => (one === undefined ? {} : one));
  return each.map((one, d) => {
    const name = Array.isArray(value) ? `activations[${d}]` : "activations";
    if (typeof one !== "object" || one === null)
      throw new ArgumentTypeError(`${name}: expected an object with ${letters.join(", ")}, got ${show(one)}`);
    const extra = Object.keys(one).find((key) => !letters.includes(key as Letter));
    if (extra !== undefined)
      throw new ArgumentTypeError(`${name}: expected only ${letters.join(", ")}, got ${show(extra)}`);
    const fields = letters.map((letter) => [
      letter,
      checkActivation(`${name}.${letter}`, (one as Partial<Record<Letter, unknown>>)[letter] ?? defaults[letter]),
    ]);
    return Object.fromEntries(fields) as Record<Letter, ActivationFields>;
  });
}

/** @internal Activations by letter as fields of the kernel's Sequence. */
export const activationFields = (acts: Partial<Record<"f" | "g" | "h", ActivationFields>>): SequenceFields =>
  Object.fromEntries(
    Object.entries(acts).flatMap(([letter, { kind, alpha, beta }]) => {
      const name = letter.toUpperCase();
      return [
        [`act${name}`, kind],
        [`alpha${name}`, alpha],
        [`beta${name}`, beta],
      ];
    }),
  );
