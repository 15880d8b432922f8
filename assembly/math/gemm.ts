// Packed matrix products: C = init + A·B.
//
// B is packed once into panels of NR columns: panel p holds columns NR·p to NR·p + NR − 1 as [K][NR], with
// zeros past the last column. A is read in place, row by row; the product with Aᵀ packs it into strips of SR of its columns.
//
// Every element of C is one accumulator that starts from its init and adds its K products in order. So the bits
// of a row depend neither on M nor on where a tile, or a block of K, begins: one row at a time or a
// thousand give the same result.
import { LANES, loadLanes, madd, storeLanes } from "./simd";

/** Columns of a panel. */
const NR: i32 = 8;
/**
 * Rows of the main tile. 4 × 8 keeps 8 accumulators, 2 of B, 1 of A and a product in the 15 registers that V8 uses. A fused
 * multiply-add needs no register for the product, but 8 of them under way to keep both units busy with some to spare.
 */
const MR: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 4;
/** Panels that a row alone takes at a time: with fewer accumulators each addition would wait for the one before it. */
const PANELS: i32 = 4;
/** Rows of B that gemmTN packs at a time: a panel of them, and the strips of A, stay in the first-level cache. */
const KC: i32 = 128;
/** Columns of a strip of A, and how many columns gemmTN packs at a time: a cache line. */
const SR: i32 = 4;
const MC: i32 = 16;
/** Up to so many columns of B gemmTN reads A in place: packing would cost more than rows of A that share a cache set. */
const IN_PLACE: i32 = 32;

/** Floats that a packed B of K rows and N columns takes. */
export function packedSize(K: i32, N: i32): i32 {
  return ((N + NR - 1) / NR) * NR * K;
}

/** Floats of the scratch that gemmTN needs for N columns. */
export function scratchSize(N: i32): i32 {
  return packedSize(KC, N) + MC * KC;
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
  packColumns(panels, b, rowB, colB, K, N, NR);
}

/** The same in panels of `width` columns: NR, or SR. */
function packColumns(panels: usize, b: usize, rowB: usize, colB: usize, K: i32, N: i32, width: i32): void {
  for (let n = 0; n < N; n += width) {
    const columns = min(width, N - n);
    const whole = colB == sizeof<f32>() && columns == width;
    let row = b + <usize>n * colB;
    for (let k = 0; k < K; k++) {
      if (whole) {
        v128.store(panels, v128.load(row));
        if (width > SR) v128.store(panels, v128.load(row, 16), 16);
      } else {
        for (let j = 0; j < columns; j++) store<f32>(panels + (<usize>j << 2), load<f32>(row + <usize>j * colB));
        for (let j = columns; j < width; j++) store<f32>(panels + (<usize>j << 2), 0.0);
      }
      panels += <usize>width << 2;
      row += rowB;
    }
  }
}

/** C = init + A·B for a packed B; all strides in bytes. */
export function gemm(
  c: usize, //      [M,N] by ldc   out =   may alias init, not A or B
  ldc: usize,
  init: usize, //   [M,N] by ldi   in      ldi 0: one row [N] for all
  ldi: usize,
  a: usize, //      [M,K] by lda   in
  lda: usize,
  panels: usize, // [⌈N/8⌉, K, 8]  in      from `pack`
  M: i32,
  N: i32,
  K: i32,
): void {
  const panelBytes = <usize>K * NR * sizeof<f32>();
  let panel = panels;
  let m = 0;
  for (let n = 0; n < N; n += NR) {
    const at = <usize>n << 2;
    for (m = 0; m <= M - MR; m += MR) {
      const row = <usize>m;
      rowsTile(c + at + row * ldc, ldc, init + at + row * ldi, ldi, a + row * lda, lda, panel, N - n, K);
    }
    if (MR > 4 && m <= M - 4) {
      const row = <usize>m;
      fourRowsTile(c + at + row * ldc, ldc, init + at + row * ldi, ldi, a + row * lda, lda, panel, N - n, K);
      m += 4;
    }
    panel += panelBytes;
  }
  for (; m < M; m++) {
    const row = <usize>m;
    oneRow(c + row * ldc, init + row * ldi, a + row * lda, sizeof<f32>(), panels, N, K);
  }
}

