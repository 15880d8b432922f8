import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { goldens } from "./support/cases.ts";
import { BUILDS, createCore } from "./support/cores.ts";
import { runOnnx } from "./support/onnx.ts";

const folders = readdirSync(goldens("onnx/")).filter((name) => name.startsWith("test_"));

describe.each(BUILDS)("ONNX' own node tests: %s", (build) => {
  test.each(folders)("%s", (name) => {
    const differences = runOnnx(createCore(build), goldens(`onnx/${name}/`));
    expect(differences.length).toBe(1);
    expect(differences.filter(({ ratio }) => !(ratio <= 1))).toEqual([]);
  });
});

test("all four are there", () => {
  expect(folders.length).toBe(4);
});
