import { checkFlag, checkNumber, checkOptions, show } from "../check.ts";
import { type Core, Region } from "../core.ts";
import { ArgumentRangeError, ArgumentTypeError } from "../errors.ts";
import type { Parameter } from "../parameters.ts";
import type { Shape } from "../tensor.ts";

/** An optimiser for some parameters, with its own state in linear memory. */
export interface Optimizer {
  /** Learning rate; may be changed between steps. */
  lr: number;
  /** One update from the gradients as they are. */
  step(): void;
  dispose(): void;
}

/** Makes an optimiser for the parameters of a model. */
export type OptimizerFactory = (core: Core, parameters: readonly Parameter[]) => Optimizer;

/** What an optimiser does to one parameter in step number `step` (from 1); addresses of its state by name. */
type Update = (parameter: Parameter, state: Readonly<Record<string, number>>, lr: number, step: number) => void;

/** A factory from the names of the state that each parameter has, all zero at first, and the update. */
function create(lr: number, names: readonly string[], createUpdate: (core: Core) => Update): OptimizerFactory {
  return (core, parameters) => {
    const owner = { lr, step, dispose };
    const region = new Region(core, owner);
    const shapes = parameters.flatMap(({ name, shape }) =>
      names.map((state): [string, Shape] => [`${state}.${name}`, shape]),
    );
    const at = region.fit<string>(Object.fromEntries(shapes));
    const states = parameters.map(({ name, size }) => {
      const state = Object.fromEntries(names.map((key) => [key, at[`${key}.${name}`] as number]));
      for (const address of Object.values(state)) core.zero(address, size);
      return state;
    });
    const update = createUpdate(core);
    let steps = 0;
    function step(): void {
      region.checkUsable("optimizer");
      steps++;
      parameters.forEach((parameter, k) => {
        update(parameter, states[k] as Record<string, number>, owner.lr, steps);
        parameter.changes.count++;
      });
    }
    function dispose(): void {
      region.dispose();
    }
    return owner;
  };
}

const checkPositive = (name: string, value: unknown) => checkNumber(name, value, "a number above 0", (x) => x > 0);
const checkDecay = (name: string, value: unknown) => checkNumber(name, value, "a number of at least 0", (x) => x >= 0);
const checkShare = (name: string, value: unknown) =>
  checkNumber(name, value, "a number in [0, 1)", (x) => x >= 0 && x < 1);

/** Options of `sgd`, named and meant as those of torch.optim.SGD. */
export interface SGDOptions {
  /** Learning rate, above 0. Default 1e-3. */
  readonly lr?: number;
  /** Share of the last step that goes on, in [0, 1). Default 0. */
  readonly momentum?: number;
  /** Share of the gradient kept out of the momentum. Default 0. */
  readonly dampening?: number;
  /** Added to the gradient, times the parameter. Default 0. */
  readonly weightDecay?: number;
  /** Nesterov's momentum. Default false. */
  readonly nesterov?: boolean;
}

/** Stochastic gradient descent with PyTorch's update rule. */
export function sgd(options: SGDOptions = {}): OptimizerFactory {
  checkOptions("sgd options", options, ["lr", "momentum", "dampening", "weightDecay", "nesterov"]);
  const { lr = 1e-3, momentum = 0, dampening = 0, weightDecay = 0, nesterov = false } = options;
  checkPositive("lr", lr);
  checkShare("momentum", momentum);
  checkNumber("dampening", dampening, "a number in [0, 1]", (x) => x >= 0 && x <= 1);
  checkDecay("weightDecay", weightDecay);
  if (checkFlag("nesterov", nesterov) && (momentum === 0 || dampening !== 0))
    throw new ArgumentRangeError(`nesterov: expected a momentum and no dampening, got ${momentum} and ${dampening}`);
  return create(lr, momentum ? ["b"] : [], ({ abi }) => ({ value, grad, size }, { b = 0 }, rate, step) => {
    abi.sgdStep(value, b, grad, rate, momentum, dampening, weightDecay, nesterov, step === 1, size);
  });
}

