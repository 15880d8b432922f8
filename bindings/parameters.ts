// Parameters and their gradients in linear memory, under PyTorch's names.
import { checkTensor, show } from "./check.ts";
import type { Core, Region } from "./core.ts";
import { ArgumentRangeError, ArgumentTypeError } from "./errors.ts";
import { type Shape, sizeOf, type Tensor } from "./tensor.ts";

/** Tensors by name, as PyTorch's state_dict. */
export type StateDict = Record<string, Tensor>;

/** One parameter: where its values and its gradient are. */
export interface Parameter {
  readonly name: string;
  readonly shape: Shape;
  readonly size: number;
  /** @internal Address of the values. */
  readonly value: number;
  /** @internal Address of the gradient. */
  readonly grad: number;
  /** @internal Counts changes of the values, so that packed copies know when they are stale; NaN once they are disposed. */
  readonly changes: { count: number };
}

/** Initial parameters: uniform in ±bound (PyTorch's rule for recurrent and linear layers), drawn from seed. */
export interface Init {
  readonly shapes: Readonly<Record<string, Shape>>;
  readonly bound: number;
  readonly seed: number;
}

/** @internal Parameters in a region, in the order of the shapes; gradients zero. */
export function createParameters(core: Core, region: Region, { shapes, bound, seed }: Init): readonly Parameter[] {
  const names = Object.keys(shapes);
  const grads = Object.fromEntries(names.map((name) => [`grad.${name}`, shapes[name] as Shape]));
  const at = region.fit<string>({ ...shapes, ...grads });
  const changes = { count: 0 };
  const parameters = names.map((name) => {
    const shape = shapes[name] as Shape;
    return { name, shape, size: sizeOf(shape), value: at[name] as number, grad: at[`grad.${name}`] as number, changes };
  });
  parameters.forEach(({ value, grad, size }, k) => {
    core.abi.uniform(value, -bound, bound, seed, k, size);
    core.zero(grad, size);
  });
  return parameters;
}

/** @internal Copies of all values, or of all gradients. */
export function readParameters(core: Core, parameters: readonly Parameter[], which: "value" | "grad"): StateDict {
  return Object.fromEntries(parameters.map((p) => [p.name, core.tensor(p[which], p.shape)]));
}

/** @internal Throws unless a dict has exactly the tensors of these names and shapes, all finite. */
export function checkStateDict(
  what: string,
  wanted: readonly { readonly name: string; readonly shape: Shape }[],
  dict: StateDict,
): void {
  if (typeof dict !== "object" || dict === null)
    throw new ArgumentTypeError(`${what}: expected an object of tensors, got ${show(dict)}`);
  const names = wanted.map(({ name }) => name);
  const missing = names.find((name) => !Object.hasOwn(dict, name));
  const given = Object.keys(dict);
  const list = (all: readonly string[]) =>
    show(all.slice(0, 8)) + (all.length > 8 ? ` and ${all.length - 8} more` : "");
  if (missing !== undefined)
    throw new ArgumentRangeError(`${what}: expected ${show(missing)}, got only ${list(given)}`);
  const extra = given.find((name) => !names.includes(name));
  if (extra !== undefined) throw new ArgumentRangeError(`${what}: expected only ${list(names)}, got ${show(extra)}`);
  for (const { name, shape } of wanted) checkTensor(name, dict[name], shape);
}

/** @internal Takes over all values; checks everything before it changes anything. */
export function writeParameters(core: Core, parameters: readonly Parameter[], dict: StateDict): void {
  checkStateDict("state dict", parameters, dict);
  for (const { name, value, changes } of parameters) {
    core.write(value, (dict[name] as Tensor).data);
    changes.count++;
  }
}
