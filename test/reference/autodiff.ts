// Reverse-mode differentiation of vectors in float64: just what the oracle's equations need, so that those are written
// once, forwards, and their gradients do not depend on anybody's algebra.

/** A vector and, after `backward`, the loss's gradient with respect to it. */
export interface Vec {
  readonly v: Float64Array;
  readonly g: Float64Array;
}

export class Tape {
  readonly #steps: (() => void)[] = [];

  /** A vector that depends on nothing. */
  leaf(values: ArrayLike<number>): Vec {
    return { v: Float64Array.from(values), g: new Float64Array(values.length) };
  }

  zeros(n: number): Vec {
    return this.leaf(new Float64Array(n));
  }

  /** Runs all derivatives, from gradients that the caller has put into the results. */
  backward(): void {
    for (const step of this.#steps.reverse()) step();
    this.#steps.length = 0;
  }

  #node(v: Float64Array, back: (g: Float64Array) => void): Vec {
    const node = { v, g: new Float64Array(v.length) };
    this.#steps.push(() => back(node.g));
    return node;
  }

  /** W·x for W [rows, x.length], from row `first` on. */
  product(W: Vec, x: Vec, first = 0, rows = W.v.length / x.v.length): Vec {
    const n = x.v.length;
    const y = new Float64Array(rows);
    for (let i = 0; i < rows; i++)
      for (let j = 0, at = (first + i) * n; j < n; j++)
        y[i] = (y[i] as number) + (W.v[at + j] as number) * (x.v[j] as number);
    return this.#node(y, (g) => {
      for (let i = 0; i < rows; i++)
        for (let j = 0, at = (first + i) * n; j < n; j++) {
          W.g[at + j] = (W.g[at + j] as number) + (g[i] as number) * (x.v[j] as number);
          x.g[j] = (x.g[j] as number) + (g[i] as number) * (W.v[at + j] as number);
        }
    });
  }

  add(...terms: readonly Vec[]): Vec {
    const sum = (terms[0] as Vec).v.map((_, k) => terms.reduce((total, { v }) => total + (v[k] as number), 0));
    return this.#node(sum, (g) => {
      for (const term of terms) accumulate(term, g);
    });
  }

  multiply(a: Vec, b: Vec): Vec {
    return this.#node(
      a.v.map((value, k) => value * (b.v[k] as number)),
      (g) => {
        g.forEach((d, k) => {
          a.g[k] = (a.g[k] as number) + d * (b.v[k] as number);
          b.g[k] = (b.g[k] as number) + d * (a.v[k] as number);
        });
      },
    );
  }

  /** a / b, element by element. */
  divide(a: Vec, b: Vec): Vec {
    const q = a.v.map((value, k) => value / (b.v[k] as number));
    return this.#node(q, (g) => {
      g.forEach((d, k) => {
        a.g[k] = (a.g[k] as number) + d / (b.v[k] as number);
        b.g[k] = (b.g[k] as number) - (d * (q[k] as number)) / (b.v[k] as number);
      });
    });
  }

  subtract(a: Vec, b: Vec): Vec {
    return this.add(
      a,
      this.map(
        b,
        (value) => -value,
        () => -1,
      ),
    );
  }

  /** Of each element the one from a where `first` says so, else that from b. */
  select(first: (k: number) => boolean, a: Vec, b: Vec): Vec {
    return this.#node(
      a.v.map((value, k) => (first(k) ? value : (b.v[k] as number))),
      (g) => {
        g.forEach((d, k) => {
          const from = first(k) ? a : b;
          from.g[k] = (from.g[k] as number) + d;
        });
      },
    );
  }

  /** f of each element, with its derivative. */
  map(x: Vec, f: (x: number) => number, slope: (x: number) => number): Vec {
    return this.#node(x.v.map(f), (g) => {
      g.forEach((d, k) => {
        x.g[k] = (x.g[k] as number) + d * slope(x.v[k] as number);
      });
    });
  }

  /** x, whose gradient is held within ±limit. */
  boundGradient(x: Vec, limit: number): Vec {
    return this.#node(x.v.slice(), (g) =>
      accumulate(
        x,
        g.map((d) => Math.min(limit, Math.max(-limit, d))),
      ),
    );
  }

  /** (x − mean) / √(variance + ε). */
  normalise(x: Vec, epsilon: number): Vec {
    const n = x.v.length;
    const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / n;
    const centre = mean(x.v);
    const scale = 1 / Math.sqrt(mean(x.v.map((value) => (value - centre) ** 2)) + epsilon);
    const y = x.v.map((value) => (value - centre) * scale);
    return this.#node(y, (g) => {
      const [even, along] = [mean(g), mean(g.map((d, k) => d * (y[k] as number)))];
      accumulate(
        x,
        g.map((d, k) => scale * (d - even - (y[k] as number) * along)),
      );
    });
  }

  /** 1 − x. */
  rest(x: Vec): Vec {
    return this.map(
      x,
      (value) => 1 - value,
      () => -1,
    );
  }

  part(x: Vec, from: number, n: number): Vec {
    return this.#node(x.v.slice(from, from + n), (g) => {
      g.forEach((d, k) => {
        x.g[from + k] = (x.g[from + k] as number) + d;
      });
    });
  }

  /** Elements of x by their indices; 0 for an index of −1. */
  gather(x: Vec, indices: readonly number[]): Vec {
    return this.#node(
      Float64Array.from(indices, (index) => (index < 0 ? 0 : (x.v[index] as number))),
      (g) => {
        indices.forEach((index, k) => {
          if (index >= 0) x.g[index] = (x.g[index] as number) + (g[k] as number);
        });
      },
    );
  }

  concat(...parts: readonly Vec[]): Vec {
    const all = Float64Array.from(parts.flatMap(({ v }) => [...v]));
    return this.#node(all, (g) => {
      let from = 0;
      for (const part of parts) {
        accumulate(part, g.subarray(from, from + part.v.length));
        from += part.v.length;
      }
    });
  }
}

function accumulate(to: Vec, g: Float64Array): void {
  g.forEach((d, k) => {
    to.g[k] = (to.g[k] as number) + d;
  });
}
