// The examples in a short form: what they generate is what they say, what they train learns, and what they draw is a picture.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { addingBatch } from "../examples/classics/adding.ts";
import { copyBatch } from "../examples/classics/copy.ts";
import { main } from "../examples/classics/main.ts";
import { createRandom } from "../examples/classics/random.ts";
import { embeddedReberWord } from "../examples/classics/reber.ts";

const folder = mkdtempSync(join(tmpdir(), "lstm-wasm-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs an example as the command does. */
async function run(...args: string[]) {
  const said: string[] = [];
  const out = join(folder, "picture.svg");
  const outcomes = await main([...args, "--out", out], (line) => said.push(line));
  return { outcomes, said: said.join("\n"), picture: readFileSync(out, "utf8") };
}

describe("what is generated", () => {
  test("two marked numbers, one in each half, and their sum", () => {
    const [T, B] = [11, 4];
    const { x, target } = addingBatch(createRandom(1), T, B);
    expect(x.shape).toEqual([T, B, 2]);
    for (let b = 0; b < B; b++) {
      const steps = Array.from({ length: T }, (_, t) => [...x.data.subarray((t * B + b) * 2, (t * B + b) * 2 + 2)]);
      const marked = steps.flatMap(([value, mark], t) => (mark === 1 ? [{ value: value as number, t }] : []));
      expect(marked.map(({ t }) => t < 5)).toEqual([true, false]);
      expect(
        steps.every(
          ([value, mark]) => (value as number) >= 0 && (value as number) < 1 && [0, 1].includes(mark as number),
        ),
      ).toBe(true);
      expect(target.data[b]).toBeCloseTo(
        marked.reduce((sum, { value }) => sum + value, 0),
        6,
      );
    }
  });

  test("ten symbols, blanks, a sign, and the ten symbols again", () => {
    const [T, B] = [7, 3];
    const { x, target } = copyBatch(createRandom(2), T, B);
    expect(x.shape).toEqual([T + 20, B, 10]);
    for (let b = 0; b < B; b++) {
      const rows = Array.from({ length: T + 20 }, (_, t) => [
        ...x.data.subarray((t * B + b) * 10, (t * B + b + 1) * 10),
      ]);
      expect(
        rows.every((row) => row.filter((v) => v === 1).length === 1 && row.filter((v) => v === 0).length === 9),
      ).toBe(true);
      const seen = rows.map((row) => row.indexOf(1));
      const wanted = Array.from({ length: T + 20 }, (_, t) => target.data[t * B + b]);
      expect(seen.slice(0, 10).every((symbol) => symbol < 8)).toBe(true);
      expect(seen.slice(10)).toEqual([...Array(T - 1).fill(8), 9, ...Array(10).fill(8)]);
      expect(wanted).toEqual([...Array(T + 10).fill(8), ...seen.slice(0, 10)]);
    }
  });

  test("strings of the embedded Reber grammar, and all that may follow", () => {
    const random = createRandom(3);
    const reber = /^B(TS*X(S|X(T*VPX)*T*V(V|PS))|P(T*VPX)*T*V(V|PS))E$/;
    for (let k = 0; k < 500; k++) {
      const { letters, next } = embeddedReberWord(random);
      expect(letters).toMatch(/^B([TP])B.*E\1E$/);
      expect(letters.slice(2, -2)).toMatch(reber);
      expect(next.length).toBe(letters.length - 1);
      next.forEach((allowed, t) => {
        expect(allowed).toContain(letters[t + 1]);
      });
      expect(next.at(-2)).toBe(letters[1]);
    }
  });
});

describe("what is learnt", () => {
  test("the LSTM predicts the embedded Reber grammar, the RNN does not see its second letter", async () => {
    const { outcomes, said, picture } = await run("reber", "--updates", "2500", "--cells", "LSTM,RNN");
    const [lstm, rnn] = outcomes.map(({ solvedAt }) => solvedAt);
    expect(lstm).toBeGreaterThan(500);
    expect(rnn).toBe(null);
    expect(said).toMatch(/\nLSTM +1 +1099 +\d+ +100\.0 % +[\d.]+ s\nRNN +1 +343 +not +\d+\.\d % +[\d.]+ s\n/);
    expect(said.split("\n").every((line) => line.length <= 80 || line.endsWith(".svg"))).toBe(true);
    expect(picture).toMatch(/^<svg .*xmlns="http:\/\/www.w3.org\/2000\/svg"/);
    expect(picture).toContain("prefers-color-scheme: dark");
    expect(picture).not.toMatch(/<script|https?:(?!\/\/www\.w3\.org)/);
  });

  test.each(["LSTM", "GRU"])("%s adds the two numbers", async (cell) => {
    const { outcomes } = await run("adding", "--T", "20", "--updates", "1000", "--cells", cell);
    expect(outcomes[0]?.solvedAt).toBeGreaterThan(0);
  });

  test("the copy task takes longer than a test may: it starts from chance", async () => {
    const { outcomes } = await run("copy", "--T", "3", "--updates", "100", "--cells", "LSTM");
    const marks = outcomes[0]?.curve.map(({ mark }) => mark) as number[];
    expect(marks.length).toBe(2);
    expect(Math.abs((marks[1] as number) - 12.5)).toBeLessThan(5);
  });

  test("the same seed, the same marks", async () => {
    const once = async () => {
      const { outcomes } = await run("adding", "--T", "9", "--updates", "50");
      return outcomes.map(({ curve }) => curve);
    };
    expect(await once()).toEqual(await once());
  });
});

test.each([
  ["nothing"],
  ["adding", "--T", "x"],
  ["reber", "--cells", "LSTM,CNN"],
  ["copy", "--seeds", "1,,2"],
  ["reber", "--epochs", "3"],
  ["adding", "copy"],
])("%s %s %s is refused in one sentence", async (...args) => {
  await expect(main(args.filter((arg) => arg !== undefined))).rejects.toThrow(/^expected npm run example -- .*, got /);
});

describe("npm run example", () => {
  const script = new URL("../examples/run.ts", import.meta.url).pathname;
  const example = (...args: string[]) => spawnSync(process.execPath, [script, ...args], { encoding: "utf8" });

  test("lists the examples where none of them is named", () => {
    for (const args of [[], ["toString"]]) {
      const { status, stderr } = example(...args);
      expect(status).toBe(2);
      expect(stderr).toMatch(/^expected the name of an example, got \w+\n/);
      expect(stderr).toMatch(/^ {2}adding +.*\n {2}copy +.*\n {2}reber +.*\n {2}worker +/m);
    }
    expect(example("--help")).toMatchObject({ status: 0, stderr: "" });
  });

  test("tells the options of one, and refuses others", () => {
    const { status, stdout } = example("reber", "--help");
    expect([status, stdout.split("\n")[0]]).toEqual([0, expect.stringMatching(/^npm run example -- .*--seeds/)]);
    expect(example("worker", "--T", "9")).toMatchObject({
      status: 1,
      stderr: "expected npm run example -- worker, got worker --T 9\n",
    });
  });
});
