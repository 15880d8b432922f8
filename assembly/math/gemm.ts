// Packed matrix products: C = init + A·B.
//
// B is packed once into panels of PANEL columns: panel p holds columns PANEL·p to PANEL·p + PANEL − 1 as [K][PANEL]; the last
// one is as narrow as whole tiles allow, with zeros past the last column. So a row alone reads memory from front to back, and a
// tile its share of a panel. A is read in place, row by row; the product with Aᵀ packs it into strips of MR of its columns.
//
// Every element of C is one accumulator that starts from its init and adds its K products in order. So the bits
// of a row depend neither on M nor on where a tile, or a block of K, begins: one row at a time or a
// thousand give the same result.
import { LANES, loadSome, madd, storeSome } from "./simd";
import { add } from "./vector";

/** Columns of a tile. */
const NR: i32 = 8;
/** Columns of a panel, which a row alone takes at a time: with fewer accumulators each addition would wait for the one before. */
const PANEL: i32 = 32;
/**
 * Rows of the main tile. 4 × 8 keeps 8 accumulators, 2 of B, 1 of A and a product in the 15 registers that V8 uses. A fused
 * multiply-add needs no register for the product, but 8 of them under way to keep both units busy with some to spare.
 */
const MR: i32 = ASC_FEATURE_RELAXED_SIMD ? 6 : 4;
/** Rows of B that gemmTN packs at a time: a tile's columns of them, and the strip of A, stay in the first-level cache. */
const KC: i32 = 128;
/** Up to so many columns of B gemmTN reads A in place: packing would cost more than rows of A that share a cache set. */
const IN_PLACE: i32 = 32;

/** Floats that a packed B of K rows and N columns takes, and what a row alone reads behind a last panel that is narrower. */
export function packedSize(K: i32, N: i32): i32 {
  return ((N + NR - 1) / NR) * NR * K + (PANEL - NR);
}

/** Bytes from row to row of the panel that column n is in. */
function rowBytes(N: i32, n: i32): usize {
  return <usize>min(PANEL, (N - (n & -PANEL) + NR - 1) & -NR) << 2;
}

/** Floats of the scratch that gemmTN needs for N columns. */
export function scratchSize(N: i32): i32 {
  return packedSize(KC, N) + MR * KC;
}

/** Where a tile's columns of B begin, from column n on, which is a multiple of NR. */
function tileOf(panels: usize, n: i32, K: i32): usize {
  return panels + (<usize>((n & -PANEL) * K + (n & (PANEL - 1))) << 2);
}

/** Packs B, whose element (k, n) is at b + k·rowB + n·colB (strides in bytes). */
export function pack(
  panels: usize, // [packedSize(K, N)]  out =   zeros past column N
  b: usize, //      [K,N] by strides    in
  rowB: usize,
  colB: usize,
  K: i32,
  N: i32,
): void {
  // By tiles: so few columns at a time that their cache lines stay, should B be transposed.
  for (let n = 0; n < N; n += NR)
    packColumns(tileOf(panels, n, K), rowBytes(N, n), b + <usize>n * colB, rowB, colB, K, min(NR, N - n), NR);
}

