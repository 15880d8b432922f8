// Losses, each with its gradient. p: prediction, y: target. Rows that a mask leaves out cost nothing and have no gradient.
// Sums are kept in float64, in order.
import { exp, log4, sigmoid, softplus4 } from "../math/activation";
import { constant, LANES, loadSome, madd, ONE, storeSome } from "../math/simd";

/** Losses of one element of p and y each. */
export namespace ElementLoss {
  export const MSE: i32 = 0; //   (p − y)²
  export const MAE: i32 = 1; //   |p − y|
  export const HUBER: i32 = 2; // (p − y)²/2 within ±δ, else δ(|p − y| − δ/2)
  export const BCE: i32 = 3; //   −w·y·log σ(p) − (1 − y)·log(1 − σ(p)), w the weight of positives
}

/** Loss `kind` of each element, and dL/dp for L = factor · their sum. Answers L. */
export function elementLoss(
  losses: usize, //      [rows,n]   out =   each by itself, without the factor
  dPrediction: usize, // [rows,n]   out =   or 0 to leave it out
  prediction: usize, //  [rows,n]   in
  target: usize, //      [rows,n]   in
  mask: usize, //        [rows] u8  in   or 0: all rows
  kind: i32,
  parameter: f32, //     HUBER: δ; BCE: w
  factor: f64,
  rows: i32,
  n: i32,
): f64 {
  const row = <usize>n << 2;
  const step = f32x4.splat(<f32>factor);
  let total: f64 = 0.0;
  for (let r = 0; r < rows; r++) {
    if (mask && !load<u8>(mask + r)) {
      memory.fill(losses, 0, row);
      if (dPrediction) memory.fill(dPrediction, 0, row);
    } else {
      for (let k = 0; k < n; k += LANES) {
        const at = <usize>k << 2;
        const lanes = n - k;
        const p = loadSome(prediction + at, lanes);
        const y = loadSome(target + at, lanes);
        storeSome(losses + at, loss4(kind, parameter, p, y), lanes);
        if (dPrediction) storeSome(dPrediction + at, f32x4.mul(step, slope4(kind, parameter, p, y)), lanes);
      }
      total += sum(losses, n);
    }
    losses += row;
    if (dPrediction) dPrediction += row;
    prediction += row;
    target += row;
  }
  return factor * total;
}

function loss4(kind: i32, parameter: f32, p: v128, y: v128): v128 {
  const one = constant(ONE);
  const w = f32x4.splat(parameter);
  const d = f32x4.sub(p, y);
  if (kind == ElementLoss.MSE) return f32x4.mul(d, d);
  if (kind == ElementLoss.MAE) return f32x4.abs(d);
  if (kind == ElementLoss.HUBER) {
    const size = f32x4.abs(d);
    const half = f32x4.splat(0.5);
    const near = f32x4.mul(half, f32x4.mul(d, d));
    const far = f32x4.mul(w, f32x4.sub(size, f32x4.mul(half, w)));
    return v128.bitselect(near, far, f32x4.le(size, w));
  }
  // −log σ(p) = log(1 + e^−p), and −log(1 − σ(p)) is p more.
  const negative = softplus4(f32x4.neg(p));
  return madd(f32x4.sub(one, y), p, f32x4.mul(positives(w, y), negative));
}

/** dL/dp of one element's loss. */
function slope4(kind: i32, parameter: f32, p: v128, y: v128): v128 {
  const one = constant(ONE);
  const w = f32x4.splat(parameter);
  const d = f32x4.sub(p, y);
  if (kind == ElementLoss.MSE) return f32x4.add(d, d);
  if (kind == ElementLoss.MAE) {
    const sign = v128.bitselect(one, f32x4.splat(-1.0), f32x4.gt(d, f32x4.splat(0.0)));
    // 0 at 0, NaN for NaN.
    return v128.bitselect(sign, d, f32x4.gt(f32x4.abs(d), f32x4.splat(0.0)));
  }
  if (kind == ElementLoss.HUBER) return f32x4.pmin(f32x4.pmax(d, f32x4.neg(w)), w);
  return f32x4.sub(f32x4.sub(one, y), f32x4.mul(positives(w, y), sigmoid(f32x4.neg(p))));
}

/** How often −log σ(p) counts: w for the positive share y, once for the rest. */
// @ts-ignore: decorator
@inline
function positives(w: v128, y: v128): v128 {
  return madd(f32x4.sub(w, constant(ONE)), y, constant(ONE));
}

