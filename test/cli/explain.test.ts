import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { loadSync } from "lstm-wasm";
import { afterAll, describe, expect, test } from "vitest";
import { readCase } from "../../bindings/cli/explain.ts";
import { printTrace, verdict } from "../../bindings/cli/explain-print.ts";
import { type Case, EXAMPLE, trace } from "../../bindings/cli/explain-trace.ts";

const core = loadSync();
const golden = JSON.parse(readFileSync(new URL("../conformance/scalar-lstm.json", import.meta.url), "utf8"));
const folder = mkdtempSync(join(tmpdir(), "explain-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Every number of `want` stands in `got` under the same key, within 1e-5 relative plus 1e-7. */
function expectClose(got: unknown, want: unknown, path = ""): void {
  if (typeof want === "number") {
    expect(got, path).toBeTypeOf("number");
    expect(Math.abs((got as number) - want), `${path}: ${got}, want ${want}`).toBeLessThanOrEqual(
      1e-5 * Math.abs(want) + 1e-7,
    );
  } else if (typeof want === "object" && want !== null) {
    expect(Object.keys(got as object).sort(), path).toEqual(Object.keys(want).sort());
    for (const key of Object.keys(want))
      expectClose((got as Record<string, unknown>)[key], (want as Record<string, unknown>)[key], `${path}.${key}`);
  }
}

/** The numbers of a trace, without its texts. */
const numbers = ({ generator, note, equations, ...rest }: Record<string, unknown>) => rest;

test("the worked example agrees with PyTorch, key by key", () => {
  expect(Object.keys(trace(core, EXAMPLE))).toEqual(expect.arrayContaining(Object.keys(golden)));
  expectClose(numbers({ ...trace(core, EXAMPLE) }), numbers(golden));
});

describe("another case", () => {
  const given: Case = {
    W: { i: -1.3, f: 0.4, g: 2.1, o: 0.9 },
    U: { i: 0.7, f: -0.6, g: 1.2, o: -0.3 },
    x: [0.3, -1.2, 0.05, 2, -0.7, 0.9, 1.1],
    target: -0.25,
    h0: 0.4,
    c0: -0.8,
  };
  const traced = trace(core, given);

  /** The loss in float64, from the equations. */
  function loss({ W, U, x, target, h0, c0 }: Case): number {
    const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
    let [h, c] = [h0, c0];
    for (const value of x) {
      const z = (k: "i" | "f" | "g" | "o") => W[k] * value + U[k] * h;
      c = sigmoid(z("f")) * c + sigmoid(z("i")) * Math.tanh(z("g"));
      h = sigmoid(z("o")) * Math.tanh(c);
    }
    return 0.5 * (h - target) ** 2;
  }

  /** Central difference of the loss as one number moves. */
  const slope = (moved: (by: number) => Case) => (loss(moved(1e-5)) - loss(moved(-1e-5))) / 2e-5;

  test("its loss and its gradients are those of finite differences", () => {
    const close = (got: number, want: number) =>
      expect(Math.abs(got - want)).toBeLessThan(1e-5 * Math.abs(want) + 1e-7);
    close(traced.loss, loss(given));
    for (const k of ["i", "f", "g", "o"] as const) {
      close(
        traced.dL_dW[k],
        slope((by) => ({ ...given, W: { ...given.W, [k]: given.W[k] + by } })),
      );
      close(
        traced.dL_dU[k],
        slope((by) => ({ ...given, U: { ...given.U, [k]: given.U[k] + by } })),
      );
    }
    close(
      traced.dL_dh0,
      slope((by) => ({ ...given, h0: given.h0 + by })),
    );
    close(
      traced.dL_dc0,
      slope((by) => ({ ...given, c0: given.c0 + by })),
    );
    given.x.forEach((_, s) => {
      close(
        traced.steps[s]?.dL_dx as number,
        slope((by) => ({ ...given, x: given.x.map((x, k) => x + (k === s ? by : 0)) })),
      );
    });
  });

  test("the printed factors multiply and add up to the kernel's values", () => {
    for (const { gates, dL_dgates: d, dL_dz: da } of traced.steps) {
      const { i, f, g, o } = gates;
      expect(d.i * i * (1 - i)).toBeCloseTo(da.i, 6);
      expect(d.f * f * (1 - f)).toBeCloseTo(da.f, 6);
      expect(d.g * (1 - g * g)).toBeCloseTo(da.g, 6);
      expect(d.o * o * (1 - o)).toBeCloseTo(da.o, 6);
    }
    for (const k of ["i", "f", "g", "o"] as const) {
      expect(traced.steps.reduce((sum, step) => sum + step.dL_dW_step[k], 0)).toBeCloseTo(traced.dL_dW[k], 6);
      expect(traced.steps.reduce((sum, step) => sum + step.dL_dU_step[k], 0)).toBeCloseTo(traced.dL_dU[k], 6);
    }
  });

  test("each printed line keeps to 80 columns", () => {
    const lines = printTrace(traced, 0.1).map(stripVTControlCharacters);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines.length).toBeGreaterThan(100);
  });
});

describe("the verdict", () => {
  const weights = (value: number) => ({ i: value, f: value, g: value, o: value });
  const chain = (W: Case["W"], U: Case["U"], x: number, T = 12): Case => ({
    ...{ W, U, target: 1, h0: 0, c0: 0 },
    x: Array.from({ length: T }, () => x),
  });

  test("closed forget gates: vanishes along the cell", () => {
    const text = verdict(trace(core, chain({ ...weights(0.5), f: -3 }, weights(0.1), 1)));
    expect(text).toMatch(/^This chain vanishes: .* through the direct cell path/);
  });

  test("open forget gates: holds", () => {
    const text = verdict(trace(core, chain({ ...weights(0.3), f: 9 }, weights(0), 1)));
    expect(text).toMatch(/^This chain neither vanishes nor explodes/);
  });

  test("large recurrent weights near the origin: explodes through them", () => {
    const text = verdict(trace(core, { ...chain(weights(0), { i: 0, f: -2, g: 9, o: 0 }, 0), h0: 1e-9 }));
    expect(text).toMatch(/^This chain explodes: .* through the recurrent path/);
  });

  test("nothing to follow", () => {
    expect(verdict(trace(core, chain(weights(1), weights(1), 1, 1)))).toBe(
      "One step has no chain that could vanish or explode.",
    );
    const still = trace(core, chain(weights(0), weights(0), 1));
    expect(verdict(trace(core, { ...chain(weights(0), weights(0), 1), target: still.h_last }))).toMatch(/dL\/dc is 0/);
  });
});

describe("a bad case file", () => {
  const { W, U } = EXAMPLE;
  const good = { W, U, x: [1, 2], target: 0.5 };
  test.each([
    ["not json", "{", /expected JSON/],
    ["an array", [], /case: expected an object, got \[\]/],
    ["no W", { ...good, W: undefined }, /W: expected an object with i, f, g, o, got nothing/],
    ["a missing gate", { ...good, U: { i: 1, f: 1, g: 1 } }, /U\.o: expected a float32 number, got nothing/],
    ["a text", { ...good, x: [1, "2"] }, /x\[1\]: expected a float32 number, got "2"/],
    ["no steps", { ...good, x: [] }, /x: expected an array of at least one number, got \[\]/],
    ["an overflow", { ...good, h0: 1e300 }, /h0: expected a float32 number, got 1e\+300/],
    ["another count", { ...good, steps_count: 3 }, /steps_count: expected 2, the length of x, got 3/],
  ])("%s", async (_, content, message) => {
    const file = join(folder, "case.json");
    writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
    await expect(readCase(file)).rejects.toThrow(message);
  });

  test("none", async () => {
    await expect(readCase(join(folder, "none.json"))).rejects.toMatchObject({
      name: "UserError",
      message: expect.stringContaining("none.json: expected a file to read, got"),
    });
  });

  test("h0 and c0 may be left out", async () => {
    const file = join(folder, "good.json");
    writeFileSync(file, JSON.stringify(good));
    expect(await readCase(file)).toMatchObject({ h0: 0, c0: 0 });
  });
});
