// exp, sigmoid and tanh on four lanes, and over arrays.
//
// The figure above each function is its largest error over all 2^32 float32 arguments, measured against
// float64, in units in the last place of the result (0.5 is the best a rounded result can do).
//
// Method: x = n·ln 2 + r with |r| ≤ ln 2 / 2, and e^r − 1 by the polynomial of Cephes' expf
// (S. L. Moshier, single/expf.c), so that arguments near 0 lose nothing.
import { constant, LANES, loadSome, madd, nmadd, ONE, storeSome } from "./simd";

const LOG2E = memory.data<f32>([1.44269504], 4);
/** 1.5·2^23: adding it rounds a small f32 to an integer, which is then in the low mantissa bits. */
const ROUND = memory.data<f32>([12582912.0], 4);
/** ln 2 in two parts, the first with trailing zero bits, so that n·LN2_HIGH is exact. */
const LN2_HIGH = memory.data<f32>([0.693359375], 4);
const LN2_LOW = memory.data<f32>([-2.12194440e-4], 4);
/** Coefficients of the polynomial, the highest first. */
const P = memory.data<f32>(
  [1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1],
  4,
);
const ZERO_NEGATIVE = memory.data<f32>([-0.0], 4);
const TWO = memory.data<f32>([2.0], 4);
/** Beyond these e^x is 0 or infinite. */
const EXP_LOW = memory.data<f32>([-104.0], 4);
const EXP_HIGH = memory.data<f32>([89.0], 4);
/** Beyond these σ(−x) is 1, or under the smallest normal number. */
const SIGMOID_LOW = memory.data<f32>([-87.0], 4);
const SIGMOID_HIGH = memory.data<f32>([88.0], 4);
const MINUS_TWO = memory.data<f32>([-2.0], 4);
/** Coefficients of tanh's polynomial, the highest first, and where it ends. */
const Q = memory.data<f32>(
  [-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1],
  4,
);
const TANH_NEAR = memory.data<f32>([0.625], 4);
/** Of −2|x|: up to here |tanh x| is 1. */
const TANH_LOW = memory.data<f32>([-20.0], 4);

/** x·log2 e rounded to an integer n, still carrying ROUND: n is in the low bits. */
// @ts-ignore: decorator
@inline
function biasedExponent(x: v128): v128 {
  return madd(x, constant(LOG2E), constant(ROUND));
}

/** e^r − 1 for the r of x = n·ln 2 + r; the polynomial in pairs (Estrin), so that fewer operations wait for each other. */
// @ts-ignore: decorator
@inline
function expm1Reduced(x: v128, biased: v128): v128 {
  const n = f32x4.sub(biased, constant(ROUND));
  const r = nmadd(n, constant(LN2_LOW), nmadd(n, constant(LN2_HIGH), x));
  const r2 = f32x4.mul(r, r);
  const high = madd(constant(P), r, constant(P + 4));
  const middle = madd(constant(P + 8), r, constant(P + 12));
  const low = madd(constant(P + 16), r, constant(P + 20));
  return madd(r2, madd(madd(high, r2, middle), r2, low), r);
}

/** 2^k for integer lanes k from −126 to 127; what stands above their nine low bits does not matter, so they may carry ROUND. */
// @ts-ignore: decorator
@inline
function pow2(k: v128): v128 {
  return i32x4.add(i32x4.shl(k, 23), constant(ONE)); // the bits of 1 are an exponent of 127
}

/** e^x. Largest error: 1.004 (relaxed build 1.028) units in the last place. */
// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  // pmin(pmax(x, …), …) keeps a NaN.
  x = f32x4.pmin(f32x4.pmax(x, constant(EXP_LOW)), constant(EXP_HIGH));
  const biased = biasedExponent(x);
  const e = f32x4.add(expm1Reduced(x, biased), constant(ONE));
  // 2^n in two factors, so that subnormal results and the last ones before overflow come out right.
  const n = i32x4.sub(biased, constant(ROUND));
  const half = i32x4.shr_s(n, 1);
  return f32x4.mul(f32x4.mul(e, pow2(half)), pow2(i32x4.sub(n, half)));
}

