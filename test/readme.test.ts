// What the README shows runs as it stands there.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

test("the example trains and streams", () => {
  const [, code] = /```js\n([\s\S]*?)```/.exec(readme) as unknown as [string, string];
  expect(code.trim().split("\n").length).toBeLessThanOrEqual(16);
  // Within the package, so that its own name resolves to what was built.
  const file = new URL("../build/readme.mjs", import.meta.url);
  writeFileSync(file, code);
  const lines = execFileSync(process.execPath, [file.pathname], { encoding: "utf8" }).trim().split("\n");
  const steps = Array.from({ length: 40 }, (_, k) => 41 + k);
  expect(lines.map((line) => Number(line.split(" ")[0]))).toEqual([0, 50, 100, 150, ...steps]);
  const [first, , , last] = lines.map((line) => Number(line.split(" ")[1])) as [number, number, number, number];
  expect(last).toBeLessThan(0.01 * first);
  const [, predicted, , came] = (lines.at(-1) as string).split(" ").map(Number) as [number, number, number, number];
  expect(Math.abs(predicted - came)).toBeLessThan(0.02);
});

test("the example with lengths learns, and its copy from a file answers", () => {
  const [, code] = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map(([, text]) => text) as [string, string];
  const file = new URL("../build/readme-lengths.mjs", import.meta.url);
  writeFileSync(file, code);
  const lines = execFileSync(process.execPath, [file.pathname], { encoding: "utf8" }).trim().split("\n");
  // The validation loss of the last epoch.
  expect(Number(lines.at(-2)?.split(" ")[2])).toBeLessThan(0.1);
  expect(lines.at(-1)).toMatch(/^Float32Array\(4\) \[ -\d+, \d+, \d+, -\d+ \]$/);
});

test("the files it links are there", () => {
  for (const [, path] of readme.matchAll(/\]\((?!http)([^)]+)\)/g))
    readFileSync(new URL(`../${path}`, import.meta.url));
});
