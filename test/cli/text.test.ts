// Models of text: what they learn, what they are measured against, and what sample draws.
import { readFileSync, writeFileSync } from "node:fs";
import { loadSync } from "lstm-wasm";
import { afterAll, describe, expect, test } from "vitest";
import { loadModel } from "../../bindings/cli/load-model.ts";
import { ngramBits } from "../../bindings/cli/ngram.ts";
import { createRandom } from "../../bindings/cli/random.ts";
import { draw } from "../../bindings/cli/sample.ts";
import { splitText } from "../../bindings/cli/text.ts";
import { streamsOf, TextModel } from "../../bindings/cli/text-model.ts";
import { createFolder, main } from "../support/cli.ts";

const { path, remove, cli } = createFolder();
afterAll(remove);

/** Words in random order. */
function createText(words = 700): string {
  const random = createRandom(5);
  return Array.from({ length: words }, () => ["gate ", "cell ", "höhe→", "tanh\n"][Math.floor(4 * random())]).join("");
}

const quick = ["--hidden", "24", "--embedding", "8", "--window", "16", "--batch", "8", "--lr", "0.02", "--epochs", "8"];

test("trains on files, and its samples are made of their words", async () => {
  writeFileSync(path("a.txt"), createText());
  writeFileSync(path("b.txt"), createText(200));
  const { out } = await cli("train", "--text", "a.txt", "b.txt", ...quick, "--json");
  const { bitsPerCharacter, ngramBitsPerCharacter, characters, alphabet } = JSON.parse(out);
  expect(characters).toEqual({ train: 3600, validation: 450, test: 450 });
  expect(alphabet).toBe(12);
  expect(ngramBitsPerCharacter.length).toBe(6);
  // A word of five characters is one of four: 2 bits a word, 0.4 a character.
  expect(bitsPerCharacter).toBeGreaterThan(0.38);
  expect(bitsPerCharacter).toBeLessThan(0.55);
  const report = readFileSync(path("report.html"), "utf8");
  expect(report).toContain("Where it is surprised");
  expect(report.match(/https?:\/\/(?!www\.w3\.org)|<script|NaN|undefined/)).toBeNull();

  const text = (...args: string[]) => cli("sample", "model.safetensors", "--length", "100", ...args);
  const one = await text("--seed", "7", "--prompt", "gate ");
  expect(one.out.startsWith("gate ")).toBe(true);
  expect([...one.out.trimEnd()].length).toBeGreaterThan(100);
  const words = one.out.match(/gate |cell |höhe→|tanh\n/g) ?? [];
  expect(words.join("").length).toBeGreaterThan(80);
  expect((await text("--seed", "7", "--prompt", "gate ")).out).toBe(one.out);
  expect((await text("--seed", "8", "--prompt", "gate ")).out).not.toBe(one.out);
  // The likeliest character at every step needs no seed.
  expect((await text("--temperature", "0", "--seed", "1")).out).toBe((await text("--temperature", "0")).out);
  expect(JSON.parse((await text("--json")).out)).toMatchObject({ temperature: 0.8, seed: 1, length: 100, prompt: "" });
}, 60_000);

test("says what it does, within 80 columns", async () => {
  writeFileSync(path("a.txt"), createText());
  const { out, err } = await cli("train", "--text", "a.txt", ...quick, "--epochs", "2");
  expect(out).toContain("n-gram, 5 characters of context");
  expect(out).toContain("A sample, at temperature 0.8:");
  expect(err).toMatch(/^epoch 1 of 2: bits train/);
  const more = out.trimEnd().split("\n").at(-1);
  expect(more).toBe(`more    node ${main} sample model.safetensors --temperature 0.8 --seed 2`);
  expect(out.split("\n").filter((line) => line.length > 80 && line !== more)).toEqual([]);
}, 60_000);

