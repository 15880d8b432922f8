// `lstm-wasm sample`: text by a model that `train --text` saved, drawn character by character.
import { load } from "lstm-wasm";
import { crossEntropyLoss } from "lstm-wasm/train";
import { UserError } from "./fail.ts";
import { readInput } from "./files.ts";
import { loadModel, ofFile } from "./load-model.ts";
import { createRandom } from "./random.ts";
import { likeliest } from "./scores.ts";
import type { TextModel } from "./text-model.ts";

export interface SampleOptions {
  /** What logits are divided by: below 1 likelier, above 1 wilder; at 0 always the likeliest character. */
  readonly temperature: number;
  readonly seed: number;
  /** Characters behind the prompt. */
  readonly length: number;
  readonly prompt: string;
  readonly json?: boolean;
}

/** The command. */
export async function sample(file: string, options: SampleOptions): Promise<void> {
  if (!(options.temperature >= 0))
    throw new UserError(`--temperature: expected a number of at least 0, got ${options.temperature}`);
  const [core, bytes] = [await load(), await readInput(file)];
  const model = ofFile(file, () => loadModel(core, bytes));
  if (model.kind !== "text")
    throw new UserError(`${file}: expected a model of text, got a ${model.kind}; \`lstm-wasm predict\` runs it`);
  const text = draw(model, options);
  const { json, ...told } = options;
  if (json) console.log(JSON.stringify({ ...told, text }, null, 1));
  else console.log(`${told.prompt}${text}`);
}

/**
 * Characters that follow a prompt (none: a new line). The same model and options give the same text everywhere: logits come
 * from the streaming step, probabilities from the kernels, and nothing else is computed but sums.
 */
export function draw(model: TextModel, { temperature, seed, length, prompt }: SampleOptions): string {
  const random = createRandom(seed);
  const start = Math.max(0, model.alphabet.indexOf("\n"));
  const given = prompt === "" ? [start] : model.encode("--prompt", prompt);
  const reader = model.reader();
  let logits = new Float32Array();
  for (const number of given) logits = Float32Array.from(reader.step(number));
  const drawn: string[] = [];
  for (let k = 0; k < length; k++) {
    const next = temperature === 0 ? likeliest([...logits]) : pick(probabilities(model, logits, temperature), random());
    drawn.push(model.alphabet[next] as string);
    logits = Float32Array.from(reader.step(next));
  }
  reader.dispose();
  return drawn.join("");
}

/**
 * softmax(logits / temperature), by the kernels, whose bits do not depend on the engine's Math.exp: the gradient of the
 * cross-entropy is the softmax less 1 at the target.
 */
function probabilities({ model }: TextModel, logits: Float32Array, temperature: number): Float32Array {
  // Their difference to the largest one, so that nothing overflows however cold it is.
  const most = logits.reduce((a, b) => Math.max(a, b));
  const data = logits.map((logit) => Math.max(-1e4, (logit - most) / temperature));
  const target = { data: Float32Array.of(0), shape: [1] };
  const { gradient } = crossEntropyLoss({ reduction: "sum" }).forward(
    model.core,
    { data, shape: [1, data.length] },
    target,
  );
  gradient.data[0] = (gradient.data[0] as number) + 1;
  return gradient.data;
}

/** The place where the running sum of the weights passes a share of their whole. */
function pick(weights: Float32Array, share: number): number {
  let left = share * weights.reduce((sum, weight) => sum + weight, 0);
  const place = weights.findIndex((weight) => {
    left -= weight;
    return left < 0;
  });
  return place < 0 ? likeliest([...weights]) : place;
}
