// The largest singular value and the largest eigenvalue of a matrix, by power iteration.

const MOST_ROUNDS = 500;
const TOLERANCE = 1e-7;

type Vector = Float64Array;

/** A start without symmetry, the same every time. */
const start = (n: number): Vector => Float64Array.from({ length: n }, (_, k) => 1 + Math.sin(1.7 * k + 0.3));

const norm = (x: Vector): number => Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));

const dot = (x: Vector, y: Vector): number => x.reduce((sum, value, k) => sum + value * (y[k] as number), 0);

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

/** ‖A‖₂, the largest singular value. */
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

/**
 * The spectral radius of a linear map of n values. A largest eigenvalue may be one of two, a complex pair or ±λ: so two
 * coefficients are fitted to three iterates, x₂ ≈ p·x₁ + q·x₀, whose characteristic roots they are.
 */
export function spectralRadius(map: (x: Vector) => Vector, n: number): number {
  const unit = (x: Vector): Vector => {
    const length = norm(x);
    return x.map((value) => value / length);
  };
  let x = unit(start(n));
  let last = 0;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const x1 = map(x);
    const growth = norm(x1);
    const x2 = map(x1);
    // Nothing is left: nilpotent, or zero.
    if (!(norm(x2) > 0)) return norm(x2);
    const value = largestRoot(x, x1, x2, growth);
    if (round > 3 && Math.abs(value - last) <= TOLERANCE * value) return value;
    last = value;
    x = unit(x2);
  }
  return last;
}

function largestRoot(x0: Vector, x1: Vector, x2: Vector, growth: number): number {
  const [aa, ab, bb] = [dot(x1, x1), dot(x1, x0), dot(x0, x0)];
  const determinant = aa * bb - ab * ab;
  // x₁ along x₀: one real eigenvalue is all there is.
  if (determinant <= 1e-12 * aa * bb) return growth;
  const [ya, yb] = [dot(x2, x1), dot(x2, x0)];
  const p = (ya * bb - yb * ab) / determinant;
  const q = (yb * aa - ya * ab) / determinant;
  const inner = (p * p) / 4 + q;
  return inner < 0 ? Math.sqrt(-q) : Math.abs(p / 2) + Math.sqrt(inner);
}
