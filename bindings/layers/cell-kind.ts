// What tells the recurrent cells apart.
import type { SequenceFields } from "../sequence.ts";

/** What is carried from step to step: h [B,R], and a cell's other states [B,H]. */
export type StateName = "h" | "c" | "n" | "m";

/** Something for each state of a cell. */
export type States<T> = Partial<Readonly<Record<StateName, T>>>;

/** What a cell brings. */
export interface CellKind {
  /** The name of its layer. */
  readonly name: string;
  /** Its number in assembly/sequence.ts. */
  readonly cell: number;
  /** Names of its gates, in the order of their blocks. */
  readonly gates: readonly string[];
  /** What it carries, h first. */
  readonly states: readonly StateName[];
  /** Whether h goes back in, through W_hh. */
  readonly recurrent: boolean;
  /** Name in records of what the kernels call `kept`, if it is one of the equations' values. */
  readonly kept?: string;
  /** Whether it keeps W_hh·h apart from W_ih·x. */
  readonly hasRec: boolean;
  /** Width of a projected h, or 0. */
  readonly projSize: number;
  /** Whether i, f and o have peepholes to c. */
  readonly peephole: boolean;
  /** Whether W_ih·x, W_hh·h and c are normalised. */
  readonly layerNorm: boolean;
  /** Probabilities of zoneout, and of dropout on x, h and W_hh; 0 for none. */
  readonly noise: Noise;
  /** Options, as fields of the kernel's Sequence, for each direction. */
  readonly options: readonly SequenceFields[];
}

/** Probabilities, each 0 for none. */
export interface Noise {
  readonly zoneout: number;
  readonly inputDropout: number;
  readonly recurrentDropout: number;
  readonly weightDropout: number;
}