/**
 * σ(x) = 1 / (1 + e^−x). Largest error: 1.769 (relaxed build 1.720) units in the last place for x ≥ −88. Below, where its
 * value is subnormal, it answers 0: off by less than 6.1e-39.
 */
// @ts-ignore: decorator
@inline
export function sigmoid4(x: v128): v128 {
  const y = f32x4.pmin(f32x4.pmax(f32x4.neg(x), constant(SIGMOID_LOW)), constant(SIGMOID_HIGH));
  const biased = biasedExponent(y);
  const s = pow2(biased);
  const one = constant(ONE);
  // d = 1 + e^y = (1 + s) + s·(e^r − 1); what rounding took from 1 + s goes back into the small term.
  const a = f32x4.add(one, s);
  const lost = f32x4.sub(one, f32x4.sub(a, s));
  const d = f32x4.add(madd(expm1Reduced(y, biased), s, lost), a);
  // Under the smallest normal number: 0.
  return v128.andnot(f32x4.div(one, d), f32x4.gt(f32x4.neg(x), constant(SIGMOID_HIGH)));
}

/** tanh x. Largest error: 1.456 (relaxed build 1.456) units in the last place. */
// @ts-ignore: decorator
@inline
export function tanh4(x: v128): v128 {
  // Near 0 an odd polynomial (Cephes' tanhf); elsewhere |tanh x| = 1 − 2e / (1 + e) with e = e^−2|x|.
  const size = f32x4.abs(x);
  const z = f32x4.mul(x, x);
  const z2 = f32x4.mul(z, z);
  const low = madd(constant(Q + 12), z, constant(Q + 16));
  const p = madd(madd(constant(Q), z2, madd(constant(Q + 4), z, constant(Q + 8))), z2, low);
  const near = madd(f32x4.mul(p, z), x, x);
  const y = f32x4.pmax(f32x4.mul(size, constant(MINUS_TWO)), constant(TANH_LOW));
  const biased = biasedExponent(y);
  const s = pow2(biased);
  const e = madd(expm1Reduced(y, biased), s, s);
  const one = constant(ONE);
  const far = f32x4.sub(one, f32x4.div(f32x4.add(e, e), f32x4.add(one, e)));
  const t = v128.bitselect(near, far, f32x4.lt(size, constant(TANH_NEAR)));
  return v128.or(t, v128.and(x, constant(ZERO_NEGATIVE)));
}

/** exp4 as a call. */
export function exp(x: v128): v128 {
  return exp4(x);
}

/** sigmoid4 as a call. */
export function sigmoid(x: v128): v128 {
  return activate4(Activation.SIGMOID, 0, 0, x);
}

/** tanh4 as a call. */
export function tanh(x: v128): v128 {
  return activate4(Activation.TANH, 0, 0, x);
}

/** The activations that a cell can be given: ONNX' eleven, with their α and β. */
export namespace Activation {
  export const SIGMOID: i32 = 0;
  export const TANH: i32 = 1;
  export const RELU: i32 = 2; //             max(0, x)
  export const AFFINE: i32 = 3; //           αx + β
  export const LEAKY_RELU: i32 = 4; //       x ≥ 0 ? x : αx
  export const THRESHOLDED_RELU: i32 = 5; // x > α ? x : 0
  export const SCALED_TANH: i32 = 6; //      α·tanh(βx)
  export const HARD_SIGMOID: i32 = 7; //     min(1, max(0, αx + β))
  export const ELU: i32 = 8; //              x ≥ 0 ? x : α(e^x − 1)
  export const SOFTSIGN: i32 = 9; //         x / (1 + |x|)
  export const SOFTPLUS: i32 = 10; //        log(1 + e^x)
  export const APART: i32 = 11; //           none: the value is made elsewhere, and so is its derivative
}

/** x held within ±limit; a limit of 0 is none. Keeps a NaN. */
// @ts-ignore: decorator
@inline
export function clip4(x: v128, limit: f32): v128 {
  return limit > 0 ? f32x4.pmin(f32x4.pmax(x, f32x4.splat(-limit)), f32x4.splat(limit)) : x;
}