describe("bad input", () => {
  test.each<[string, string | Uint8Array, string]>([
    ["too short", "abc", "a.txt: expected a text of at least 500 characters, got 3"],
    ["one character", "a".repeat(600), 'a.txt: expected different characters, got "a" alone'],
    ["not text", Uint8Array.of(0xff, 0xfe, 0), "a.txt: expected text in UTF-8, got other bytes"],
  ])("%s", async (_, content, message) => {
    writeFileSync(path("a.txt"), content);
    expect(await cli("train", "--text", "a.txt")).toMatchObject({ code: 1, err: `lstm-wasm: ${message}\n` });
  });

  test("what a model of text cannot do, and what a forecaster cannot", async () => {
    writeFileSync(path("a.txt"), createText());
    writeFileSync(path("data.csv"), `v\n${Array.from({ length: 40 }, (_, k) => k * k).join("\n")}\n`);
    await cli("train", "--text", "a.txt", ...quick, "--epochs", "1", "--out", "text");
    await cli("train", "data.csv", "--target", "v", "--window", "3", "--epochs", "1", "--out", "numbers");
    const said = async (...args: string[]) => (await cli(...args)).err;
    expect(await said("predict", "text", "data.csv")).toBe(
      "lstm-wasm: text: expected a forecaster or a classifier, got a model of text; `lstm-wasm sample` runs it\n",
    );
    expect(await said("sample", "numbers")).toBe(
      "lstm-wasm: numbers: expected a model of text, got a forecaster; `lstm-wasm predict` runs it\n",
    );
    expect(await said("sample", "text", "--prompt", "gaté")).toBe(
      'lstm-wasm: --prompt: expected characters of the text that the model learned, got "é" as character 4\n',
    );
    expect(await said("sample", "text", "--temperature", "-1")).toBe(
      "lstm-wasm: --temperature: expected a number of at least 0, got -1\n",
    );
  }, 60_000);
});

describe("the model", () => {
  const core = loadSync();
  const { alphabet, train, test: held } = splitText(["a"], [createText(300)]);
  const settings = { hidden: 9, layers: 2, embedding: 5, dropout: 0.2, seed: 1 };
  const model = new TextModel(core, alphabet, settings);

  test("reads by the streaming step with the bits of a whole pass", () => {
    const numbers = train.slice(0, 50);
    const { data } = model.model.forward({ data: Float32Array.from(numbers), shape: [50, 1] });
    const reader = model.reader();
    const logits = numbers.flatMap((number) => [...reader.step(number)]);
    expect(Float32Array.from(logits)).toEqual(data);
  });

  test("comes back from its file with the same text", () => {
    const again = loadModel(core, model.save()) as TextModel;
    expect(again).toMatchObject({ kind: "text", settings, alphabet });
    const options = { temperature: 1.5, seed: 3, length: 50, prompt: "" };
    expect(draw(again, options)).toBe(draw(model, options));
  });

  test("draws by its probabilities", () => {
    // Logits that do not depend on what came before: the linear layer's bias alone.
    const fixed = new TextModel(core, ["a", "b", "c"], settings);
    const dict = fixed.model.stateDict();
    for (const [name, { data }] of Object.entries(dict)) data.fill(0, 0, name.startsWith("3") ? data.length : 0);
    (dict["3.bias"] ?? dict["4.bias"])?.data.set([0, Math.log(2), Math.log(5)]);
    for (const { data } of [dict["3.weight"] ?? dict["4.weight"]].filter((found) => found !== undefined)) data.fill(0);
    fixed.model.loadStateDict(dict);
    const counts = (temperature: number) => {
      const text = draw(fixed, { temperature, seed: 1, length: 4000, prompt: "a" });
      return ["a", "b", "c"].map((character) => text.split(character).length - 1);
    };
    // Three deviations of a share p are 3·√(p(1 − p)/4000), at most 0.024.
    for (const [temperature, powers] of [
      [1, [1, 2, 5]],
      [0.5, [1, 4, 25]],
    ] as [number, number[]][]) {
      const sum = powers.reduce((a, b) => a + b);
      counts(temperature).forEach((count, k) => {
        expect(Math.abs(count / 4000 - (powers[k] as number) / sum)).toBeLessThan(0.024);
      });
    }
    expect(counts(0)).toEqual([0, 0, 4000]);
    // However cold or hot, nothing overflows.
    expect(counts(1e-30)).toEqual([0, 0, 4000]);
    expect(counts(1e30).every((count) => count > 1200)).toBe(true);
  });

  test("the surprise of a text is its cross-entropy", () => {
    const bits = model.reader().surprise(held);
    const batch = streamsOf(held, 1);
    const { loss } = model.loss.forward(core, model.model.forward(batch.x), batch.target);
    expect(bits.length).toBe(held.length - 1);
    expect(bits.reduce((a, b) => a + b) / bits.length).toBeCloseTo((loss as number) / Math.LN2, 5);
  });
});

