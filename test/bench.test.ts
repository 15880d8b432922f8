// The benchmark's own work: its rivals compute the same, what differs is refused, and targets are judged as they stand.
import { loadSync } from "lstm-wasm";
import { describe, expect, test } from "vitest";
import type { BenchCase, Work } from "../bench/cases.ts";
import { OWN } from "../bench/engines.ts";
import { judge } from "../bench/gate.ts";
import { createJs } from "../bench/js.ts";
import { launch } from "../bench/launch.ts";
import { fasterPeers } from "../bench/markdown.ts";
import type { PeerResult } from "../bench/peers/measure.ts";
import { checkAgreement, createProblem, disagreement, resultOf } from "../bench/problem.ts";
import { FORMAT, type SuiteResult } from "../bench/results.ts";
import { duration, times } from "../bench/table.ts";
import { TARGETS } from "../bench/targets.ts";
import { alternate, median, pairedRatio, time } from "../bench/timing.ts";
import { createWasm } from "../bench/wasm.ts";

const sizes = { T: 7, B: 3, I: 5, H: 9 };

describe("contenders", () => {
  test.each(["step", "forward", "training"] as Work[])("plain JavaScript does the same %s", async (what) => {
    const bench: BenchCase = { name: what, what, ...sizes, ...(what === "step" && { T: 1, B: 1 }) };
    const problem = createProblem(bench);
    using wasm = createWasm(loadSync(), bench, problem);
    const js = createJs(bench, problem);
    for (let k = 0; k < 3; k++) {
      const [got, want] = [await resultOf(bench, wasm), await resultOf(bench, js)];
      expect(disagreement(got, want)).toBeLessThan(1e-5);
      expect(Math.max(...want.map(Math.abs))).toBeGreaterThan(0);
    }
  });

  test("with one bias move another way", async () => {
    const bench: BenchCase = { name: "training", what: "training", ...sizes };
    const results = [false, true].map(async (oneBias) => {
      using wasm = createWasm(loadSync(), bench, createProblem(bench), oneBias);
      return await resultOf(bench, wasm);
    });
    const [two, one] = (await Promise.all(results)) as [Float64Array, Float64Array];
    expect(one[0]).toBe(two[0]);
    expect(disagreement(one, two)).toBeGreaterThan(1e-4);
  });
});

describe("agreement", () => {
  test.each([
    ["a value", [1, 2.001], /^S1: expected results within 0.0001 of each other, got 0.0004\d+: not timed$/],
    ["a length", [1], /got Infinity/],
    ["NaN", [1, Number.NaN], /got Infinity/],
  ])("another %s is refused", (_, got, message) => {
    expect(() => checkAgreement("S1", got, [1, 2])).toThrow(message);
  });

  test("rounding is not", () => {
    expect(() => checkAgreement("S1", [1, 2.0001], [1, 2])).not.toThrow();
  });
});

describe("timing", () => {
  test("of a run that waits, and of many short ones", async () => {
    expect(await time(() => new Promise((done) => setTimeout(done, 20)), 1)).toBeGreaterThan(15e6);
    let runs = 0;
    expect(await time(() => runs++, 10)).toBeLessThan(1e5);
    expect(runs).toBeGreaterThan(1000);
  });

  test("goes by turns, and ends a round late at most", async () => {
    const order: string[] = [];
    const slow = (name: string) => () => {
      order.push(name);
      const end = performance.now() + 4;
      while (performance.now() < end);
    };
    const times = await alternate([slow("a"), slow("b")], { rounds: 3, budget: 1, limit: 1000 });
    expect(times.map(({ length }) => length)).toEqual([3, 3]);
    expect(order.join("")).toBe("ababab");
    expect((await alternate([slow("a")], { rounds: 3, budget: 1, limit: 0 }))[0]?.length).toBe(1);
  });

  test("medians and ratios", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(pairedRatio([1, 2, 4], [2, 4, 4])).toBe(2);
    expect(["0.50x", "0.99x", "1.00x", "1.99x", "2.0x", "9.9x", "12x"]).toEqual(
      [0.5, 0.994, 0.996, 1.99, 1.996, 9.94, 12.3].map(times),
    );
    expect(["950 ns", "2.50 µs", "12.5 ms", "2.00 s"]).toEqual([950, 2500, 12.5e6, 2e9].map(duration));
  });
});

describe("the gate", () => {
  const suite = (build: "strict" | "relaxed", ratio: number): SuiteResult => ({
    ...{
      format: FORMAT,
      date: "",
      commit: "",
      modules: "",
      machine: { cpu: "", cores: 1, memoryGiB: 1, os: "" },
      engine: "",
      build,
      share: 1,
    },
    rows: [
      {
        kind: "case",
        name: "T1",
        what: "training",
        T: 50,
        B: 32,
        I: 32,
        H: 128,
        ns: 1,
        gflops: 1,
        js: { ns: 1, ratio },
      },
    ],
  });
  const verdict = (ratio: number) =>
    judge([suite("strict", ratio), suite("relaxed", ratio)], []).find(
      ({ row, build }) => row === "T1 against js" && build === "strict",
    );

  test("allows a tenth for noise, and no more", () => {
    const { strict } = TARGETS.find(({ work, against }) => work === "T1" && against === "js") as { strict: number };
    expect(verdict(strict)?.reached).toBe(true);
    expect(verdict(0.905 * strict)?.reached).toBe(true);
    expect(verdict(0.895 * strict)?.reached).toBe(false);
  });

  test("skips rivals that were not measured", () => {
    const skipped = judge([suite("strict", 99), suite("relaxed", 99)], []).filter(({ got }) => got === null);
    expect(skipped.length).toBeGreaterThan(20);
    expect(skipped.every(({ reached }) => reached)).toBe(true);
  });
});

test("a library is named as faster where the ratio that is shown is below 1, and only there", () => {
  const row = (name: string, strict: number, relaxed: number) => ({
    ...{ name, ns: 2e6, strict: { ns: 4e6, ratio: strict }, relaxed: { ns: 3e6, ratio: relaxed }, rounds: 5 },
  });
  const rows = [row("S1 H64", 0.996, 1.2), row("S2", 0.994, 1.2), row("T1", 1.2, 0.7), row("T2", 1.3, 1.3)];
  const lines = fasterPeers([{ peer: "torch", rows } as unknown as PeerResult]);
  expect(lines.map((line) => line.slice(2, 4))).toEqual(["S2", "T1"]);
  expect(lines[1]).toBe(
    "- T1: PyTorch (native) takes 2.00 ms, beside it the strict build 4.00 ms (1.20x as fast), the relaxed one 3.00 ms (0.70x as fast).",
  );
});

test("the suite is bundled, and every kind of row comes back", async () => {
  const parts = ["cases", "bounds", "bindings"] as const;
  const rows: string[] = [];
  const options = { engine: OWN, build: "strict", rival: true, cases: ["S1 H64"], budget: 1, parts } as const;
  const result = await launch(options, (row) => rows.push(row.kind));
  expect(rows).toEqual(["peak", "case", "bound", "bindings", "bindings", "bindings"]);
  const bound = result.rows.find((row) => row.kind === "bound");
  expect(bound).toMatchObject({ bytes: 4 * 4 * 64 * 128 });
  // The least that a step needs is no more than it takes, but for noise.
  expect(bound?.kind === "bound" && bound.share).toBeLessThan(1.5);
}, 30_000);
