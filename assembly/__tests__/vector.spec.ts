import { add, copyRows, firstNonFinite, multiply, scale, sumSquares, swapAxes } from "../math/vector";
import { buffer, copy, expectClose, expectGuards, get, put, random } from "./support";

describe("add, multiply, scale, sumSquares", () => {
  test("do so at every length, in place too", () => {
    for (let n = 1; n <= 13; n++) {
      const a = random(n, 1);
      const b = random(n, 2);
      const y = buffer(n);
      const sums = new Float64Array(n);
      const products = new Float64Array(n);
      const doubles = new Float64Array(n);
      let squares = 0.0;
      for (let k = 0; k < n; k++) {
        sums[k] = <f64>(<f32>(get(a, k) + get(b, k)));
        products[k] = <f64>(<f32>(get(a, k) * get(b, k)));
        doubles[k] = 2.0 * get(a, k);
        squares += get(a, k) * get(a, k);
      }
      expect<f64>(sumSquares(a, n)).toBe(squares);
      add(y, a, b, n);
      expectClose(y, sums, 0.0, "add");
      multiply(y, a, b, n);
      expectClose(y, products, 0.0, "multiply");
      const inPlace = copy(a, n);
      add(inPlace, inPlace, b, n);
      expectClose(inPlace, sums, 0.0, "add in place");
      scale(a, 2.0, n);
      expectClose(a, doubles, 0.0, "scale");
    }
  });
});

describe("firstNonFinite", () => {
  test("finds the first of several, wherever it is", () => {
    const bad: f32[] = [f32.NaN, Infinity, -Infinity];
    for (let n = 1; n <= 11; n++) {
      const x = random(n, 3);
      expect<i32>(firstNonFinite(x, n)).toBe(-1);
      for (let k = n - 1; k >= 0; k--) {
        put(x, k, bad[k % 3]);
        expect<i32>(firstNonFinite(x, n)).toBe(k);
      }
    }
    const large = buffer(2);
    put(large, 0, f32.MAX_VALUE);
    put(large, 1, -f32.MAX_VALUE);
    expect<i32>(firstNonFinite(large, 2)).toBe(-1);
  });
});

describe("copyRows", () => {
  test("moves rows between row lengths, and zeroes those that the mask leaves out", () => {
    const from = random(3 * 7, 4);
    const to = buffer(3 * 5 + 1);
    const mask = heap.alloc(3);
    store<u8>(mask, 1);
    store<u8>(mask, 0, 1);
    store<u8>(mask, 1, 2);
    copyRows(to + 4, from, mask, 3, 5, 5, 7);
    for (let row = 0; row < 3; row++) {
      for (let k = 0; k < 5; k++) expect<f64>(get(to, 1 + row * 5 + k)).toBe(row == 1 ? 0.0 : get(from, row * 7 + k));
    }
    expect<bool>(isNaN(get(to, 0))).toBe(true);
    expectGuards(to, 16, "copyRows");
  });
});

describe("swapAxes", () => {
  test("turns [A,B,N] into [B,A,N]", () => {
    const x = random(2 * 3 * 5, 6);
    const y = buffer(30);
    swapAxes(y, x, 2, 3, 5);
    for (let a = 0; a < 2; a++) {
      for (let b = 0; b < 3; b++) {
        for (let k = 0; k < 5; k++) expect<f64>(get(y, (b * 2 + a) * 5 + k)).toBe(get(x, (a * 3 + b) * 5 + k));
      }
    }
    expectGuards(y, 30, "swapAxes");
  });
});
