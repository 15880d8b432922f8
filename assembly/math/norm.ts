// Layer normalisation of rows (Ba et al. 2016), for the layer of that name and for the layer-norm LSTM.
//
//   x̂ = (x − mean)·r, r = 1/√(variance + ε)     y = gain·x̂ + shift
//   dgain = Σ dy·x̂   dshift = Σ dy   dx = r·(d − mean(d) − x̂·mean(d·x̂)) with d = dy·gain
import { LANES, loadSome, madd, storeSome } from "./simd";

/** PyTorch's default ε, which the layer-norm LSTM has. */
export const EPSILON: f64 = 1e-5;

/** y = gain·x̂ + shift, or y += gain·x̂ where there is no shift. */
export function normForward(
  y: usize, //     [rows,n]  out =   or, without a shift, +=
  hat: usize, //   [rows,n]  out =   may alias x: kept for the backward pass
  r: usize, //     [rows]    out =   kept for the backward pass
  x: usize, //     [rows,n]  in
  gain: usize, //  [n]       in
  shift: usize, // [n]       in  or 0
  rows: i32,
  n: i32,
  epsilon: f64,
): void {
  const row = <usize>n << 2;
  for (let b = 0; b < rows; b++) {
    let mean: f64 = 0.0;
    for (let k = 0; k < n; k++) mean += <f64>load<f32>(x + (<usize>k << 2));
    mean /= <f64>n;
    let variance: f64 = 0.0;
    for (let k = 0; k < n; k++) {
      const d = <f64>load<f32>(x + (<usize>k << 2)) - mean;
      variance += d * d;
    }
    const scale = <f32>(1.0 / Math.sqrt(variance / <f64>n + epsilon));
    store<f32>(r + (<usize>b << 2), scale);
    const m = f32x4.splat(<f32>mean);
    const s = f32x4.splat(scale);
    for (let k = 0; k < n; k += LANES) {
      const at = <usize>k << 2;
      const lanes = n - k;
      const h = f32x4.mul(f32x4.sub(loadSome(x + at, lanes), m), s);
      storeSome(hat + at, h, lanes);
      storeSome(y + at, madd(loadSome(gain + at, lanes), h, loadSome((shift ? shift : y) + at, lanes)), lanes);
    }
    y += row;
    hat += row;
    x += row;
  }
}

/** dx from dy, and the gradients of gain and shift. */
export function normBackward(
  dx: usize, //     [rows,n]  out = , or += with addDx
  dGain: usize, //  [n]       +=
  dShift: usize, // [n]       +=  or 0
  dy: usize, //     [rows,n]  in
  hat: usize, //    [rows,n]  in
  r: usize, //      [rows]    in
  gain: usize, //   [n]       in
  addDx: bool,
  rows: i32,
  n: i32,
): void {
  const row = <usize>n << 2;
  for (let b = 0; b < rows; b++) {
    let mean: f64 = 0.0;
    let along: f64 = 0.0;
    for (let k = 0; k < n; k++) {
      const at = <usize>k << 2;
      const d = <f64>load<f32>(dy + at) * <f64>load<f32>(gain + at);
      mean += d;
      along += d * <f64>load<f32>(hat + at);
    }
    const m = f32x4.splat(<f32>(mean / <f64>n));
    const a = f32x4.splat(<f32>(along / <f64>n));
    const s = f32x4.splat(load<f32>(r + (<usize>b << 2)));
    for (let k = 0; k < n; k += LANES) {
      const at = <usize>k << 2;
      const lanes = n - k;
      const d = loadSome(dy + at, lanes);
      const h = loadSome(hat + at, lanes);
      const inner = f32x4.sub(f32x4.sub(f32x4.mul(d, loadSome(gain + at, lanes)), m), f32x4.mul(h, a));
      const out = f32x4.mul(s, inner);
      storeSome(dGain + at, madd(d, h, loadSome(dGain + at, lanes)), lanes);
      if (dShift) storeSome(dShift + at, f32x4.add(d, loadSome(dShift + at, lanes)), lanes);
      storeSome(dx + at, addDx ? f32x4.add(loadSome(dx + at, lanes), out) : out, lanes);
    }
    dx += row;
    dy += row;
    hat += row;
  }
}