test("streams lie side by side, each text the next one's", () => {
  const { x, target } = streamsOf([0, 1, 2, 3, 4, 5, 6, 7], 2);
  expect(x).toEqual({ data: Float32Array.of(0, 3, 1, 4, 2, 5), shape: [3, 2] });
  expect(target.data).toEqual(Float32Array.of(1, 4, 2, 5, 3, 6));
});

test("every file gives its first part to train, its last to test", () => {
  const [a, b] = ["a".repeat(500), "b".repeat(1000)];
  const { alphabet, train, validation, test: held } = splitText(["1", "2"], [a, b]);
  expect(alphabet).toEqual(["a", "b"]);
  expect(train.length).toBe(1200);
  for (const [part, share] of [
    [train, 0.8],
    [validation, 0.1],
    [held, 0.1],
  ] as const)
    expect(part).toEqual([...Array(500 * share).fill(0), ...Array(1000 * share).fill(1)]);
});

describe("n-grams", () => {
  test("Kneser and Ney's rule by hand", () => {
    // "abab" and "aab", of an alphabet of three: p(a), then p(b).
    const [zero, one] = ngramBits([0, 1, 0, 1], [0, 0, 1], 3) as [number, number];
    // Both characters were seen twice, none once: the discount is 1/2.
    const seen = (2 - 1 / 2 + (1 / 2) * 2 * (1 / 3)) / 4;
    expect(zero).toBeCloseTo(-Math.log2(seen), 12);
    // b stood behind a alone, and a behind b: counts of 1, so a discount of 1, and nothing but the uniform distribution.
    const lower = 1 / 3;
    // "ab" was seen twice, "ba" once, nothing else: n₁ = n₂ = 1, and the discount is 1/3.
    const [a, b] = [((1 / 3) * lower) / 2, (2 - 1 / 3 + (1 / 3) * lower) / 2];
    expect(one).toBeCloseTo(-(Math.log2(a) + Math.log2(b)) / 2, 12);
  });

  test("each order's probabilities of the next character add up to 1", () => {
    const random = createRandom(2);
    const train = Array.from({ length: 200 }, () => Math.floor(3 * random()));
    for (const start of [[0, 1, 2, 0, 1], [2, 2, 2, 2, 2], [1]]) {
      const before = ngramBits(train, [...start, 0], 4).map(() => 0);
      // The bits of the whole less those of the beginning are those of the last character.
      const total = (text: number[]) => ngramBits(train, text, 4).map((mean) => mean * (text.length - 1));
      const begun = start.length > 1 ? total(start) : before;
      const sums = [0, 1, 2, 3].map((next) =>
        total([...start, next]).map((bits, n) => 2 ** ((begun[n] as number) - bits)),
      );
      before.forEach((_, n) => {
        expect(sums.reduce((sum, p) => sum + (p[n] as number), 0)).toBeCloseTo(1, 9);
      });
    }
  });

  test("a text that repeats costs next to nothing with context enough", () => {
    const text = Array.from({ length: 3000 }, (_, k) => [0, 0, 0, 1][k % 4] as number);
    const bits = ngramBits(text, text, 2);
    expect(bits[0]).toBeCloseTo(-(0.75 * Math.log2(0.75) + 0.25 * Math.log2(0.25)), 2);
    expect(bits[3]).toBeLessThan(0.01);
  });
});