/** Options of `adam` and `adamW`, named and meant as those of torch.optim.Adam and AdamW. */
export interface AdamOptions {
  /** Learning rate, above 0. Default 1e-3. */
  readonly lr?: number;
  /** Decay rates of the two moments, each in [0, 1). Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Term added to the denominator, above 0. Default 1e-8. */
  readonly eps?: number;
  /** Adam: added to the gradient, times the parameter, default 0. AdamW: taken off the parameter, times lr, default 0.01. */
  readonly weightDecay?: number;
}

function createAdam(name: string, options: AdamOptions, decoupled: boolean): OptimizerFactory {
  checkOptions(`${name} options`, options, ["lr", "betas", "eps", "weightDecay"]);
  const { lr = 1e-3, betas = [0.9, 0.999], eps = 1e-8, weightDecay = decoupled ? 0.01 : 0 } = options;
  checkPositive("lr", lr);
  checkPositive("eps", eps);
  checkDecay("weightDecay", weightDecay);
  if (!Array.isArray(betas) || betas.length !== 2)
    throw new ArgumentTypeError(`betas: expected two numbers, got ${show(betas)}`);
  betas.forEach((beta, k) => {
    checkShare(`betas[${k}]`, beta);
  });
  const [beta1, beta2] = betas as readonly [number, number];
  return create(lr, ["m", "v"], ({ abi }) => {
    // Powers by repeated products: Math.pow may differ between engines in its last bit.
    let [power1, power2, last] = [1, 1, 0];
    return ({ value, grad, size }, { m = 0, v = 0 }, rate, step) => {
      if (step !== last) [power1, power2, last] = [power1 * beta1, power2 * beta2, step];
      abi.adamStep(value, m, v, grad, rate, beta1, beta2, eps, weightDecay, decoupled, power1, power2, size);
    };
  });
}

/** Adam (Kingma & Ba 2015) with PyTorch's update rule. */
export const adam = (options: AdamOptions = {}): OptimizerFactory => createAdam("adam", options, false);

/** AdamW (Loshchilov & Hutter 2019) with PyTorch's update rule. */
export const adamW = (options: AdamOptions = {}): OptimizerFactory => createAdam("adamW", options, true);

/** Options of `rmsprop`, named and meant as those of torch.optim.RMSprop. */
export interface RMSpropOptions {
  /** Learning rate, above 0. Default 0.01. */
  readonly lr?: number;
  /** Decay rate of the mean of squares, in [0, 1). Default 0.99. */
  readonly alpha?: number;
  /** Term added to the denominator, above 0. Default 1e-8. */
  readonly eps?: number;
  /** Share of the last step that goes on, in [0, 1). Default 0. */
  readonly momentum?: number;
  /** Divide by the deviation from a running mean instead of the root mean square. Default false. */
  readonly centered?: boolean;
  /** Added to the gradient, times the parameter. Default 0. */
  readonly weightDecay?: number;
}

/** RMSprop (Tieleman & Hinton 2012) with PyTorch's update rule. */
export function rmsprop(options: RMSpropOptions = {}): OptimizerFactory {
  checkOptions("rmsprop options", options, ["lr", "alpha", "eps", "momentum", "centered", "weightDecay"]);
  const { lr = 0.01, alpha = 0.99, eps = 1e-8, momentum = 0, centered = false, weightDecay = 0 } = options;
  checkPositive("lr", lr);
  checkShare("alpha", alpha);
  checkPositive("eps", eps);
  checkShare("momentum", momentum);
  checkDecay("weightDecay", weightDecay);
  const names = ["v", ...(checkFlag("centered", centered) ? ["a"] : []), ...(momentum ? ["b"] : [])];
  return create(lr, names, ({ abi }) => ({ value, grad, size }, { v = 0, a = 0, b = 0 }, rate) => {
    abi.rmspropStep(value, v, a, b, grad, rate, alpha, eps, momentum, weightDecay, size);
  });
}