/** C += Aᵀ·B, neither packed: the weight gradients, with K = T·B. */
export function gemmTN(
  c: usize, //       [M,N]  +=
  a: usize, //       [K,M] by rowA, the bytes from row to row  in
  rowA: usize,
  b: usize, //       [K,N]  in
  scratch: usize, // [scratchSize(N)]
  M: i32,
  N: i32,
  K: i32,
): void {
  const ldc = <usize>N << 2;
  const panels = scratch + ((MC * KC) << 2);
  for (let k = 0; k < K; k += KC) {
    const depth = min(KC, K - k);
    const panelBytes = <usize>depth * NR * sizeof<f32>();
    packColumns(panels, b + <usize>k * ldc, ldc, sizeof<f32>(), depth, N, NR);
    for (let m = 0; m < M; m += MC) {
      const columns = min(MC, M - m);
      let strip = a + <usize>k * rowA + (<usize>m << 2);
      let step = rowA;
      if (N > IN_PLACE) {
        packColumns(scratch, strip, rowA, sizeof<f32>(), depth, columns, SR);
        strip = scratch;
        step = SR << 2;
      }
      let row = c + <usize>m * ldc;
      for (let s = 0; s < columns; s += SR) {
        const rows = columns - s;
        if (rows >= SR) {
          let panel = panels;
          for (let n = 0; n < N; n += NR) {
            const at = row + (<usize>n << 2);
            stripTile(at, ldc, at, ldc, strip, step, panel, N - n, depth);
            panel += panelBytes;
          }
          row += ldc << 2;
        } else {
          for (let r = 0; r < rows; r++) {
            oneRow(row, row, strip + (<usize>r << 2), step, panels, N, depth);
            row += ldc;
          }
        }
        strip += N > IN_PLACE ? <usize>(depth * SR) << 2 : SR << 2;
      }
    }
  }
}

// The tile in its forms: A in rows, all of them or four, or in a strip.
function rowsTile(c: usize, ldc: usize, i: usize, ldi: usize, a: usize, lda: usize, b: usize, columns: i32, K: i32): void {
  tile(c, ldc, i, ldi, a, lda, b, columns, K, MR, false);
}
function fourRowsTile(c: usize, ldc: usize, i: usize, ldi: usize, a: usize, lda: usize, b: usize, columns: i32, K: i32): void {
  tile(c, ldc, i, ldi, a, lda, b, columns, K, 4, false);
}
function stripTile(c: usize, ldc: usize, i: usize, ldi: usize, a: usize, lda: usize, b: usize, columns: i32, K: i32): void {
  tile(c, ldc, i, ldi, a, lda, b, columns, K, SR, true);
}

