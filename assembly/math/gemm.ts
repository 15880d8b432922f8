// Packed matrix products: C = init + A·B.
//
// B is packed once into panels of NR columns: panel p holds columns NR·p to NR·p + NR − 1 as [K][NR], with
// zeros past the last column. A is read in place through two strides, so the one kernel serves
// A·B, A·Bᵀ (pack B transposed) and Aᵀ·B (swap the strides of A).
//
// Every element of C is one accumulator that starts from its init and adds its K products in order. So the bits
// of a row depend neither on M nor on where a tile, or a block of K, begins: one row at a time or a
// thousand give the same result.
import { LANES, loadLanes, madd, storeLanes } from "./simd";

/** Columns of a panel, and rows of the main tile: 4 × 8 keeps 8 accumulators, 2 of B and 1 of A in registers. */
const NR: i32 = 8;
const MR: i32 = 4;
/** Rows of B that gemmTN packs at a time, so that its column-wise reads of A stay in the first-level cache. */
const KC: i32 = 64;

/** Floats that a packed B of K rows and N columns takes. */
export function packedSize(K: i32, N: i32): i32 {
  return ((N + NR - 1) / NR) * NR * K;
}

/** Floats of the scratch panels that gemmTN needs for N columns. */
export function scratchSize(N: i32): i32 {
  return packedSize(KC, N);
}

/** Packs B, whose element (k, n) is at b + k·rowB + n·colB (strides in bytes). */
export function pack(
  panels: usize, // [⌈N/8⌉, K, 8]  out =   zeros past column N
  b: usize, //      [K,N] by strides  in
  rowB: usize,
  colB: usize,
  K: i32,
  N: i32,
): void {
  for (let n = 0; n < N; n += NR) {
    const columns = min(NR, N - n);
    const from = b + <usize>n * colB;
    if (colB == sizeof<f32>()) {
      for (let k = 0; k < K; k++) {
        const row = from + <usize>k * rowB;
        v128.store(panels, loadLanes(row, columns));
        v128.store(panels, loadLanes(row + 16, columns - LANES), 16);
        panels += NR * sizeof<f32>();
      }
    } else {
      for (let k = 0; k < K; k++) {
        const row = from + <usize>k * rowB;
        for (let j = 0; j < columns; j++) store<f32>(panels + (<usize>j << 2), load<f32>(row + <usize>j * colB));
        for (let j = columns; j < NR; j++) store<f32>(panels + (<usize>j << 2), 0.0);
        panels += NR * sizeof<f32>();
      }
    }
  }
}

/** C = init + A·B for a packed B. Element (m, k) of A is at a + m·rowA + k·colA; all strides in bytes. */
export function gemm(
  c: usize, //      [M,N] by ldc   out =   may alias init, not A or B
  ldc: usize,
  init: usize, //   [M,N] by ldi   in      ldi 0: one row [N] for all
  ldi: usize,
  a: usize, //      [M,K] by rowA, colA   in
  rowA: usize,
  colA: usize,
  panels: usize, // [⌈N/8⌉, K, 8]  in      from `pack`
  M: i32,
  N: i32,
  K: i32,
): void {
  const panelBytes = <usize>K * NR * sizeof<f32>();
  const tiled = M - (M % MR);
  let panel = panels;
  for (let n = 0; n < N; n += NR) {
    const at = <usize>n << 2;
    for (let m = 0; m < tiled; m += MR) {
      const row = <usize>m;
      tile4(c + at + row * ldc, ldc, init + at + row * ldi, ldi, a + row * rowA, rowA, colA, panel, N - n, K);
    }
    panel += panelBytes;
  }
  // The last one to three rows, and all of a product with a vector, take two panels at a time: with one, each addition
  // would wait for the one before it.
  for (let m = tiled; m < M; m++) {
    const row = <usize>m;
    panel = panels;
    for (let n = 0; n < N; n += 2 * NR) {
      const at = <usize>n << 2;
      // A last panel without a partner is read twice; the second time nothing is stored.
      const partner = N - n > NR ? panelBytes : 0;
      tile1(c + at + row * ldc, init + at + row * ldi, a + row * rowA, colA, panel, panel + partner, N - n, K);
      panel += 2 * panelBytes;
    }
  }
}

