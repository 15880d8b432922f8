import { describe, expect, test } from "vitest";
import { goldens, readJson, type XentCase } from "./support/cases.ts";
import { BUILDS, createCore } from "./support/cores.ts";
import { runXent } from "./support/xent.ts";

describe.each(BUILDS)("%s: cross-entropy has PyTorch's numbers", (build) => {
  const folder = goldens("xent/");
  test.each<XentCase>(readJson(new URL("cases.json", folder)).cases)("$id", (c) => {
    const differences = runXent(createCore(build), c, folder);
    expect(differences.length).toBe(6);
    expect(differences.filter(({ ratio }) => !(ratio <= 1)).map(({ text }) => text)).toEqual([]);
  });
});
