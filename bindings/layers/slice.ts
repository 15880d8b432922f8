// One direction of one layer: its part of the parameters, its memory, and its kernel calls.
import { type Core, Region } from "../core.ts";
import type { Parameter } from "../parameters.ts";
import { SEQUENCE_WORDS, type SequenceFields, setSequence } from "../sequence.ts";
import type { Shape, Tensor } from "../tensor.ts";
import type { CellKind, StateName, States } from "./cell-kind.ts";
import { FlowTape, type Measured } from "./flow-tape.ts";
import { type Draw, NoiseTape } from "./noise.ts";

type TapedName = StateName | `d${StateName}`;

/** Addresses of what a pass leaves. */
interface Taped {
  forward: Readonly<Record<TapeName | "preact", number>>;
  backward: Readonly<Record<`d${StateName}`, number>>;
  flow: Readonly<Record<"flow", number>>;
}

/** Where a backward pass that nobody watches leaves its norms. */
const UNWATCHED: Taped["flow"] = { flow: 0 };

/** Sizes and place of a slice. */
export interface SliceShape {
  /** Index layer·D + direction of its states. */
  readonly index: number;
  /** 0, or 1 for the second of two directions. */
  readonly direction: number;
  readonly reverse: boolean;
  /** Width of its input. */
  readonly I: number;
  readonly H: number;
  /** Width of h. */
  readonly R: number;
  /** Suffix of the names of its parameters, such as "_l0_reverse". */
  readonly suffix: string;
}

/** What a forward pass of any cell writes. */
export type TapeName =
  | StateName
  | "gates"
  | "kept"
  | "wide"
  | "rec"
  | "hatIh"
  | "hatHh"
  | "hatC"
  | "scaleIh"
  | "scaleHh"
  | "scaleC";

/** Fields of the kernels' Sequence for the values of parameters; with a "d" and a capital in front, for their gradients. */
const FIELDS = {
  ...{ weight_ih: "weightIh", weight_hh: "weightHh", weight_hr: "weightHr", bias_ih: "biasIh", bias_hh: "biasHh" },
  ...{
    weight_ph: "peephole",
    weight_ln_ih: "gainIh",
    weight_ln_hh: "gainHh",
    weight_ln_c: "gainC",
    bias_ln_c: "shiftC",
  },
} as const;

/** Intermediate values of a slice, by name. */
export type CellRecord = Readonly<Record<string, Tensor>>;

export class Slice implements SliceShape {
  declare readonly index: number;
  declare readonly direction: number;
  declare readonly reverse: boolean;
  declare readonly I: number;
  declare readonly H: number;
  declare readonly R: number;
  declare readonly suffix: string;
  readonly #core: Core;
  /** What sort of cell, with its options. */
  readonly kind: CellKind;
  /** Gates times H. */
  readonly #GH: number;
  /** Counts the changes of the parameters. */
  readonly #changes: { readonly count: number };
  /** Fields of the kernel's Sequence that never change, also for a Sequence of another owner. */
  readonly fixed: SequenceFields;
  readonly #struct: Region;
  readonly #packed: Region;
  readonly #tape: Region;
  readonly #back: Region;
  readonly #noise: NoiseTape;
  readonly #flow: FlowTape;
  readonly #packedAt = { Forward: -1, Backward: -1 };
  /** Sizes of the last passes. */
  #last = { T: 0, B: 0, mask: 0, keepDc: 0 };
  readonly #taped = {} as Taped;