/** Four or six rows by up to eight columns of C; K in order, not unrolled (V8 then spills). */
// @ts-ignore: decorator
@inline
function tile(
  c: usize,
  ldc: usize,
  init: usize,
  ldi: usize,
  a: usize, //     by rows that are lda apart, or a strip: four columns whose values for the next k are lda on
  lda: usize,
  b: usize, //     [K][8]
  columns: i32,
  K: i32,
  rows: i32, //    constant, as is `strip`: what they leave out is not compiled
  strip: bool,
): void {
  const right = columns - LANES;
  let c00 = loadLanes(init, columns);
  let c01 = loadLanes(init + 16, right);
  init += ldi;
  let c10 = loadLanes(init, columns);
  let c11 = loadLanes(init + 16, right);
  init += ldi;
  let c20 = loadLanes(init, columns);
  let c21 = loadLanes(init + 16, right);
  init += ldi;
  let c30 = loadLanes(init, columns);
  let c31 = loadLanes(init + 16, right);
  init += ldi;
  let c40 = rows > 4 ? loadLanes(init, columns) : f32x4.splat(0.0);
  let c41 = rows > 4 ? loadLanes(init + 16, right) : f32x4.splat(0.0);
  init += ldi;
  let c50 = rows > 5 ? loadLanes(init, columns) : f32x4.splat(0.0);
  let c51 = rows > 5 ? loadLanes(init + 16, right) : f32x4.splat(0.0);
  let a1 = a + lda;
  let a2 = a1 + lda;
  let a3 = a2 + lda;
  let a4 = a3 + lda;
  let a5 = a4 + lda;
  for (let k = 0; k < K; k++) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let s = v128.load32_splat(a);
    c00 = madd(s, b0, c00);
    c01 = madd(s, b1, c01);
    s = strip ? v128.load32_splat(a, 4) : v128.load32_splat(a1);
    c10 = madd(s, b0, c10);
    c11 = madd(s, b1, c11);
    s = strip ? v128.load32_splat(a, 8) : v128.load32_splat(a2);
    c20 = madd(s, b0, c20);
    c21 = madd(s, b1, c21);
    s = strip ? v128.load32_splat(a, 12) : v128.load32_splat(a3);
    c30 = madd(s, b0, c30);
    c31 = madd(s, b1, c31);
    if (rows > 4) {
      s = strip ? v128.load32_splat(a, 16) : v128.load32_splat(a4);
      c40 = madd(s, b0, c40);
      c41 = madd(s, b1, c41);
      s = strip ? v128.load32_splat(a, 20) : v128.load32_splat(a5);
      c50 = madd(s, b0, c50);
      c51 = madd(s, b1, c51);
    }
    a += strip ? lda : sizeof<f32>();
    if (!strip) {
      a1 += sizeof<f32>();
      a2 += sizeof<f32>();
      a3 += sizeof<f32>();
      if (rows > 4) {
        a4 += sizeof<f32>();
        a5 += sizeof<f32>();
      }
    }
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
  c += ldc;
  if (rows > 4) {
    storeLanes(c, c40, columns);
    storeLanes(c + 16, c41, right);
    c += ldc;
    storeLanes(c, c50, columns);
    storeLanes(c + 16, c51, right);
  }
}

/** One row of C, PANELS panels at a time; A's next value is `step` bytes on. */
function oneRow(c: usize, init: usize, a: usize, step: usize, b0: usize, N: i32, K: i32): void {
  const panelBytes = <usize>K * NR * sizeof<f32>();
  for (let n = 0; n < N; n += PANELS * NR) {
    const left = N - n;
    // Panels that are not there are the first again; nothing of them is stored.
    let b1 = b0 + (left > NR ? panelBytes : 0);
    let b2 = b0 + (left > 2 * NR ? 2 * panelBytes : 0);
    let b3 = b0 + (left > 3 * NR ? 3 * panelBytes : 0);
    let c0 = loadLanes(init, left);
    let c1 = loadLanes(init + 16, left - 4);
    let c2 = loadLanes(init + 32, left - 8);
    let c3 = loadLanes(init + 48, left - 12);
    let c4 = loadLanes(init + 64, left - 16);
    let c5 = loadLanes(init + 80, left - 20);
    let c6 = loadLanes(init + 96, left - 24);
    let c7 = loadLanes(init + 112, left - 28);
    let x = a;
    for (let k = 0; k < K; k++) {
      const s = v128.load32_splat(x);
      c0 = madd(s, v128.load(b0), c0);
      c1 = madd(s, v128.load(b0, 16), c1);
      c2 = madd(s, v128.load(b1), c2);
      c3 = madd(s, v128.load(b1, 16), c3);
      c4 = madd(s, v128.load(b2), c4);
      c5 = madd(s, v128.load(b2, 16), c5);
      c6 = madd(s, v128.load(b3), c6);
      c7 = madd(s, v128.load(b3, 16), c7);
      x += step;
      b0 += NR * sizeof<f32>();
      b1 += NR * sizeof<f32>();
      b2 += NR * sizeof<f32>();
      b3 += NR * sizeof<f32>();
    }
    storeLanes(c, c0, left);
    storeLanes(c + 16, c1, left - 4);
    storeLanes(c + 32, c2, left - 8);
    storeLanes(c + 48, c3, left - 12);
    storeLanes(c + 64, c4, left - 16);
    storeLanes(c + 80, c5, left - 20);
    storeLanes(c + 96, c6, left - 24);
    storeLanes(c + 112, c7, left - 28);
    b0 += 3 * panelBytes;
    c += PANELS * NR * sizeof<f32>();
    init += PANELS * NR * sizeof<f32>();
  }
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
