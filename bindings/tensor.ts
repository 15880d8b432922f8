/** Sizes of a tensor, outermost first. */
export type Shape = readonly number[];

/** Values in row-major order (the last index runs fastest) and their shape. */
export interface Tensor {
  readonly data: Float32Array;
  readonly shape: Shape;
}

/** The number of values of a shape. */
export const sizeOf = (shape: Shape): number => shape.reduce((n, size) => n * size, 1);
