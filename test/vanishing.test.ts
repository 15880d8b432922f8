// The page on vanishing gradients: its code prints what it says, and draws the pictures beside it.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { runPage } from "./support/page.ts";

const folder = new URL("../examples/vanishing/", import.meta.url);
const pictures = mkdtempSync(join(tmpdir(), "lstm-wasm-"));
afterAll(() => rmSync(pictures, { recursive: true }));

const { said, printed } = runPage(new URL("README.md", folder), pictures);

/** Of a line that says ≈, whose numbers are chaotic, what it says beside them. */
const steady = (text: string) =>
  text
    .split("\n")
    .map((line) =>
      (line.startsWith("≈") ? line.replace(/[\d.,−+e]+|overflow/g, "#").replace(/ +/g, " ") : line).replace(
        /≈ # (GRU|RNN).*/,
        "$1",
      ),
    )
    .join("\n");

test("prints what stands on the page", () => {
  expect(printed.length).toBeGreaterThan(5);
  expect(printed.map(steady)).toEqual(said.map(steady));
  expect(printed.join("").match(/^[^≈]/gm)?.length).toBeGreaterThan(30);
});

test("what is said in words is in the numbers", () => {
  const [byHand, cells, paths, , clipping, windows, end] = printed as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  for (const line of byHand.trim().split("\n").slice(1)) {
    const [, , ...values] = line.trim().split(/\s+/);
    expect(values.slice(0, 3)).toEqual(values.slice(3));
  }
  const verdict = (start: RegExp) => cells.split("\n").find((line) => start.test(line)) as string;
  expect(verdict(/ 0\.5 +LSTM +0/)).toContain("vanishes");
  expect(verdict(/ 4 +LSTM +3/)).toContain("explodes");
  expect(verdict(/ 4 +LSTM +0/)).toContain("vanishes");
  expect(paths).toMatch(/vanishes after [\s\S]*explodes after/);
  expect(clipping).toMatch(/explodes[\s\S]*reaches back all 200 steps/);
  expect(windows).toMatch(/never\n$/);
  expect(end).toMatch(/of 9 that carry the gradient over 1,000 steps: 1\n/);
});

test("draws the pictures that stand beside it", () => {
  const names = readdirSync(folder).filter((name) => name.endsWith(".svg"));
  expect(readdirSync(pictures).sort()).toEqual(names.sort());
  expect(names.length).toBe(3);
  for (const name of names) {
    const text = readFileSync(new URL(name, folder), "utf8");
    // Curves may be others where gradients grow; all else is the same.
    const drawn = readFileSync(join(pictures, name), "utf8");
    const labels = (svg: string) => svg.match(/<text.*?<\/text>/g);
    expect(labels(drawn)).toEqual(labels(text));
    expect(text.match(/https?:\/\/(?!www\.w3\.org)|<script|NaN|undefined/)).toBeNull();
  }
});
