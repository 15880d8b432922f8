import { columnSums, gemm, gemmTN, pack, packedSize, scratchSize } from "../math/gemm";
import { buffer, copy, expectBits, expectClose, expectGuards, get, random, sumTolerance, values } from "./support";

/**
 * Below, at and above the tiles of 4 or 6 rows and 8 columns, the 32 columns of a row alone, the 4 columns of A that gemmTN packs
 * at a time, the 32 columns of B from which on it packs A at all, and its block of 128 in K.
 */
const SIZES: i32[] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 15, 16, 17, 31, 32, 33, 41];
const DEPTHS: i32[] = [1, 2, 3, 5, 8, 17, 127, 128, 129, 260];

/** init + A·B in float64, for elements at m·rowA + k·colA and k·rowB + n·colB. */
function product(init: Float64Array, a: usize, rowA: i32, colA: i32, b: usize, rowB: i32, colB: i32, M: i32, N: i32, K: i32): Float64Array {
  const want = new Float64Array(M * N);
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      let sum = init[m * N + n];
      for (let k = 0; k < K; k++) sum += get(a, m * rowA + k * colA) * get(b, k * rowB + n * colB);
      want[m * N + n] = sum;
    }
  }
  return want;
}

/** Packs a B [K,N] (or, transposed, [N,K]) into poisoned panels. */
function packed(b: usize, transposed: bool, K: i32, N: i32): usize {
  const panels = buffer(packedSize(K, N));
  if (transposed) pack(panels, b, 4, <usize>K << 2, K, N);
  else pack(panels, b, <usize>N << 2, 4, K, N);
  expectGuards(panels, packedSize(K, N), "pack");
  return panels;
}

describe("pack", () => {
  test("puts panels of 32 columns behind each other, the last of whole tiles with zeros past its last column, from either order", () => {
    for (let N = 1; N <= 75; N++) {
      const K = 3;
      const b = random(K * N, 1);
      const panels = packed(b, false, K, N);
      const turned = buffer(K * N);
      for (let k = 0; k < K; k++) for (let n = 0; n < N; n++) store<f32>(turned + (<usize>(n * K + k) << 2), <f32>get(b, k * N + n));
      expectBits(packed(turned, true, K, N), panels, packedSize(K, N), "transposed");
      const columns = ((N + 7) / 8) * 8;
      for (let n = 0; n < columns; n++) {
        const first = (n / 32) * 32;
        const width = min(32, columns - first);
        for (let k = 0; k < K; k++) expect<f64>(get(panels, first * K + k * width + (n - first))).toBe(n < N ? get(b, k * N + n) : 0.0);
      }
    }
  });
});

describe("gemm", () => {
  test("A·Bᵀ + row: the forward form, at every size", () => {
    for (let i = 0; i < SIZES.length; i++) {
      for (let j = 0; j < SIZES.length; j++) {
        const M = SIZES[i];
        const N = SIZES[j];
        const K = DEPTHS[(i + 3 * j) % DEPTHS.length];
        const a = random(M * K, 1);
        const b = random(N * K, 2);
        const row = random(N, 3);
        const init = new Float64Array(M * N);
        for (let k = 0; k < M * N; k++) init[k] = get(row, k % N);
        const c = buffer(M * N);
        gemm(c, <usize>N << 2, row, 0, a, <usize>K << 2, packed(b, true, K, N), M, N, K);
        expectClose(c, product(init, a, K, 1, b, 1, K, M, N, K), sumTolerance(K), "NT " + M.toString() + "x" + N.toString() + "x" + K.toString());
      }
    }
  });

  test("C += A·B: the form of dX, in place, at every size", () => {
    for (let i = 0; i < SIZES.length; i++) {
      for (let j = 0; j < DEPTHS.length; j++) {
        const M = SIZES[i];
        const N = SIZES[(i + 5 * j) % SIZES.length];
        const K = DEPTHS[j];
        const a = random(M * K, 4);
        const b = random(N * K, 5);
        const c = random(M * N, 6);
        const want = product(values(c, M * N), a, K, 1, b, N, 1, M, N, K);
        gemm(c, <usize>N << 2, c, <usize>N << 2, a, <usize>K << 2, packed(b, false, K, N), M, N, K);
        expectClose(c, want, sumTolerance(K), "NN " + M.toString() + "x" + N.toString() + "x" + K.toString());
      }
    }
  });

  test("leaves alone what lies between the rows of a wider C", () => {
    const M = 5;
    const N = 11;
    const K = 4;
    const wide = N + 3;
    const c = buffer(M * wide);
    const row = random(N, 3);
    const a = random(M * K, 1);
    gemm(c, <usize>wide << 2, row, 0, a, <usize>K << 2, packed(random(N * K, 2), true, K, N), M, N, K);
    for (let m = 0; m < M; m++) {
      for (let n = 0; n < wide; n++) expect<bool>(isNaN(get(c, m * wide + n))).toBe(n >= N);
    }
    expectGuards(c, M * wide, "wide C");
  });

  test("a row has the same bits alone as among others", () => {
    const M = 13;
    const N = 19;
    const K = 70;
    const a = random(M * K, 1);
    const panels = packed(random(N * K, 2), true, K, N);
    const row = random(N, 3);
    const all = buffer(M * N);
    gemm(all, <usize>N << 2, row, 0, a, <usize>K << 2, panels, M, N, K);
    const one = buffer(N);
    for (let m = 0; m < M; m++) {
      gemm(one, <usize>N << 2, row, 0, a + (<usize>(m * K) << 2), <usize>K << 2, panels, 1, N, K);
      expectBits(one, all + (<usize>(m * N) << 2), N, "row " + m.toString());
    }
  });
});

describe("gemmTN", () => {
  test("C += Aᵀ·B: the form of dW, at every size, from a wider A too", () => {
    for (let i = 0; i < SIZES.length; i++) {
      for (let j = 0; j < DEPTHS.length; j++) {
        const M = SIZES[i];
        const N = SIZES[(i + 5 * j) % SIZES.length];
        const K = DEPTHS[j];
        const wide = M + (j % 3);
        const a = random(K * wide, 7);
        const b = random(K * N, 8);
        const c = random(M * N, 9);
        const want = product(values(c, M * N), a, 1, wide, b, N, 1, M, N, K);
        const panels = buffer(scratchSize(N));
        gemmTN(c, a, <usize>wide << 2, b, panels, M, N, K);
        expectClose(c, want, sumTolerance(K), "TN " + M.toString() + "x" + N.toString() + "x" + K.toString());
        expectGuards(panels, scratchSize(N), "panels");
      }
    }
  });
});

describe("columnSums", () => {
  test("adds the sum of each column to one output or to both", () => {
    for (let N = 1; N <= 13; N++) {
      const M = 7;
      const a = random(M * N, 1);
      const first = random(N, 2);
      const second = copy(first, N);
      const single = copy(first, N);
      const want = values(first, N);
      for (let m = 0; m < M; m++) for (let n = 0; n < N; n++) want[n] += get(a, m * N + n);
      columnSums(first, second, a, M, N);
      columnSums(single, 0, a, M, N);
      expectClose(first, want, sumTolerance(M), "first");
      expectClose(second, want, sumTolerance(M), "second");
      expectBits(single, first, N, "single");
    }
  });
});
