import { checkNumber, checkOptions, show } from "../check.ts";
import { type Core, Region } from "../core.ts";
import { ArgumentTypeError } from "../errors.ts";
import type { Parameter } from "../parameters.ts";

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

/** Options of `adam`, named and meant as those of torch.optim.Adam. */
export interface AdamOptions {
  /** Learning rate, above 0. Default 1e-3. */
  readonly lr?: number;
  /** Decay rates of the two moments, each in [0, 1). Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Term added to the denominator, above 0. Default 1e-8. */
  readonly eps?: number;
}

class Adam implements Optimizer {
  lr: number;
  readonly #core: Core;
  readonly #parameters: readonly Parameter[];
  readonly #betas: readonly [number, number];
  readonly #eps: number;
  readonly #region: Region;
  readonly #moments: Readonly<Record<string, number>>;
  // Powers by repeated products: Math.pow may differ between engines in its last bit.
  #beta1Power = 1;
  #beta2Power = 1;

  constructor(core: Core, parameters: readonly Parameter[], { lr, betas, eps }: Required<AdamOptions>) {
    this.#core = core;
    this.#parameters = parameters;
    this.lr = lr;
    this.#betas = betas;
    this.#eps = eps;
    this.#region = new Region(core, this);
    this.#moments = this.#region.fit<string>(
      Object.fromEntries(
        parameters.flatMap(({ name, shape }) => [
          [`m.${name}`, shape],
          [`v.${name}`, shape],
        ]),
      ),
    );
    for (const { name, size } of parameters) {
      core.zero(this.#moments[`m.${name}`] as number, size);
      core.zero(this.#moments[`v.${name}`] as number, size);
    }
  }

  step(): void {
    this.#region.checkUsable("optimizer");
    const [beta1, beta2] = this.#betas;
    this.#beta1Power *= beta1;
    this.#beta2Power *= beta2;
    for (const { name, value, grad, size, changes } of this.#parameters) {
      const m = this.#moments[`m.${name}`] as number;
      const v = this.#moments[`v.${name}`] as number;
      this.#core.abi.adamStep(
        value,
        m,
        v,
        grad,
        this.lr,
        beta1,
        beta2,
        this.#eps,
        this.#beta1Power,
        this.#beta2Power,
        size,
      );
      changes.count++;
    }
  }

  dispose(): void {
    this.#region.dispose();
  }
}

/** Adam (Kingma & Ba 2015) with PyTorch's update rule, without weight decay. */
export function adam(options: AdamOptions = {}): OptimizerFactory {
  checkOptions("adam options", options, ["lr", "betas", "eps"]);
  const { lr = 1e-3, betas = [0.9, 0.999], eps = 1e-8 } = options;
  checkNumber("lr", lr, "a number above 0", (x) => x > 0);
  checkNumber("eps", eps, "a number above 0", (x) => x > 0);
  if (!Array.isArray(betas) || betas.length !== 2)
    throw new ArgumentTypeError(`betas: expected two numbers, got ${show(betas)}`);
  betas.forEach((beta, k) => {
    checkNumber(`betas[${k}]`, beta, "a number in [0, 1)", (x) => x >= 0 && x < 1);
  });
  return (core, parameters) => new Adam(core, parameters, { lr, betas, eps });
}
