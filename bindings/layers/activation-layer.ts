import { type Core, Region } from "../core.ts";
import { type Shape, sizeOf } from "../tensor.ts";
import { type Activation, type ActivationFields, checkActivation } from "./activation.ts";
import { SimpleLayer } from "./layer.ts";

/** An activation of every element, any shape to the same. */
export class ActivationLayer extends SimpleLayer {
  readonly #fields: ActivationFields;
  readonly #region: Region;
  readonly #back: Region;
  #y = 0;

  constructor(core: Core, activation: Activation) {
    const fields = checkActivation("activation", activation);
    super(core);
    this.#fields = fields;
    this.#region = new Region(core, this);
    this.#back = new Region(core, this);
  }

  override outputShape(input: Shape): Shape {
    return input;
  }

  override run(x: number, input: Shape): number {
    const n = sizeOf(input);
    const { kind, alpha, beta } = this.#fields;
    this.ran(null);
    const { y } = this.#region.fitFor(n, 0, () => ({ y: [n] }));
    this.core.abi.activationForward(y, x, kind, alpha, beta, n);
    this.#y = y;
    this.ran(input);
    return y;
  }

  override runBackward(dOutput: number, wantInput: boolean): number {
    const n = sizeOf(this.checkRan());
    const { kind, alpha, beta } = this.#fields;
    this.ran(null);
    if (!wantInput) return 0;
    const { dx } = this.#back.fitFor(n, 0, () => ({ dx: [n] }));
    this.core.abi.activationBackward(dx, dOutput, this.#y, kind, alpha, beta, n);
    return dx;
  }

  override dispose(): void {
    super.dispose();
    this.#region.dispose();
    this.#back.dispose();
  }
}

/** An ActivationLayer for a Sequential, which brings the core: by name, or with α and β of its own. */
export const activation = (activation: Activation) => {
  checkActivation("activation", activation);
  return (core: Core) => new ActivationLayer(core, activation);
};
