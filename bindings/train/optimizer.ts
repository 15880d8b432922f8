import { checkFlag, checkNonNegative, checkNumber, checkOptions, checkPositive, checkShare, show } from "../check.ts";
import { type Core, Region } from "../core.ts";
import { ArgumentRangeError, ArgumentTypeError, StateError } from "../errors.ts";
import type { Abi } from "../generated/abi.ts";
import { checkStateDict, type Parameter, type StateDict } from "../parameters.ts";
import { type Shape, sizeOf, type Tensor } from "../tensor.ts";

/** Parameters that share a learning rate, which may be changed between steps. */
export interface OptimizerGroup {
  lr: number;
  readonly names: readonly string[];
}

/** An optimiser for some parameters, with its own state in linear memory. */
export interface Optimizer {
  /** What kind it is, such as "adam": a checkpoint of another one does not fit. */
  readonly name: string;
  /** The parameters in no group, then each group. */
  readonly groups: readonly [OptimizerGroup, ...OptimizerGroup[]];
  /** Updates made. */
  readonly steps: number;
  /** One update from the gradients as they are, at the groups' rates or at what `rate` makes of them. */
  step(rate?: (lr: number) => number): void;
  /** A copy of the state: moments by kind and parameter, such as "m.0.weight_ih_l0". */
  stateDict(): StateDict;
  /** Takes over a state and the number of updates it comes from. Throws, and changes nothing, if it does not fit. */
  loadStateDict(dict: StateDict, steps: number): void;
  dispose(): void;
}

/** Makes an optimiser for the parameters of a model. */
export type OptimizerFactory = (core: Core, parameters: readonly Parameter[]) => Optimizer;

/** Options for some of the parameters; what is left out is as for the others. */
export type ParameterGroup<Options> = Omit<Options, "groups"> & {
  /** Which parameters: by what their name matches, or what answers true for it. The first group that matches has it. */
  readonly match: RegExp | ((name: string) => boolean);
};

/** What an optimiser does to one parameter in step number `step` (from 1); addresses of its state by name. */
type Update = (parameter: Parameter, state: Readonly<Record<string, number>>, lr: number, step: number) => void;

/** What tells the optimisers apart. */
interface Rule<Options> {
  readonly name: string;
  readonly defaults: Options;
  /** Throws on wrong options; `prefix` stands before their names. */
  check(options: Options, prefix: string): void;
  /** Names of the state of each parameter, all zero at first. */
  states(options: Options): readonly string[];
  update(abi: Abi, options: Options): Update;
}

const given = (options: object): object =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

/** A factory from what is the optimiser's own, and what the caller wants. */
function create<Options extends { readonly lr: number }>(
  rule: Rule<Options>,
  options: Partial<Options> & { readonly groups?: readonly ParameterGroup<Partial<Options>>[] },
): OptimizerFactory {
  const known = Object.keys(rule.defaults);
  const { groups = [], ...rest } = checkOptions(`${rule.name} options`, options, [...known, "groups"]);
  if (!Array.isArray(groups))
    throw new ArgumentTypeError(`groups: expected an array of groups of parameters, got ${show(groups)}`);
  const settings = [
    { ...rule.defaults, ...given(rest) },
    ...groups.map((group, k) => {
      const { match, ...own } = checkOptions(`groups[${k}]`, group, [...known, "match"]);
      if (!(match instanceof RegExp) && typeof match !== "function")
        throw new ArgumentTypeError(`groups[${k}].match: expected a RegExp or a function, got ${show(match)}`);
      return { ...rule.defaults, ...given(rest), ...given(own) };
    }),
  ] as Options[];
  settings.forEach((own, k) => {
    rule.check(own, k === 0 ? "" : `groups[${k - 1}].`);
  });
  const matches = groups.map(
    ({ match }) =>
      (name: string) =>
        match instanceof RegExp ? name.search(match) >= 0 : match(name),
  );

  return (core, parameters) => {
    const groupOf = parameters.map(({ name }) => 1 + matches.findIndex((match) => match(name)));
    settings.forEach((_, k) => {
      if (k > 0 && !groupOf.includes(k))
        throw new ArgumentRangeError(
          `groups[${k - 1}].match: expected to match a parameter that no earlier group has, got none of ${show(parameters.map(({ name }) => name))}`,
        );
    });
    const rates = settings.map(({ lr }, k) => ({
      lr,
      names: parameters.filter((_, p) => groupOf[p] === k).map(({ name }) => name),
    })) as unknown as Optimizer["groups"];
    let steps = 0;
    const optimizer: Optimizer = {
      name: rule.name,
      groups: rates,
      get steps() {
        return steps;
      },
      step(rate = (lr: number) => lr) {
        region.checkUsable("optimizer");
        const gone = parameters.find(({ changes }) => Number.isNaN(changes.count));
        if (gone) throw new StateError("ERR_DISPOSED", `${gone.name}: expected a parameter in use, got a disposed one`);
        steps++;
        parameters.forEach((parameter, k) => {
          const group = groupOf[k] as number;
          const lr = rate((rates[group] as OptimizerGroup).lr);
          (updates[group] as Update)(parameter, states[k] as Record<string, number>, lr, steps);
          parameter.changes.count++;
        });
      },
      stateDict() {
        region.checkUsable("optimizer");
        return Object.fromEntries(entries.map(({ name, shape, at: from }) => [name, core.tensor(from, shape)]));
      },
      loadStateDict(dict: StateDict, count: number) {
        region.checkUsable("optimizer");
        checkStateDict("optimizer state", entries, dict);
        for (const { name, at: to } of entries) core.write(to, (dict[name] as Tensor).data);
        steps = count;
      },
      dispose() {
        region.dispose();
      },
    };
    const region = new Region(core, optimizer);
    const shapes: Record<string, Shape> = {};
    parameters.forEach(({ name, shape }, k) => {
      for (const state of rule.states(settings[groupOf[k] as number] as Options)) shapes[`${state}.${name}`] = shape;
    });
    const at = region.fit<string>(shapes);
    const entries = Object.entries(shapes).map(([name, shape]) => ({
      name,
      shape,
      at: at[name] as number,
      size: sizeOf(shape),
    }));
    for (const entry of entries) core.zero(entry.at, entry.size);
    const states = parameters.map(({ name }, k) =>
      Object.fromEntries(
        rule
          .states(settings[groupOf[k] as number] as Options)
          .map((state) => [state, at[`${state}.${name}`] as number]),
      ),
    );
    const updates = settings.map((own) => rule.update(core.abi, own));
    return optimizer;
  };
}

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
  /** Parameters with options of their own. */
  readonly groups?: readonly ParameterGroup<SGDOptions>[];
}

