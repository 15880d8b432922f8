// Memory plans: names and shapes in, byte offsets out. One list yields both the addresses and the total.
import { type Shape, sizeOf } from "./tensor.ts";

const ALIGNMENT = 16;

export interface Plan<Name extends string> {
  /** Byte offset of each tensor, a multiple of 16. */
  readonly at: Readonly<Record<Name, number>>;
  /** Bytes of the whole plan. */
  readonly bytes: number;
}

/** Lays out tensors of f32 one behind the other. */
export function plan<Name extends string>(shapes: Readonly<Record<Name, Shape>>): Plan<Name> {
  const at = {} as Record<Name, number>;
  let bytes = 0;
  for (const [name, shape] of Object.entries<Shape>(shapes)) {
    at[name as Name] = bytes;
    bytes += Math.ceil((4 * sizeOf(shape)) / ALIGNMENT) * ALIGNMENT;
  }
  return { at, bytes };
}
