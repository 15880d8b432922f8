// The package on the machine's own Node, beside the one that the project's scripts run on: the same bits.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, expect, test } from "vitest";

const script = new URL("support/smoke.mjs", import.meta.url).pathname;
const version = (node: string) => execFileSync(node, ["--version"], { encoding: "utf8" }).trim().slice(1);

/** The first node on PATH that npm did not put there. */
const own = (process.env.PATH ?? "")
  .split(delimiter)
  .filter((folder) => !folder.includes("node_modules"))
  .map((folder) => join(folder, process.platform === "win32" ? "node.exe" : "node"))
  .find((file) => existsSync(file));

const supported = (text: string) => {
  const [major, minor] = text.split(".").map(Number) as [number, number];
  return major > 20 || (major === 20 && minor >= 19);
};

describe("the built package", () => {
  const run = (node: string) => execFileSync(node, [script], { encoding: "utf8" }).trim();

  test("runs on the Node of the scripts", () => {
    expect(run(process.execPath)).toMatch(/^[0-9a-f]{64}$/);
  });

  const reason = own === undefined ? "there is none" : supported(version(own)) ? "" : `it is ${version(own)}`;
  test.skipIf(reason !== "")(
    `has the same bits on the machine's own Node (${reason || version(own as string)})`,
    () => {
      expect(run(own as string)).toBe(run(process.execPath));
    },
  );
});