/** C += Aᵀ·B, neither packed: the weight gradients, with K = T·B. */
export function gemmTN(
  c: usize, //      [M,N]  +=
  a: usize, //      [K,M] by rowA, the bytes from row to row  in
  rowA: usize,
  b: usize, //      [K,N]  in
  panels: usize, // [scratchSize(N)]  scratch
  M: i32,
  N: i32,
  K: i32,
): void {
  const rowB = <usize>N << 2;
  for (let k = 0; k < K; k += KC) {
    const rows = min(KC, K - k);
    pack(panels, b + <usize>k * rowB, rowB, sizeof<f32>(), rows, N);
    gemm(c, rowB, c, rowB, a + <usize>k * rowA, sizeof<f32>(), rowA, panels, M, N, rows);
  }
}

/** Four rows by up to eight columns of C; K in order, not unrolled (V8 before 12 spills otherwise). */
function tile4(
  c: usize,
  ldc: usize,
  init: usize,
  ldi: usize,
  a: usize,
  rowA: usize,
  colA: usize,
  b: usize,
  columns: i32,
  K: i32,
): void {
  const right = columns - LANES;
  let i = init;
  let c00 = loadLanes(i, columns);
  let c01 = loadLanes(i + 16, right);
  i += ldi;
  let c10 = loadLanes(i, columns);
  let c11 = loadLanes(i + 16, right);
  i += ldi;
  let c20 = loadLanes(i, columns);
  let c21 = loadLanes(i + 16, right);
  i += ldi;
  let c30 = loadLanes(i, columns);
  let c31 = loadLanes(i + 16, right);
  let a1 = a + rowA;
  let a2 = a1 + rowA;
  let a3 = a2 + rowA;
  for (let k = 0; k < K; k++) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let s = v128.load32_splat(a);
    c00 = madd(s, b0, c00);
    c01 = madd(s, b1, c01);
    s = v128.load32_splat(a1);
    c10 = madd(s, b0, c10);
    c11 = madd(s, b1, c11);
    s = v128.load32_splat(a2);
    c20 = madd(s, b0, c20);
    c21 = madd(s, b1, c21);
    s = v128.load32_splat(a3);
    c30 = madd(s, b0, c30);
    c31 = madd(s, b1, c31);
    a += colA;
    a1 += colA;
    a2 += colA;
    a3 += colA;
    b += NR * sizeof<f32>();
  }
  storeLanes(c, c00, columns);
  storeLanes(c + 16, c01, right);
  c += ldc;
  storeLanes(c, c10, columns);
  storeLanes(c + 16, c11, right);
  c += ldc;
  storeLanes(c, c20, columns);
  storeLanes(c + 16, c21, right);
  c += ldc;
  storeLanes(c, c30, columns);
  storeLanes(c + 16, c31, right);
}

/** One row by up to sixteen columns of C, from two panels. */
function tile1(c: usize, init: usize, a: usize, colA: usize, b: usize, next: usize, columns: i32, K: i32): void {
  let c0 = loadLanes(init, columns);
  let c1 = loadLanes(init + 16, columns - LANES);
  let c2 = loadLanes(init + 32, columns - 2 * LANES);
  let c3 = loadLanes(init + 48, columns - 3 * LANES);
  for (let k = 0; k < K; k++) {
    const s = v128.load32_splat(a);
    c0 = madd(s, v128.load(b), c0);
    c1 = madd(s, v128.load(b, 16), c1);
    c2 = madd(s, v128.load(next), c2);
    c3 = madd(s, v128.load(next, 16), c3);
    a += colA;
    b += NR * sizeof<f32>();
    next += NR * sizeof<f32>();
  }
  storeLanes(c, c0, columns);
  storeLanes(c + 16, c1, columns - LANES);
  storeLanes(c + 32, c2, columns - 2 * LANES);
  storeLanes(c + 48, c3, columns - 3 * LANES);
}

/** out[n] += Σ_m a[m, n], and the same into out2 unless it is 0: the gradients of a bias, or of two that are added. */
export function columnSums(
  out: usize, //  [N]    +=
  out2: usize, // [N]    +=  or 0
  a: usize, //    [M,N]  in
  M: i32,
  N: i32,
): void {
  const row = <usize>N << 2;
  for (let n = 0; n < N; n += LANES) {
    const at = <usize>n << 2;
    const lanes = N - n;
    let total = f32x4.splat(0.0);
    let from = a + at;
    for (let m = 0; m < M; m++) {
      total = f32x4.add(total, loadLanes(from, lanes));
      from += row;
    }
    storeLanes(out + at, f32x4.add(loadLanes(out + at, lanes), total), lanes);
    if (out2) storeLanes(out2 + at, f32x4.add(loadLanes(out2 + at, lanes), total), lanes);
  }
}