/** `columns` of B side by side, and zeros up to `width`: NR, or MR. */
function packColumns(p: usize, ldp: usize, b: usize, rowB: usize, colB: usize, K: i32, columns: i32, width: i32): void {
  const whole = colB == sizeof<f32>() && columns == width;
  for (let k = 0; k < K; k++) {
    if (whole) {
      v128.store(p, v128.load(b));
      // Of six columns the two vectors overlap.
      const second: usize = MR > LANES ? <usize>(width - LANES) << 2 : 16;
      if (width > LANES) v128.store(p + second, v128.load(b + second));
    } else {
      for (let j = 0; j < columns; j++) store<f32>(p + (<usize>j << 2), load<f32>(b + <usize>j * colB));
      for (let j = columns; j < width; j++) store<f32>(p + (<usize>j << 2), 0.0);
    }
    p += ldp;
    b += rowB;
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
  panels: usize, // [packedSize(K, N)]  in  from `pack`
  M: i32,
  N: i32,
  K: i32,
): void {
  let m = 0;
  // Fewer than four rows make no tile.
  for (let n = M < 4 ? N : 0; n < N; n += NR) {
    const at = <usize>n << 2;
    const panel = tileOf(panels, n, K);
    const ldb = rowBytes(N, n);
    for (m = 0; m <= M - MR; m += MR) {
      const row = <usize>m;
      tile(Tile.ROWS, c + at + row * ldc, ldc, init + at + row * ldi, ldi, a + row * lda, lda, panel, ldb, N - n, K);
    }
    if (MR > 4 && m <= M - 4) {
      const row = <usize>m;
      tile(Tile.FOUR_ROWS, c + at + row * ldc, ldc, init + at + row * ldi, ldi, a + row * lda, lda, panel, ldb, N - n, K);
      m += 4;
    }
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
  const panels = scratch + ((MR * KC) << 2);
  for (let k = 0; k < K; k += KC) {
    const depth = min(KC, K - k);
    pack(panels, b + <usize>k * ldc, ldc, sizeof<f32>(), depth, N);
    for (let m = 0; m < M; m += MR) {
      const rows = M - m;
      let strip = a + <usize>k * rowA + (<usize>m << 2);
      let step = rowA;
      if (N > IN_PLACE) {
        packColumns(scratch, MR << 2, strip, rowA, sizeof<f32>(), depth, min(MR, rows), MR);
        strip = scratch;
        step = MR << 2;
      }
      let row = c + <usize>m * ldc;
      if (rows >= MR) {
        for (let n = 0; n < N; n += NR) {
          const at = row + (<usize>n << 2);
          tile(Tile.STRIP, at, ldc, at, ldc, strip, step, tileOf(panels, n, depth), rowBytes(N, n), N - n, depth);
        }
      } else {
        for (let r = 0; r < rows; r++) {
          oneRow(row, row, strip + (<usize>r << 2), step, panels, N, depth);
          row += ldc;
        }
      }
    }
  }
}

/** Forms of the tile: A in rows, all of them or four, or in a strip. */
namespace Tile {
  export const ROWS: i32 = 0;
  export const FOUR_ROWS: i32 = 1; // where MR is more
  export const STRIP: i32 = 2;
}

/** Where a tile with fewer columns, or a row's last ones, are worked out as a whole one. */
const EDGE = memory.data(MR * NR * 4, 16);

/** A tile by up to eight columns. */
function tile(form: i32, c: usize, ldc: usize, i: usize, ldi: usize, a: usize, lda: usize, b: usize, ldb: usize, columns: i32, K: i32): void {
  if (columns >= NR) {
    wholeTile(form, c, ldc, i, ldi, a, lda, b, ldb, K);
    return;
  }
  const rows = form == Tile.FOUR_ROWS ? 4 : MR;
  for (let r = 0; r < rows; r++) copySome(EDGE + <usize>r * 32, i + <usize>r * ldi, columns, NR);
  wholeTile(form, EDGE, 32, EDGE, 32, a, lda, b, ldb, K);
  for (let r = 0; r < rows; r++) copySome(c + <usize>r * ldc, EDGE + <usize>r * 32, columns, NR);
}

function wholeTile(form: i32, c: usize, ldc: usize, i: usize, ldi: usize, a: usize, lda: usize, b: usize, ldb: usize, K: i32): void {
  if (form == Tile.STRIP) stripTile(c, ldc, i, ldi, a, lda, b, ldb, K);
  else if (MR > 4 && form == Tile.FOUR_ROWS) fourRowsTile(c, ldc, i, ldi, a, lda, b, ldb, K);
  else rowsTile(c, ldc, i, ldi, a, lda, b, ldb, K);
}

/** The first n values of `width`, of which only they are read and written. */
function copySome(to: usize, from: usize, n: i32, width: i32): void {
  for (let j = 0; j < width; j += LANES) {
    const at = <usize>j << 2;
    storeSome(to + at, loadSome(from + at, n - j), n - j);
  }
}

function rowsTile(c: usize, ldc: usize, i: usize, ldi: usize, a: usize, lda: usize, b: usize, ldb: usize, K: i32): void {
  product(c, ldc, i, ldi, a, lda, b, ldb, K, MR, false);
}
function fourRowsTile(c: usize, ldc: usize, i: usize, ldi: usize, a: usize, lda: usize, b: usize, ldb: usize, K: i32): void {
  product(c, ldc, i, ldi, a, lda, b, ldb, K, 4, false);
}
function stripTile(c: usize, ldc: usize, i: usize, ldi: usize, a: usize, lda: usize, b: usize, ldb: usize, K: i32): void {
  product(c, ldc, i, ldi, a, lda, b, ldb, K, MR, true);
}

/** Four or six rows by eight columns of C; K in order, not unrolled (V8 then spills). */
// @ts-ignore: decorator
@inline
function product(
  c: usize,
  ldc: usize,
  init: usize,
  ldi: usize,
  a: usize, //     by rows that are lda apart, or a strip: columns whose values for the next k are lda on
  lda: usize,
  b: usize, //     [K] rows of eight values, ldb apart
  ldb: usize,
  K: i32,
  rows: i32, //    constant, as is `strip`: what they leave out is not compiled
  strip: bool,
): void {
  let c00 = v128.load(init);
  let c01 = v128.load(init, 16);
  init += ldi;
  let c10 = v128.load(init);
  let c11 = v128.load(init, 16);
  init += ldi;
  let c20 = v128.load(init);
  let c21 = v128.load(init, 16);
  init += ldi;
  let c30 = v128.load(init);
  let c31 = v128.load(init, 16);
  init += ldi;
  let c40 = rows > 4 ? v128.load(init) : f32x4.splat(0.0);
  let c41 = rows > 4 ? v128.load(init, 16) : f32x4.splat(0.0);
  init += ldi;
  let c50 = rows > 5 ? v128.load(init) : f32x4.splat(0.0);
  let c51 = rows > 5 ? v128.load(init, 16) : f32x4.splat(0.0);
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
    b += ldb;
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  c += ldc;
  v128.store(c, c10);
  v128.store(c, c11, 16);
  c += ldc;
  v128.store(c, c20);
  v128.store(c, c21, 16);
  c += ldc;
  v128.store(c, c30);
  v128.store(c, c31, 16);
  c += ldc;
  if (rows > 4) {
    v128.store(c, c40);
    v128.store(c, c41, 16);
    c += ldc;
    v128.store(c, c50);
    v128.store(c, c51, 16);
  }
}

/** One row of C, a panel at a time; A's next value is `step` bytes on. */
function oneRow(c: usize, init: usize, a: usize, step: usize, panels: usize, N: i32, K: i32): void {
  for (let n = 0; n < N; n += PANEL) {
    const columns = N - n;
    const panel = tileOf(panels, n, K);
    if (columns >= PANEL) rowTile(c, init, a, step, panel, PANEL << 2, K);
    else {
      copySome(EDGE, init, columns, PANEL);
      rowTile(EDGE, EDGE, a, step, panel, rowBytes(N, n), K);
      copySome(c, EDGE, columns, PANEL);
    }
    c += PANEL << 2;
    init += PANEL << 2;
  }
}

/**
 * One row by 32 columns of C; behind a narrower panel's row it reads what comes next, for columns that are not there. A function
 * of its own: among more variables V8 before 13 spills.
 */
function rowTile(c: usize, init: usize, a: usize, step: usize, b: usize, ldb: usize, K: i32): void {
  let c0 = v128.load(init);
  let c1 = v128.load(init, 16);
  let c2 = v128.load(init, 32);
  let c3 = v128.load(init, 48);
  let c4 = v128.load(init, 64);
  let c5 = v128.load(init, 80);
  let c6 = v128.load(init, 96);
  let c7 = v128.load(init, 112);
  for (let k = 0; k < K; k++) {
    const s = v128.load32_splat(a);
    c0 = madd(s, v128.load(b), c0);
    c1 = madd(s, v128.load(b, 16), c1);
    c2 = madd(s, v128.load(b, 32), c2);
    c3 = madd(s, v128.load(b, 48), c3);
    c4 = madd(s, v128.load(b, 64), c4);
    c5 = madd(s, v128.load(b, 80), c5);
    c6 = madd(s, v128.load(b, 96), c6);
    c7 = madd(s, v128.load(b, 112), c7);
    a += step;
    b += ldb;
  }
  v128.store(c, c0);
  v128.store(c, c1, 16);
  v128.store(c, c2, 32);
  v128.store(c, c3, 48);
  v128.store(c, c4, 64);
  v128.store(c, c5, 80);
  v128.store(c, c6, 96);
  v128.store(c, c7, 112);
}

/** Columns that columnSums adds up at a time: parts of rows long enough to be fetched ahead, and their sums stay in the cache. */
const SUMS: i32 = 256;
const TOTAL = memory.data(SUMS * 4, 16);

/** out[n] += Σ_m a[m, n], and the same into out2 unless it is 0: the gradients of a bias, or of two that are added. */
export function columnSums(
  out: usize, //  [N]    +=
  out2: usize, // [N]    +=  or 0
  a: usize, //    [M,N]  in
  M: i32,
  N: i32,
): void {
  for (let n = 0; n < N; n += SUMS) {
    const at = <usize>n << 2;
    const columns = min(SUMS, N - n);
    memory.fill(TOTAL, 0, SUMS * 4);
    for (let m = 0; m < M; m++) add(TOTAL, TOTAL, a + at + (<usize>(m * N) << 2), columns);
    add(out + at, out + at, TOTAL, columns);
    if (out2) add(out2 + at, out2 + at, TOTAL, columns);
  }
}
