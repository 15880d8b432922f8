import { normal, normalQuantile, orthogonal, philox, uniform } from "../math/random";
import { buffer, expectBits, expectGuards, get } from "./support";

function expectWords(c: u32, k: u32, a: u32, b: u32, d: u32, e: u32): void {
  const out = heap.alloc(16);
  philox(out, c, c, c, c, k, k);
  expect<u32>(load<u32>(out)).toBe(a);
  expect<u32>(load<u32>(out, 4)).toBe(b);
  expect<u32>(load<u32>(out, 8)).toBe(d);
  expect<u32>(load<u32>(out, 12)).toBe(e);
}

describe("philox", () => {
  test("has the known answers of Random123", () => {
    expectWords(0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
    expectWords(0xffffffff, 0xffffffff, 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd);
    const out = heap.alloc(16);
    philox(out, 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0);
    expect<u32>(load<u32>(out)).toBe(0xd16cfe09);
    expect<u32>(load<u32>(out, 4)).toBe(0x94fdcceb);
    expect<u32>(load<u32>(out, 8)).toBe(0x5001e420);
    expect<u32>(load<u32>(out, 12)).toBe(0x24126ea1);
  });
});

describe("uniform", () => {
  test("stays in [low, high), with the mean and the spread of a uniform variable", () => {
    const n = 40001;
    const out = buffer(n);
    uniform(out, -2.0, 3.0, 7, 1, n);
    let sum = 0.0;
    let squares = 0.0;
    let inside = true;
    for (let k = 0; k < n; k++) {
      const v = get(out, k);
      if (!(v >= -2.0 && v < 3.0)) inside = false;
      sum += v;
      squares += v * v;
    }
    const mean = sum / <f64>n;
    expect<bool>(inside).toBe(true);
    // Five standard errors of each: 5/√12/√n ≈ 0.0072, and about 0.01 for the variance of 25/12.
    expect<bool>(abs(mean - 0.5) < 0.036).toBe(true);
    expect<bool>(abs(squares / <f64>n - mean * mean - 25.0 / 12.0) < 0.05).toBe(true);
    expectGuards(out, n, "uniform");
  });

  test("a shorter run is the beginning of a longer one; seeds and streams differ", () => {
    const long = buffer(19);
    uniform(long, 0.0, 1.0, 5, 2, 19);
    for (let n = 1; n < 19; n++) {
      const short = buffer(n);
      uniform(short, 0.0, 1.0, 5, 2, n);
      expectBits(short, long, n, "prefix");
      expectGuards(short, n, "prefix");
    }
    const other = buffer(19);
    uniform(other, 0.0, 1.0, 6, 2, 19);
    expect<bool>(memory.compare(long, other, 76) != 0).toBe(true);
    uniform(other, 0.0, 1.0, 5, 3, 19);
    expect<bool>(memory.compare(long, other, 76) != 0).toBe(true);
  });
});

describe("normal", () => {
  test("the quantile is right to 1 part in 10^7, also far out", () => {
    // By Python's statistics.NormalDist.inv_cdf.
    const quantiles: f64[] = [
      0.5, 0.0, 0.6, 0.2533471031358, 0.925, 1.439531470938, 0.926, 1.446632067159, 0.975, 1.959963984540054,
      0.9772498680518208, 2.0, 0.999, 3.090232306168, 0.999999, 4.753424308823, 1.1641532182693481e-10, -6.337957754554,
    ];
    for (let k = 0; k < quantiles.length; k += 2) {
      const want = quantiles[k + 1];
      expect<bool>(abs(normalQuantile(quantiles[k]) - want) <= 2e-7 * abs(want)).toBe(true, quantiles[k].toString());
    }
  });

  test("has the moments of a normal variable, and ends where it is told to", () => {
    const n = 40001;
    const out = buffer(n);
    for (let k = 0; k < 2; k++) {
      // Φ(−2); a normal variable held within ±2 has the variance 1 − 4φ(2)/(1 − 2Φ(−2)).
      const tail = k ? 0.02275013194817921 : 0.0;
      const variance = k ? 0.7737413035 : 1.0;
      normal(out, 3.0, tail, 7, 1, n);
      let sum = 0.0;
      let squares = 0.0;
      let fourth = 0.0;
      let most = 0.0;
      for (let i = 0; i < n; i++) {
        const z = get(out, i) / 3.0;
        sum += z;
        squares += z * z;
        fourth += z * z * z * z;
        most = max(most, abs(z));
      }
      // Five standard errors: 1, √2 and √96, over √n.
      expect<bool>(abs(sum / <f64>n) < 0.025).toBe(true);
      expect<bool>(abs(squares / <f64>n - variance) < 0.036).toBe(true);
      if (!k) expect<bool>(abs(fourth / <f64>n - 3.0) < 0.25).toBe(true);
      expect<bool>(k ? most > 1.99 && most < 2.00001 : most > 3.5).toBe(true);
      expectGuards(out, n, "normal");
    }
  });

  test("a shorter run is the beginning of a longer one", () => {
    const long = buffer(19);
    normal(long, 1.0, 0.0, 5, 2, 19);
    for (let n = 1; n < 19; n++) {
      const short = buffer(n);
      normal(short, 1.0, 0.0, 5, 2, n);
      expectBits(short, long, n, "prefix");
    }
  });
});

describe("orthogonal", () => {
  test("has orthonormal columns at every shape, its own for each seed", () => {
    const shapes: i32[] = [1, 1, 4, 1, 4, 4, 12, 3, 20, 5, 52, 13];
    for (let w = 0; w < shapes.length; w += 2) {
      const N = shapes[w];
      const R = shapes[w + 1];
      const q = buffer(N * R);
      const scratch = buffer(N * R);
      orthogonal(q, scratch, 3, 8, N, R);
      for (let a = 0; a < R; a++) {
        for (let b = 0; b <= a; b++) {
          let sum = 0.0;
          for (let n = 0; n < N; n++) sum += get(q, n * R + a) * get(q, n * R + b);
          expect<bool>(abs(sum - (a == b ? 1.0 : 0.0)) < 1e-6).toBe(true, N.toString() + "x" + R.toString());
        }
      }
      expectGuards(q, N * R, "orthogonal");
      const other = buffer(N * R);
      if (N > 1) {
        orthogonal(other, scratch, 4, 8, N, R);
        expect<bool>(memory.compare(q, other, (N * R) << 2) != 0).toBe(true);
      }
    }
  });
});
