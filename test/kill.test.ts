// A training that is killed at random moments, over and over, ends with the bits of one that never stopped.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { decodeSafetensors } from "lstm-wasm/io";
import { afterAll, expect, test } from "vitest";

const script = new URL("support/train-and-save.ts", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "lstm-wasm-"));
afterAll(() => rmSync(folder, { recursive: true }));

const KILLS = 20;
const RUN = "adam, shuffled, dropout of every kind";

/** Runs until it ends, or is killed after some ms; answers the signal and what it said. */
async function run(checkpoint: string, final: string, pause: number, killAfter?: number) {
  const child = spawn(process.execPath, [script, RUN, join(folder, checkpoint), join(folder, final), String(pause)]);
  let said = "";
  child.stderr.on("data", (data) => {
    said += data;
  });
  const ended = new Promise<string | null>((resolve) => child.on("close", (_, signal) => resolve(signal)));
  if (killAfter !== undefined) {
    // From its first word on: how long a process takes to start depends on what else the machine does.
    await new Promise((resolve) => child.stdout.once("data", resolve));
    await setTimeout(killAfter);
    child.kill("SIGKILL");
  }
  return { signal: await ended, said };
}

/** Updates that the checkpoint has seen. */
function stepsSaved(): number {
  if (!existsSync(join(folder, "checkpoint"))) return 0;
  const { metadata } = decodeSafetensors(readFileSync(join(folder, "checkpoint")));
  return JSON.parse(metadata.training as string).steps;
}

test(`killed ${KILLS} times or more`, async () => {
  let kills = 0;
  // On a busy machine a run may not get far.
  while (kills < KILLS || stepsSaved() <= KILLS) {
    const { signal, said } = await run("checkpoint", "killed", 10, 250 * Math.random());
    expect(said).toBe("");
    // A run that ends before it is killed would prove nothing.
    expect(signal).toBe("SIGKILL");
    kills++;
  }
  expect((await run("checkpoint", "killed", 0)).said).toBe("");
  expect((await run("other-checkpoint", "whole", 0)).said).toBe("");
  const read = (name: string) => readFileSync(join(folder, name));
  expect(read("killed").equals(read("whole"))).toBe(true);
  expect(read("checkpoint").equals(read("other-checkpoint"))).toBe(true);
  // What a killed process left half written stands beside, and hurts nobody.
  expect(
    readdirSync(folder)
      .filter((name) => !name.includes(".tmp"))
      .sort(),
  ).toEqual(["checkpoint", "killed", "other-checkpoint", "whole"]);
}, 120_000);
