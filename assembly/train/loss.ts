// Losses, each with its gradient.

/** Mean squared error: L = Σ (p − y)² / n, and dL/dp = 2(p − y) / n. The sum is kept in float64. */
export function mseLoss(
  dPrediction: usize, // [n]  out =   or 0 to leave it out
  prediction: usize, //  [n]  in
  target: usize, //      [n]  in
  n: i32,
): f64 {
  const step = <f32>(2.0 / <f64>n);
  let total: f64 = 0.0;
  for (let i = 0; i < n; i++) {
    const at = (<usize>i) << 2;
    const difference = load<f32>(prediction + at) - load<f32>(target + at);
    total += <f64>difference * <f64>difference;
    if (dPrediction) store<f32>(dPrediction + at, step * difference);
  }
  return total / <f64>n;
}
