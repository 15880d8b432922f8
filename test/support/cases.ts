import { readFileSync } from "node:fs";
import type { Tensor } from "lstm-wasm";
import { decodeSafetensors } from "lstm-wasm/io";
import { compare, type Difference, largest } from "./compare.ts";

const folder = new URL("../conformance/", import.meta.url);

/** A case of conformance/torch; the fields' meaning is in the README there. */
export interface TorchCase {
  readonly id: string;
  readonly file: string;
  readonly op: "LSTM" | "GRU" | "RNN_TANH" | "RNN_RELU";
  readonly input_size: number;
  readonly hidden_size: number;
  readonly num_layers?: number;
  readonly bidirectional?: boolean;
  readonly bias?: boolean;
  readonly proj_size?: number;
  readonly dropout?: number;
  readonly batch_first?: boolean;
  readonly lengths?: readonly number[] | null;
  readonly expected: readonly string[];
  readonly tolerance: Tolerances;
}

export type Tolerances = Readonly<Record<string, { readonly ref_max_abs?: number; readonly atol: number }>>;

/** The folder of the goldens that the project carries, or one beside it. */
export const goldens = (path: string): URL => new URL(path, folder);

export const readJson = (file: URL) => JSON.parse(readFileSync(file, "utf8"));

export const torchCases: readonly TorchCase[] = readJson(goldens("torch/cases.json")).cases;

/** The tensors of a file, in their own types. */
export const readTensors = (file: URL) => decodeSafetensors(readFileSync(file)).tensors;

/** A tensor that must be there, as F32. */
export function float32(tensors: ReturnType<typeof readTensors>, name: string): Tensor {
  const tensor = tensors[name];
  if (!tensor) throw new Error(`${name}: expected a tensor, got none`);
  return { data: Float32Array.from(tensor.data), shape: tensor.shape };
}

/** Each of these answers against the tensor of its name. Without a tolerance: that of the PyTorch goldens' README. */
export function compareAnswers(
  answers: Readonly<Record<string, ArrayLike<number>>>,
  expected: readonly string[],
  tensors: ReturnType<typeof readTensors>,
  tolerance: Tolerances = {},
): Difference[] {
  return expected.map((name) => {
    const [got, want] = [answers[name], tensors[name]?.data];
    if (!got) throw new Error(`expected: expected names among ${Object.keys(answers).join(", ")}, got ${name}`);
    if (!want) throw new Error(`${name}: expected a tensor, got none`);
    return compare(name, got, want, tolerance[name]?.atol ?? Math.max(4e-6 * largest(want), 1e-37));
  });
}

/** A case of conformance/training; the fields' meaning is in the README there. */
export interface TrainingCase {
  readonly id: string;
  readonly file: string;
  readonly optimizer: "Adam" | "AdamW" | "SGD" | "RMSprop";
  readonly optimizer_args: Readonly<Record<string, unknown>>;
  readonly clip_grad_norm?: number | null;
  readonly steps: number;
  readonly parameters: readonly string[];
  readonly atol: { readonly losses: number; readonly after1: number; readonly final: number };
}

/** A case of conformance/xent; the fields' meaning is in the README there. */
export interface XentCase {
  readonly id: string;
  readonly file: string;
  readonly classes: number;
  readonly ignore_index?: number | null;
  readonly label_smoothing?: number;
  readonly expected: readonly string[];
  readonly tolerance: Tolerances;
}
