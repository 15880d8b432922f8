import { describe, expect, test } from "vitest";
import { goldens, readTensors, type TorchCase, torchCases } from "./support/cases.ts";
import { compare } from "./support/compare.ts";
import { BUILDS, createCore } from "./support/cores.ts";
import { type Answers, runKernels, runOracle } from "./support/torch.ts";

/** Lines of everything that is off by more than its tolerance. */
function failures(c: TorchCase, answers: Answers, atol: (name: string) => number): string[] {
  const tensors = readTensors(goldens(`torch/${c.file}`));
  return c.expected
    .map((name) => compare(name, answers[name] ?? [], tensors[name]?.data ?? [], atol(name)))
    .filter(({ ratio }) => !(ratio <= 1))
    .map(({ text }) => text);
}

test("every case is there", () => {
  expect(torchCases.length).toBe(34);
  for (const { expected } of torchCases) expect(expected.length).toBeGreaterThan(5);
});

describe("the float64 oracle has PyTorch's numbers", () => {
  // Both sum in float64, in another order: differences of about the number of terms times 1e-16 of the largest value.
  test.each(torchCases)("$id", (c) => {
    const atol = (name: string) => 1e-13 * (c.tolerance[name]?.ref_max_abs || 1e-300) + (name === "loss" ? 1e-12 : 0);
    expect(failures(c, runOracle(c), atol)).toEqual([]);
  });
});

describe.each(BUILDS)("the kernels have PyTorch's numbers: %s", (build) => {
  const core = createCore(build);
  test.each(torchCases)("$id", (c) => {
    expect(failures(c, runKernels(core, c), (name) => c.tolerance[name]?.atol as number)).toEqual([]);
  });
});