function sum(values: usize, n: i32): f64 {
  let total: f64 = 0.0;
  for (let k = 0; k < n; k++) total += <f64>load<f32>(values + (<usize>k << 2));
  return total;
}

/** log softmax: y = x − log Σ e^x, along each row. */
export function logSoftmaxForward(
  y: usize, // [rows,C]  out =   may alias x
  x: usize, // [rows,C]  in
  rows: i32,
  C: i32,
): void {
  const row = <usize>C << 2;
  for (let r = 0; r < rows; r++) {
    let most = load<f32>(x);
    for (let c = 1; c < C; c++) most = max(most, load<f32>(x + (<usize>c << 2)));
    let total: f64 = 0.0;
    const top = f32x4.splat(most);
    for (let c = 0; c < C; c += LANES) {
      const at = <usize>c << 2;
      const lanes = C - c;
      const shifted = f32x4.sub(loadSome(x + at, lanes), top);
      storeSome(y + at, shifted, lanes);
      const e = exp(shifted);
      total += <f64>f32x4.extract_lane(e, 0);
      if (lanes > 1) total += <f64>f32x4.extract_lane(e, 1);
      if (lanes > 2) total += <f64>f32x4.extract_lane(e, 2);
      if (lanes > 3) total += <f64>f32x4.extract_lane(e, 3);
    }
    const rest = log4(f32x4.splat(<f32>total));
    for (let c = 0; c < C; c += LANES) {
      const at = <usize>c << 2;
      const lanes = C - c;
      storeSome(y + at, f32x4.sub(loadSome(y + at, lanes), rest), lanes);
    }
    x += row;
    y += row;
  }
}

/**
 * Cross-entropy of log-probabilities q with classes y (torch.nn.CrossEntropyLoss), of each row
 *   l = −(1 − ε)·w_y·q_y − ε/C·Σ_c w_c·q_c
 * and dL/d(logits) for L = factor · their sum. Answers L.
 */
export function crossEntropy(
  losses: usize, //   [rows]     out =   each by itself, without the factor
  dLogits: usize, //  [rows,C]   out =   may alias logP; or 0 to leave it out
  logP: usize, //     [rows,C]   in      from logSoftmaxForward
  target: usize, //   [rows]     in      whole numbers from 0 to C − 1; unread where masked
  mask: usize, //     [rows] u8  in      or 0: all rows
  weight: usize, //   [C]        in      or 0: ones
  smoothing: f32, //  ε
  factor: f64,
  rows: i32,
  C: i32,
): f64 {
  const row = <usize>C << 2;
  const even = smoothing / <f32>C;
  let total: f64 = 0.0;
  for (let r = 0; r < rows; r++) {
    if (mask && !load<u8>(mask + r)) {
      store<f32>(losses, 0.0);
      if (dLogits) memory.fill(dLogits, 0, row);
    } else {
      const y = <usize>load<f32>(target) << 2;
      const own = (<f32>1.0 - smoothing) * weightOf(weight, y);
      let loss = <f64>own * -(<f64>load<f32>(logP + y));
      let all = <f64>own;
      if (smoothing > 0) {
        for (let c: usize = 0; c < row; c += 4) {
          const w = <f64>even * <f64>weightOf(weight, c);
          loss -= w * <f64>load<f32>(logP + c);
          all += w;
        }
      }
      if (dLogits) {
        const scale = f32x4.splat(<f32>(factor * all));
        for (let c = 0; c < C; c += LANES) {
          const at = <usize>c << 2;
          const lanes = C - c;
          storeSome(dLogits + at, f32x4.mul(scale, exp(loadSome(logP + at, lanes))), lanes);
        }
        subtract(dLogits + y, factor * <f64>own);
        if (smoothing > 0) {
          for (let c: usize = 0; c < row; c += 4) subtract(dLogits + c, factor * <f64>even * <f64>weightOf(weight, c));
        }
      }
      store<f32>(losses, <f32>loss);
      total += loss;
    }
    losses += 4;
    if (dLogits) dLogits += row;
    logP += row;
    target += 4;
  }
  return factor * total;
}

/** The weight of the class at byte offset c. */
// @ts-ignore: decorator
@inline
function weightOf(weight: usize, c: usize): f32 {
  return weight ? load<f32>(weight + c) : <f32>1.0;
}

// @ts-ignore: decorator
@inline
function subtract(at: usize, value: f64): void {
  store<f32>(at, <f32>(<f64>load<f32>(at) - value));
}