/** All bits set where |x| ≤ limit: where clip4 lets a gradient through. */
// @ts-ignore: decorator
@inline
export function inside4(x: v128, limit: f32): v128 {
  return f32x4.le(f32x4.abs(x), f32x4.splat(limit));
}

/** Activation `kind` of x. */
export function activate4(kind: i32, alpha: f32, beta: f32, x: v128): v128 {
  const zero = f32x4.splat(0.0);
  const one = constant(ONE);
  const a = f32x4.splat(alpha);
  const b = f32x4.splat(beta);
  // pmin(pmax(x, …), …) keeps a NaN.
  switch (kind) {
    case Activation.SIGMOID:
      return sigmoid4(x);
    case Activation.TANH:
      return tanh4(x);
    case Activation.RELU:
      return f32x4.pmax(x, zero);
    case Activation.AFFINE:
      return madd(a, x, b);
    case Activation.LEAKY_RELU:
      return v128.bitselect(f32x4.mul(a, x), x, f32x4.lt(x, zero));
    case Activation.THRESHOLDED_RELU:
      return v128.andnot(x, f32x4.le(x, a));
    case Activation.SCALED_TANH:
      return f32x4.mul(a, tanh(f32x4.mul(b, x)));
    case Activation.HARD_SIGMOID:
      return f32x4.pmin(f32x4.pmax(madd(a, x, b), zero), one);
    case Activation.ELU:
      return v128.bitselect(f32x4.mul(a, expm1Negative(x)), x, f32x4.lt(x, zero));
    case Activation.SOFTSIGN:
      return f32x4.div(x, f32x4.add(one, f32x4.abs(x)));
    case Activation.APART:
      return x;
    default:
      return softplus4(x);
  }
}

/** The derivative of activation `kind`, from its value y. */
export function slope4(kind: i32, alpha: f32, beta: f32, y: v128): v128 {
  const zero = f32x4.splat(0.0);
  const one = constant(ONE);
  const a = f32x4.splat(alpha);
  switch (kind) {
    case Activation.SIGMOID:
      return f32x4.mul(y, f32x4.sub(one, y));
    case Activation.TANH:
      return f32x4.sub(one, f32x4.mul(y, y));
    case Activation.RELU:
      return v128.and(one, f32x4.gt(y, zero));
    case Activation.AFFINE:
      return a;
    case Activation.LEAKY_RELU:
      return v128.bitselect(a, one, f32x4.lt(y, zero));
    case Activation.THRESHOLDED_RELU:
      return v128.and(one, f32x4.ne(y, zero));
    case Activation.SCALED_TANH: {
      const t = f32x4.div(y, a);
      return f32x4.mul(f32x4.splat(alpha * beta), f32x4.sub(one, f32x4.mul(t, t)));
    }
    case Activation.HARD_SIGMOID:
      return v128.and(a, v128.and(f32x4.gt(y, zero), f32x4.lt(y, one)));
    case Activation.ELU:
      return v128.bitselect(f32x4.add(y, a), one, f32x4.lt(y, zero));
    case Activation.APART:
      return zero;
    case Activation.SOFTSIGN: {
      const rest = f32x4.sub(one, f32x4.abs(y));
      return f32x4.mul(rest, rest);
    }
    default: // softplus' slope is σ(x) = 1 − e^−y
      return f32x4.neg(expm1Negative(f32x4.neg(y)));
  }
}

/** e^x − 1 for x ≤ 0 (and NaN), with full relative accuracy near 0. */
function expm1Negative(x: v128): v128 {
  x = f32x4.pmax(f32x4.pmin(x, f32x4.splat(0.0)), constant(SIGMOID_LOW));
  const biased = biasedExponent(x);
  const s = pow2(biased);
  return madd(expm1Reduced(x, biased), s, f32x4.sub(s, constant(ONE)));
}

/** log(1 + e^x) = max(x, 0) + log(1 + e^−|x|), the logarithm as 2·artanh(u / (2 + u)) with u = e^−|x| ≤ 1. */
export function softplus4(x: v128): v128 {
  const u = exp(f32x4.neg(f32x4.abs(x)));
  const log1p = twiceArtanh(f32x4.div(u, f32x4.add(u, constant(TWO))));
  return f32x4.add(f32x4.pmax(x, f32x4.splat(0.0)), log1p);
}