/** Stochastic gradient descent with PyTorch's update rule. */
export const sgd = (options: SGDOptions = {}): OptimizerFactory =>
  create<Required<Omit<SGDOptions, "groups">>>(
    {
      name: "sgd",
      defaults: { lr: 1e-3, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false },
      check({ lr, momentum, dampening, weightDecay, nesterov }, prefix) {
        checkPositive(`${prefix}lr`, lr);
        checkShare(`${prefix}momentum`, momentum);
        checkNumber(`${prefix}dampening`, dampening, "a number in [0, 1]", (x) => x >= 0 && x <= 1);
        checkNonNegative(`${prefix}weightDecay`, weightDecay);
        if (checkFlag(`${prefix}nesterov`, nesterov) && (momentum === 0 || dampening !== 0))
          throw new ArgumentRangeError(
            `${prefix}nesterov: expected a momentum and no dampening, got ${momentum} and ${dampening}`,
          );
      },
      states: ({ momentum }) => (momentum ? ["b"] : []),
      update:
        (abi, { momentum, dampening, weightDecay, nesterov }) =>
        ({ value, grad, size }, { b = 0 }, lr, step) => {
          abi.sgdStep(value, b, grad, lr, momentum, dampening, weightDecay, nesterov, step === 1, size);
        },
    },
    options,
  );

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
  /** Parameters with options of their own. */
  readonly groups?: readonly ParameterGroup<AdamOptions>[];
}

const createAdam = (name: string, options: AdamOptions, decoupled: boolean): OptimizerFactory =>
  create<Required<Omit<AdamOptions, "groups">>>(
    {
      name,
      defaults: { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: decoupled ? 0.01 : 0 },
      check({ lr, betas, eps, weightDecay }, prefix) {
        checkPositive(`${prefix}lr`, lr);
        checkPositive(`${prefix}eps`, eps);
        checkNonNegative(`${prefix}weightDecay`, weightDecay);
        if (!Array.isArray(betas) || betas.length !== 2)
          throw new ArgumentTypeError(`${prefix}betas: expected two numbers, got ${show(betas)}`);
        betas.forEach((beta, k) => {
          checkShare(`${prefix}betas[${k}]`, beta);
        });
      },
      states: () => ["m", "v"],
      update: (abi, { betas: [beta1, beta2], eps, weightDecay }) => {
        // Powers by repeated products: Math.pow may differ between engines in its last bit.
        let [power1, power2, last] = [1, 1, 0];
        return ({ value, grad, size }, { m = 0, v = 0 }, lr, step) => {
          if (step < last) [power1, power2, last] = [1, 1, 0];
          for (; last < step; last++) [power1, power2] = [power1 * beta1, power2 * beta2];
          abi.adamStep(value, m, v, grad, lr, beta1, beta2, eps, weightDecay, decoupled, power1, power2, size);
        };
      },
    },
    options,
  );

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
  /** Parameters with options of their own. */
  readonly groups?: readonly ParameterGroup<RMSpropOptions>[];
}

/** RMSprop (Tieleman & Hinton 2012) with PyTorch's update rule. */
export const rmsprop = (options: RMSpropOptions = {}): OptimizerFactory =>
  create<Required<Omit<RMSpropOptions, "groups">>>(
    {
      name: "rmsprop",
      defaults: { lr: 0.01, alpha: 0.99, eps: 1e-8, momentum: 0, centered: false, weightDecay: 0 },
      check({ lr, alpha, eps, momentum, centered, weightDecay }, prefix) {
        checkPositive(`${prefix}lr`, lr);
        checkShare(`${prefix}alpha`, alpha);
        checkPositive(`${prefix}eps`, eps);
        checkShare(`${prefix}momentum`, momentum);
        checkFlag(`${prefix}centered`, centered);
        checkNonNegative(`${prefix}weightDecay`, weightDecay);
      },
      states: ({ centered, momentum }) => ["v", ...(centered ? ["a"] : []), ...(momentum ? ["b"] : [])],
      update:
        (abi, { alpha, eps, momentum, weightDecay }) =>
        ({ value, grad, size }, { v = 0, a = 0, b = 0 }, lr) => {
          abi.rmspropStep(value, v, a, b, grad, lr, alpha, eps, momentum, weightDecay, size);
        },
    },
    options,
  );
