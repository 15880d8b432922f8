// The largest singular value and the largest modulus of an eigenvalue of a matrix.
import type { Core } from "../core.ts";

const MOST_ROUNDS = 500;
const TOLERANCE = 1e-7;

type Vector = Float64Array;

/** A start without symmetry, the same every time. */
const start = (n: number): Vector => Float64Array.from({ length: n }, (_, k) => 1 + Math.sin(1.7 * k + 0.3));

const norm = (x: Vector): number => Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));

/** A·x for A [rows, columns] by rows, or Aᵀ·x. */
export function apply(A: ArrayLike<number>, x: Vector, rows: number, columns: number, transposed = false): Vector {
  const y = new Float64Array(transposed ? columns : rows);
  for (let i = 0; i < rows; i++)
    for (let j = 0, at = i * columns; j < columns; j++, at++) {
      if (transposed) y[j] = (y[j] as number) + (A[at] as number) * (x[i] as number);
      else y[i] = (y[i] as number) + (A[at] as number) * (x[j] as number);
    }
  return y;
}

/** A·B [rows,columns] over `inner`. */
export function product(A: ArrayLike<number>, B: ArrayLike<number>, rows: number, inner: number, columns: number) {
  const column = (j: number) => Float64Array.from({ length: inner }, (_, k) => B[k * columns + j] as number);
  const C = new Float32Array(rows * columns);
  for (let j = 0; j < columns; j++)
    apply(A, column(j), rows, inner).forEach((value, i) => {
      C[i * columns + j] = value;
    });
  return C;
}

/** ‖A‖₂, the largest singular value, by power iteration. */
export function spectralNorm(A: ArrayLike<number>, rows: number, columns: number): number {
  let x = start(columns);
  let last = 0;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const length = norm(x);
    if (!(length > 0)) return length;
    const y = apply(
      A,
      x.map((value) => value / length),
      rows,
      columns,
    );
    const value = norm(y);
    if (Math.abs(value - last) <= TOLERANCE * value) return value;
    last = value;
    x = apply(A, y, rows, columns, true);
  }
  return last;
}

/** Squarings of a matrix: the 2²⁰th root forgives it a factor of a million by a hundred-thousandth. */
const SQUARINGS = 20;

/**
 * The largest modulus of an eigenvalue of A [n,n], lim ‖Aᵏ‖^(1/k) (Gelfand): A is squared again and again by the kernels, and
 * scaled to a largest value of 1. Any number of eigenvalues may share the modulus, as those of an orthogonal A all do.
 */
export function spectralRadius(core: Core, A: Float32Array, n: number): number {
  const { abi } = core;
  const [square, packed] = [4 * n * n, 4 * abi.packedSize(n, n)];
  const block = core.allocate(2 * square + 4 * n + packed);
  const [a, b, zeros, panels] = [block, block + square, block + 2 * square, block + 2 * square + 4 * n];
  try {
    core.zero(zeros, n);
    core.write(a, A);
    let log = 0;
    for (let k = 0; k <= SQUARINGS; k++) {
      const largest = core.view(a, n * n).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      // Nilpotent, or not finite.
      if (!(largest > 1e-37 && largest < Number.POSITIVE_INFINITY)) return largest;
      log += Math.log(largest) / 2 ** k;
      abi.scale(a, 1 / largest, n * n);
      abi.pack(panels, a, 4 * n, 4, n, n);
      abi.gemm(b, 4 * n, zeros, 0, a, 4 * n, panels, n, n, n);
      core.view(a, n * n).set(core.view(b, n * n));
    }
    return Math.exp(log);
  } finally {
    abi.free(block);
  }
}
