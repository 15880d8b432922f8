// An activation as a layer of its own: y = f(x), and dx = dy·f′(x), where f′ is worked out from y.
import { activate4, slope4 } from "../math/activation";
import { LANES, loadLanes, storeLanes } from "../math/simd";

export function activationForward(
  y: usize, // [n]  out =   may alias x
  x: usize, // [n]  in
  kind: i32, // an Activation
  alpha: f32,
  beta: f32,
  n: i32,
): void {
  for (let i = 0; i < n; i += LANES) {
    const at = <usize>i << 2;
    const lanes = n - i;
    storeLanes(y + at, activate4(kind, alpha, beta, loadLanes(x + at, lanes)), lanes);
  }
}

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
    const slope = slope4(kind, alpha, beta, loadLanes(y + at, lanes));
    storeLanes(dx + at, f32x4.mul(loadLanes(dy + at, lanes), slope), lanes);
  }
}
