import { loadSome, madd, nmadd, storeSome } from "../math/simd";
import { buffer, expectGuards, get, put } from "./support";

describe("madd", () => {
  test("is a·b + c and c − a·b, to two roundings", () => {
    const a = f32x4(1.1, -2.0, 3e-20, 0.0);
    const b = f32x4(3.3, 0.7, 3e-20, 5.0);
    const c = f32x4(0.1, 1.4, 1.0, -2.0);
    const sum = madd(a, b, c);
    const rest = nmadd(a, b, c);
    expect<bool>(abs(f32x4.extract_lane(sum, 0) - 3.73) < 4e-7).toBe(true);
    expect<bool>(abs(f32x4.extract_lane(sum, 1)) < 2e-7).toBe(true);
    expect<f32>(f32x4.extract_lane(sum, 2)).toBe(1.0);
    expect<f32>(f32x4.extract_lane(sum, 3)).toBe(-2.0);
    expect<bool>(abs(f32x4.extract_lane(rest, 0) + 3.53) < 4e-7).toBe(true);
    expect<f32>(f32x4.extract_lane(rest, 3)).toBe(-2.0);
  });
});

describe("loadSome and storeSome", () => {
  test("move just the lanes they are asked for", () => {
    for (let lanes = -1; lanes <= 5; lanes++) {
      const n = min(max(lanes, 0), 4);
      const from = buffer(n);
      for (let k = 0; k < n; k++) put(from, k, <f32>(k + 1));
      const v = loadSome(from, lanes);
      // Lanes that were not asked for are 0: the NaN behind them was not read.
      expect<f32>(f32x4.extract_lane(v, 0)).toBe(n > 0 ? 1.0 : 0.0);
      expect<f32>(f32x4.extract_lane(v, 1)).toBe(n > 1 ? 2.0 : 0.0);
      expect<f32>(f32x4.extract_lane(v, 2)).toBe(n > 2 ? 3.0 : 0.0);
      expect<f32>(f32x4.extract_lane(v, 3)).toBe(n > 3 ? 4.0 : 0.0);
      const to = buffer(n);
      storeSome(to, f32x4(5.0, 6.0, 7.0, 8.0), lanes);
      for (let k = 0; k < n; k++) expect<f64>(get(to, k)).toBe(<f64>(k + 5));
      expectGuards(to, n, "storeSome");
    }
  });
});