/** log x for a normal x > 0: x = 2^n·m with m from √½ to √2, and log m = 2·artanh((m − 1) / (m + 1)). */
export function log4(x: v128): v128 {
  const n = i32x4.shr_s(i32x4.sub(x, i32x4.splat(0x3f3504f3)), 23); // bits of √½
  const m = i32x4.sub(x, i32x4.shl(n, 23));
  const one = constant(ONE);
  const k = f32x4.convert_i32x4_s(n);
  const log = twiceArtanh(f32x4.div(f32x4.sub(m, one), f32x4.add(m, one)));
  return madd(k, constant(LN2_HIGH), madd(k, constant(LN2_LOW), log));
}

/** 2·artanh(s) for |s| ≤ 1/3: the terms s^(2k+1)/(2k+1) up to k = 7 leave less than 1e-9. */
function twiceArtanh(s: v128): v128 {
  const z = f32x4.mul(s, s);
  let p = f32x4.splat(1.0 / 15.0);
  for (let k = 13; k > 0; k -= 2) p = madd(p, z, f32x4.splat(<f32>(1.0 / <f64>k)));
  return f32x4.mul(f32x4.mul(s, constant(TWO)), p);
}

// Over arrays: whole vectors in the loop, which V8 keeps in registers only if nothing in it calls; the last 1 to 3 values
// through four lanes of their own.
const TAIL = memory.data(16, 16);

export function expForward(
  y: usize, // [n]  out =   may alias x
  x: usize, // [n]  in
  n: i32,
): void {
  for (; n >= LANES; n -= LANES) {
    v128.store(y, exp4(v128.load(x)));
    x += 16;
    y += 16;
  }
  if (!n) return;
  v128.store(TAIL, loadSome(x, n));
  expForward(TAIL, TAIL, LANES);
  storeSome(y, v128.load(TAIL), n);
}

export function sigmoidForward(
  y: usize, // [n]  out =   may alias x
  x: usize, // [n]  in
  n: i32,
): void {
  for (; n >= LANES; n -= LANES) {
    v128.store(y, sigmoid4(v128.load(x)));
    x += 16;
    y += 16;
  }
  if (!n) return;
  v128.store(TAIL, loadSome(x, n));
  sigmoidForward(TAIL, TAIL, LANES);
  storeSome(y, v128.load(TAIL), n);
}

export function tanhForward(
  y: usize, // [n]  out =   may alias x
  x: usize, // [n]  in
  n: i32,
): void {
  for (; n >= LANES; n -= LANES) {
    v128.store(y, tanh4(v128.load(x)));
    x += 16;
    y += 16;
  }
  if (!n) return;
  v128.store(TAIL, loadSome(x, n));
  tanhForward(TAIL, TAIL, LANES);
  storeSome(y, v128.load(TAIL), n);
}

/** y = f(x) for any activation. */
export function activationForward(
  y: usize, // [n]  out =   may alias x
  x: usize, // [n]  in
  kind: i32, // an Activation
  alpha: f32,
  beta: f32,
  n: i32,
): void {
  if (kind == Activation.SIGMOID) sigmoidForward(y, x, n);
  else if (kind == Activation.TANH) tanhForward(y, x, n);
  else {
    for (let i = 0; i < n; i += LANES) {
      const at = <usize>i << 2;
      storeSome(y + at, activate4(kind, alpha, beta, loadSome(x + at, n - i)), n - i);
    }
  }
}

/** dx = dy·f′(x), where f′ is worked out from y. */
export function activationBackward(
  dx: usize, // [n]  out =   may alias dy
  dy: usize, // [n]  in
  y: usize, //  [n]  in
  kind: i32, // an Activation
  alpha: f32,
  beta: f32,
  n: i32,
): void {
  for (let i = 0; i < n; i += LANES) {
    const at = <usize>i << 2;
    const lanes = n - i;
    const slope = slope4(kind, alpha, beta, loadSome(y + at, lanes));
    storeSome(dx + at, f32x4.mul(loadSome(dy + at, lanes), slope), lanes);
  }
}
