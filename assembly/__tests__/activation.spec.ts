import { Activation, activate4, clip4, expForward, sigmoidForward, slope4, tanhForward } from "../math/activation";
import { buffer, expectGuards, get, put } from "./support";

/** The largest errors stated above each function in math/activation.ts, to the next half unit of the third decimal. */
const EXP_ULP: f64 = ASC_FEATURE_RELAXED_SIMD ? 1.0285 : 1.0045;
const SIGMOID_ULP: f64 = ASC_FEATURE_RELAXED_SIMD ? 1.7205 : 1.7695;
const TANH_ULP: f64 = 1.4565;

const CHUNK: i32 = 4096;
/** A prime, so that a sweep over bit patterns favours no mantissa. */
const STRIDE: u64 = 127;

/** The distance between float32 numbers at |r|. */
function ulp(r: f64): f64 {
  const size = abs(r);
  if (size >= <f64>f32.MAX_VALUE) return 2.028240960365167e31;
  let bits = reinterpret<u32>(<f32>size);
  if (<f64>(<f32>size) > size) bits--;
  const exponent = max<i32>(bits >> 23, 1);
  return exponent > 23 ? <f64>reinterpret<f32>((exponent - 23) << 23) : <f64>reinterpret<f32>(1 << (exponent - 1));
}

function reference(which: i32, x: f64): f64 {
  if (which == 0) return Math.exp(x);
  if (which == 2) return Math.tanh(x);
  const e = Math.exp(-abs(x));
  return x < 0.0 ? e / (1.0 + e) : 1.0 / (1.0 + e);
}

/** Largest error over every `stride`th bit pattern from `from` up to `to`, among arguments of at least `least`. */
function sweep(which: i32, from: u64, to: u64, stride: u64, least: f64): f64 {
  const x = buffer(CHUNK);
  const y = buffer(CHUNK);
  let worst = 0.0;
  for (let base = from; base < to; base += <u64>CHUNK * stride) {
    let n = 0;
    for (; n < CHUNK && base + <u64>n * stride < to; n++) store<u32>(x + (<usize>n << 2), <u32>(base + <u64>n * stride));
    if (which == 0) expForward(y, x, n);
    else if (which == 1) sigmoidForward(y, x, n);
    else tanhForward(y, x, n);
    for (let k = 0; k < n; k++) {
      const argument = get(x, k);
      const got = get(y, k);
      if (isNaN(argument)) {
        if (!isNaN(got)) return Infinity;
        continue;
      }
      if (argument < least) continue;
      const want = reference(which, argument);
      // Half a unit above the largest float32, rounding to infinity is right.
      if (got == Infinity && want > <f64>f32.MAX_VALUE) continue;
      const error = abs(got - want) / ulp(want);
      if (!(error <= worst)) worst = error;
    }
  }
  return worst;
}

/** The sweep of all bit patterns, and every pattern around x, where the largest error was found. */
function worst(which: i32, x: f32, least: f64 = -Infinity): f64 {
  const there = <u64>reinterpret<u32>(x);
  return max(sweep(which, 0, 1 << 32, STRIDE, least), sweep(which, there - 20000, there + 20000, 1, least));
}

/** Expects the stated error to hold everywhere, and to be reached: a bound that is too high proves nothing. */
function expectWorst(found: f64, stated: f64): void {
  expect<bool>(found <= stated).toBe(true, "more than stated: " + found.toString());
  expect<bool>(found > stated - 0.001).toBe(true, "less than stated: " + found.toString());
}

