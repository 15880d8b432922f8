// The errors stated above exp, sigmoid and tanh, over all 2^32 arguments: minutes for each function.
import { readFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";

const source = readFileSync(new URL("../../assembly/math/activation.ts", import.meta.url), "utf8");

/** The figures above a function, as "1.234 (relaxed 1.235)". */
function stated(name: string): Record<"core" | "core.relaxed", number> {
  const comment = source
    .slice(0, source.indexOf(`export function ${name}`))
    .split("/**")
    .at(-1) as string;
  const [, strict, relaxed] = /([\d.]+) \(relaxed build ([\d.]+)\) units/.exec(comment) as unknown as [
    string,
    string,
    string,
  ];
  return { core: Number(strict), "core.relaxed": Number(relaxed) };
}

const measure = (build: string, name: string): Promise<{ worst: number; where: number; wrongNaN: number }> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL("ulp-worker.mjs", import.meta.url), { workerData: { build, name } });
    worker.once("message", resolve).once("error", reject);
  });

test.concurrent.each(
  (["core", "core.relaxed"] as const).flatMap((build) =>
    ["exp", "sigmoid", "tanh"].map((name) => [build, name] as const),
  ),
)(
  "%s: %s",
  async (build, name) => {
    const { worst, where, wrongNaN } = await measure(build, name);
    expect(wrongNaN).toBe(0);
    expect(worst.toFixed(3), `at ${where}`).toBe(stated(`${name}4`)[build].toFixed(3));
  },
  3_600_000,
);