  constructor(core: Core, owner: object, kind: CellKind, shape: SliceShape, parameters: readonly Parameter[]) {
    Object.assign(this, shape);
    this.#core = core;
    this.kind = kind;
    this.#GH = kind.gates.length * shape.H;
    this.#struct = new Region(core, owner);
    this.#packed = new Region(core, owner);
    this.#tape = new Region(core, owner);
    this.#back = new Region(core, owner);
    this.#flow = new FlowTape(core, owner, { H: shape.H, R: shape.R, GH: this.#GH });
    const find = (name: string) => parameters.find((parameter) => parameter.name === `${name}${shape.suffix}`);
    const [Ih, Hh, Hr] = ["weight_ih", "weight_hh", "weight_hr"].map(find);
    this.#changes = (Ih as Parameter).changes;
    this.#noise = new NoiseTape(core, owner, kind.noise, shape, Hh ?? { value: 0, grad: 0, size: 0, shape: [0] });
    const addresses = Object.entries(FIELDS).flatMap(([name, field]) => {
      const { value = 0, grad = 0 } = find(name) ?? {};
      return [
        [field, value],
        [`d${field.charAt(0).toUpperCase()}${field.slice(1)}`, grad],
      ];
    });
    const { packedSize } = core.abi;
    const { I, H, R } = shape;
    const GH = this.#GH;
    // A GRU with the reset before the product has two parts.
    const whh =
      kind.options[shape.direction]?.resetAfter === 0 ? packedSize(R, 2 * H) + packedSize(R, H) : packedSize(R, GH);
    this.fixed = {
      cell: kind.cell,
      I,
      H,
      R,
      reverse: shape.reverse ? 1 : 0,
      ...Object.fromEntries(addresses),
      ...kind.options[shape.direction],
      ...this.#packed.fit({
        wih: [packedSize(I, GH)], // forward
        whh: [Hh ? whh : 0],
        whr: Hr ? [packedSize(H, R)] : [0],
        bias: [GH],
        biasRec: kind.hasRec ? [GH] : [0],
        wihT: [packedSize(GH, I)], // backward
        whhT: [Hh ? packedSize(GH, R) : 0],
        whrT: Hr ? [packedSize(R, H)] : [0],
      }),
    };
    core.zero(this.#set({}), SEQUENCE_WORDS);
    this.#set(this.fixed);
  }

  /** Whether arguments of the activations are kept: to be shown, or to tell where a clip was. */
  #keepsA(record: boolean): boolean {
    return record || (this.fixed.gateClip ?? 0) > 0;
  }

  /** Share of a new h that zoneout takes outside of training; 1 without it. */
  get zoneShare(): number {
    return 1 - this.kind.noise.zoneout;
  }

  get states(): readonly StateName[] {
    return this.kind.states;
  }

  /** What a forward pass writes; nothing where a cell has no use for it. */
  tapeShapes(T: number, B: number): Record<TapeName, Shape> {
    const { states, hasRec, projSize, layerNorm } = this.kind;
    const taped = (name: StateName) => (states.includes(name) ? [T + 1, B, this.width(name)] : [0]);
    const normed = (...widths: number[]) => (layerNorm ? [T, B, ...widths] : [0]);
    return {
      ...{ h: taped("h"), c: taped("c"), n: taped("n"), m: taped("m") }, // initial slots: h0, c0, …
      gates: [T, B, this.#GH], // a → gates (forward) → da (backward)
      kept: [T, B, this.H],
      wide: projSize ? [T, B, this.H] : [0],
      rec: hasRec ? [B, this.#GH] : [0],
      hatIh: normed(this.#GH),
      hatHh: normed(this.#GH),
      hatC: normed(this.H),
      scaleIh: normed(),
      scaleHh: normed(),
      scaleC: normed(),
    };
  }

  /** Runs x [T,B,I] and answers the address of h after every step [T,B,R]. States are [B,R] and [B,H]; left out: zeros. */
  forward(
    x: number,
    T: number,
    B: number,
    options: { mask: number; record: boolean; initial: States<Float32Array>; draw: Draw },
  ): number {
    const { mask, record, initial, draw } = options;
    const { states } = this.kind;
    const keepsA = this.#keepsA(record);
    const at = this.#tape.fitFor(T, 2 * B + +keepsA, () => ({
      ...this.tapeShapes(T, B),
      preact: keepsA ? [T, B, this.#GH] : [0],
    }));
    this.#flow.last = null; // whose values this pass writes over
    this.#last = { T, B, mask, keepDc: 0 };
    this.#keep("forward", at);
    for (const name of states) {
      const values = initial[name];
      const slot = this.#slot(name, "initial");
      if (values) this.#core.write(slot, values);
      else this.#core.zero(slot, B * this.width(name));
    }
    const struct = this.#set({ T, B, mask, general: this.fixed.general ?? 0 }, this.#noise.draw(x, T, B, draw));
    this.#pack("Forward", this.#noise.weights);
    this.#core.abi.recurrentForward(struct);
    return this.#slot("h", "written");
  }

  /**
   * Back-propagates dL/d(output), whose rows of this direction are R wide at `dOut` and `stride` floats apart (address 0:
   * zeros), and adds up the parameters' gradients. dL/dx goes to `dx` (0: nowhere), or is added there.
   */
  backward(
    given: { dOut: number; stride: number; final: States<number> },
    dx: number,
    addDx: boolean,
    mask: number,
    { record, clipStep, flow }: { record: boolean; clipStep: number; flow: boolean },
  ): void {
    const { I, H, R } = this;
    const { T, B } = this.#last;
    const { abi } = this.#core;
    const { states, hasRec, gates, recurrent } = this.kind;
    const others = states.slice(1);
    const slots = (name: StateName) => (states.includes(name) ? [record ? T + 1 : 2, B, H] : [0]);
    const at = this.#back.fitFor(T, 2 * B + +record, () => ({
      dh: [T + 1, B, R], // slots of the outputs: dL/d(output) → dL/dh; initial slot: dL/dh0
      dc: slots("c"), // final slot: dL/d(cn); initial slot: dL/dc0
      dn: slots("n"),
      dm: slots("m"),
      dRec: hasRec ? [T, B, this.#GH] : [0],
      dWide: [B, H],
      dHatIh: this.kind.layerNorm ? [T, B, this.#GH] : [0],
      dNormC: this.kind.layerNorm ? [B, H] : [0],
      panels: [abi.scratchSize(Math.max(I, R, H))],
    }));
    // Gradients of the other states at every step, of two by turns, or of one at a time.
    const keepDc = record ? 1 : flow ? -1 : 0;
    this.#last.keepDc = keepDc;
    this.#keep("backward", at);
    const dh = this.#slot("dh", "written");
    if (given.dOut) abi.copyRows(dh, given.dOut, mask, T * B, R, R, given.stride);
    else this.#core.zero(dh, T * B * R);
    for (const name of others) this.#core.copyOrZero(this.#slot(`d${name}`, "final"), given.final[name] ?? 0, B * H);
    this.#pack("Backward", this.#noise.weights);
    const plain = recurrent && gates[1] !== "z" && !this.#noise.masks.zone && !this.#last.mask;
    this.#keep("flow", flow ? this.#flow.prepare({ T, B, plain }, this.#taped.forward.gates) : UNWATCHED);
    const general = clipStep > 0 ? 1 : (this.fixed.general ?? 0);
    const struct = this.#set(
      { dhn: given.final.h ?? 0, keepDc, clipStep, general, flowOwn: given.dOut ? 2 : 0 },
      this.#noise.prepare(dx, addDx),
    );
    abi.recurrentBackward(struct);
    this.#noise.finish(dx, addDx);
  }

  /** A view of a state, or of its gradient [B,R] or [B,H]: before the first step of the direction, or behind the last one. */
  values(name: TapedName, place: "initial" | "final"): Float32Array {
    return this.#view(this.#slot(name, place), name.at(-1) as StateName);
  }

  /** A view of a state in the last forward pass [B,R] or [B,H]: that before step `slot`, in reverse that behind it. */
  stateAt(name: StateName, slot: number): Float32Array {
    return this.#view(this.#taped.forward[name] + 4 * slot * this.#last.B * this.width(name), name);
  }

  /** Copies of everything a forward pass with `record` computed. */
  forwardRecord(): CellRecord {
    const { T, B } = this.#last;
    const { gates, kept, preact } = this.#taped.forward;
    const { H } = this;
    const rows = this.#core.view(gates, T * B * this.#GH);
    return {
      a: this.#core.tensor(preact, [T, B, this.#GH]),
      ...Object.fromEntries(
        this.kind.gates.map((name, k) => [name, { data: gateBlock(rows, k, H, this.#GH), shape: [T, B, H] }]),
      ),
      ...(this.kind.kept && { [this.kind.kept]: this.#core.tensor(kept, [T, B, H]) }),
      ...this.#everyStep(""),
      ...this.#noise.record(),
    };
  }

  /** Copies of the gradients at every step that a backward pass with `record` computed. */
  backwardRecord(): CellRecord {
    const { T, B } = this.#last;
    return {
      ...this.#everyStep("d"),
      da: this.#core.tensor(this.#taped.forward.gates, [T, B, this.#GH]),
    };
  }

  /** Copies of all states, or of their gradients, at every step. */
  #everyStep(prefix: "" | "d"): CellRecord {
    const { T, B } = this.#last;
    return Object.fromEntries(
      this.kind.states.map((name) => {
        const key = `${prefix}${name}` as const;
        return [key, this.#core.tensor(this.#slot(key, "written"), [T, B, this.width(name)])];
      }),
    );
  }

  /** What the last backward pass with flow left, and the tapes of the forward pass before it: h [T,B,H] before a projection. */
  get measured(): (Measured & { core: Core; mask: number; kept: number; h: number }) | null {
    const { last } = this.#flow;
    if (!last) return null;
    const { kept, wide } = this.#taped.forward;
    return { ...last, core: this.#core, mask: this.#last.mask, kept, h: wide || this.#slot("h", "written") };
  }

  /** Packs the weights, with W_hh itself, for a step forward, if they changed since. */
  packForward(): void {
    this.#pack("Forward");
  }

  /** Packs the weights for a pass, with W_hh or a masked copy, if they changed since; a masked one for that pass alone. */
  #pack(way: "Forward" | "Backward", weightHh = this.fixed.weightHh as number): void {
    const masked = weightHh !== this.fixed.weightHh;
    if (this.#packedAt[way] === this.#changes.count && !masked) return;
    this.#core.abi[`recurrentPack${way}`](this.#set({ weightHh }));
    this.#packedAt[way] = masked ? -1 : this.#changes.count;
  }

  /** Fills in fields of the kernel's Sequence, and answers its address. */
  #set(...parts: readonly SequenceFields[]): number {
    const { struct } = this.#struct.fitFor(0, 0, () => ({ struct: [SEQUENCE_WORDS] }));
    setSequence(this.#core, struct, ...parts);
    return struct;
  }

  /** Where a pass leaves its values: written into the Sequence only when it is another place. */
  #keep<Pass extends keyof Taped>(pass: Pass, at: Taped[Pass]): void {
    if (at !== this.#taped[pass]) this.#set(at);
    this.#taped[pass] = at;
  }

  /** Where in a tape the state before the first step is, that after the last one, and the first of T written ones. */
  #slot(name: TapedName, place: "initial" | "final" | "written"): number {
    const { T, B, keepDc } = this.#last;
    const state = name.at(-1) as StateName;
    const at = name === state ? this.#taped.forward[state] : this.#taped.backward[`d${state}`];
    const initial = this.reverse ? T : 0;
    const slot = place === "initial" ? initial : place === "final" ? T - initial : this.reverse ? 0 : 1;
    // Gradients of other states than h may have one slot for all steps, or two by turns.
    const kept = name !== state && state !== "h" ? slot & -keepDc : slot;
    return at + 4 * kept * B * this.width(state);
  }

  width(name: StateName): number {
    return name === "h" ? this.R : this.H;
  }

  #view(at: number, name: StateName): Float32Array {
    return this.#core.view(at, this.#last.B * this.width(name));
  }

  dispose(): void {
    for (const region of [this.#struct, this.#packed, this.#tape, this.#back, this.#noise, this.#flow])
      region.dispose();
  }
}

/** Block k of rows of GH values, each block H wide. */
function gateBlock(rows: Float32Array, k: number, H: number, GH: number): Float32Array {
  const data = new Float32Array((rows.length / GH) * H);
  for (let row = 0; row * H < data.length; row++)
    data.set(rows.subarray(row * GH + k * H, row * GH + (k + 1) * H), row * H);
  return data;
}