describe("exp, sigmoid, tanh", () => {
  test("exp is as accurate as stated, over all of float32", () => {
    expectWorst(worst(0, ASC_FEATURE_RELAXED_SIMD ? -38.4547004699707 : 70.37191009521484), EXP_ULP);
  });

  test("sigmoid is as accurate as stated, from −88 on", () => {
    expectWorst(worst(1, ASC_FEATURE_RELAXED_SIMD ? -1.110148310661316 : -1.1057637929916382, -88.0), SIGMOID_ULP);
  });

  test("sigmoid below −88, where float32 is subnormal, is 0", () => {
    const x = buffer(3);
    put(x, 0, -88.01);
    put(x, 1, -100.0);
    put(x, 2, -Infinity);
    sigmoidForward(x, x, 3);
    for (let k = 0; k < 3; k++) expect<f64>(get(x, k)).toBe(0.0);
  });

  test("tanh is as accurate as stated, over all of float32", () => {
    expectWorst(worst(2, 0.6335301995277405), TANH_ULP);
  });

  test("limits, signs and NaN", () => {
    const x = buffer(4);
    const y = buffer(4);
    put(x, 0, Infinity);
    put(x, 1, -Infinity);
    put(x, 2, -0.0);
    expForward(y, x, 4);
    expect<f64>(get(y, 0)).toBe(Infinity);
    expect<f64>(get(y, 1)).toBe(0.0);
    expect<f64>(get(y, 2)).toBe(1.0);
    expect<bool>(isNaN(get(y, 3))).toBe(true);
    sigmoidForward(y, x, 4);
    expect<f64>(get(y, 0)).toBe(1.0);
    expect<f64>(get(y, 1)).toBe(0.0);
    expect<f64>(get(y, 2)).toBe(0.5);
    expect<bool>(isNaN(get(y, 3))).toBe(true);
    tanhForward(y, x, 4);
    expect<f64>(get(y, 0)).toBe(1.0);
    expect<f64>(get(y, 1)).toBe(-1.0);
    expect<u32>(load<u32>(y, 8)).toBe(0x80000000);
    expect<bool>(isNaN(get(y, 3))).toBe(true);
  });

  test("tiny arguments keep every digit", () => {
    const tiny: f32[] = [1e-20, -1e-20, 1e-38, 1e-45, -3e-42];
    const x = buffer(5);
    const y = buffer(5);
    for (let k = 0; k < 5; k++) put(x, k, tiny[k]);
    tanhForward(y, x, 5);
    for (let k = 0; k < 5; k++) expect<f64>(get(y, k)).toBe(<f64>tiny[k]);
  });

  test("every length, in place, nothing written behind", () => {
    for (let n = 1; n <= 9; n++) {
      const x = buffer(n);
      for (let k = 0; k < n; k++) put(x, k, <f32>k - 4.0);
      const y = buffer(n);
      tanhForward(y, x, n);
      expectGuards(y, n, "tanh");
      tanhForward(x, x, n);
      expectGuards(x, n, "tanh in place");
      for (let k = 0; k < n; k++) expect<f64>(get(x, k)).toBe(get(y, k));
    }
  });
});

/** The eleven activations in float64. */
function value(kind: i32, a: f64, b: f64, x: f64): f64 {
  switch (kind) {
    case Activation.SIGMOID:
      return 1.0 / (1.0 + Math.exp(-x));
    case Activation.TANH:
      return Math.tanh(x);
    case Activation.RELU:
      return max(0.0, x);
    case Activation.AFFINE:
      return a * x + b;
    case Activation.LEAKY_RELU:
      return x >= 0.0 ? x : a * x;
    case Activation.THRESHOLDED_RELU:
      return x > a ? x : 0.0;
    case Activation.SCALED_TANH:
      return a * Math.tanh(b * x);
    case Activation.HARD_SIGMOID:
      return min(1.0, max(0.0, a * x + b));
    case Activation.ELU:
      return x >= 0.0 ? x : a * (Math.exp(x) - 1.0);
    case Activation.SOFTSIGN:
      return x / (1.0 + abs(x));
    default:
      return Math.log1p(Math.exp(-abs(x))) + max(x, 0.0);
  }
}

describe("the eleven activations", () => {
  test("have their values, and slopes that finite differences find", () => {
    for (let kind = 0; kind <= 10; kind++) {
      // Exact in float32, and off the kinks of the grid below.
      const a: f32 = kind == Activation.HARD_SIGMOID ? 0.25 : 0.75;
      const b: f32 = 0.375;
      for (let k = -60; k <= 60; k++) {
        const x = <f64>k * 0.1 + 0.0437;
        const x32 = <f32>x;
        const y = activate4(kind, a, b, f32x4.splat(x32));
        const want = value(kind, a, b, x32);
        const got = <f64>f32x4.extract_lane(y, 3);
        const scale = max(1.0, abs(want));
        expect<bool>(abs(got - want) <= 3e-7 * scale).toBe(true, "value of " + kind.toString() + " at " + x.toString());
        const slope = <f64>f32x4.extract_lane(slope4(kind, a, b, y), 3);
        const difference = (value(kind, a, b, <f64>x32 + 1e-6) - value(kind, a, b, <f64>x32 - 1e-6)) / 2e-6;
        expect<bool>(abs(slope - difference) <= 1e-6).toBe(true, "slope of " + kind.toString() + " at " + x.toString());
      }
      const broken = activate4(kind, a, b, f32x4.splat(f32.NaN));
      expect<bool>(isNaN(f32x4.extract_lane(broken, 0))).toBe(true, "NaN into " + kind.toString());
    }
  });
});

describe("clip4", () => {
  test("holds within the limit, keeps NaN, and is off at 0", () => {
    const v = clip4(f32x4(3.0, -3.0, 0.5, f32.NaN), 2.0);
    expect<f32>(f32x4.extract_lane(v, 0)).toBe(2.0);
    expect<f32>(f32x4.extract_lane(v, 1)).toBe(-2.0);
    expect<f32>(f32x4.extract_lane(v, 2)).toBe(0.5);
    expect<bool>(isNaN(f32x4.extract_lane(v, 3))).toBe(true);
    expect<f32>(f32x4.extract_lane(clip4(f32x4.splat(3.0), 0.0), 0)).toBe(3.0);
  });
});
