import { readFileSync } from "node:fs";
import { decodeSafetensors, type Tensor } from "lstm-wasm";

const folder = new URL("../conformance/", import.meta.url);

/** A case of conformance/torch; the fields' meaning is in the README there. */
export interface TorchCase {
  readonly id: string;
  readonly file: string;
  readonly op: "LSTM" | "GRU" | "RNN_TANH" | "RNN_RELU";
  readonly input_size: number;
  readonly hidden_size: number;
  readonly num_layers: number;
  readonly bidirectional: boolean;
  readonly bias: boolean;
  readonly proj_size: number;
  readonly batch: number;
  readonly seq: number;
  readonly batch_first: boolean;
  readonly lengths: readonly number[] | null;
  readonly has_initial_state: boolean;
  readonly weights: readonly string[];
  readonly expected: readonly string[];
  readonly tolerance: Readonly<Record<string, { readonly ref_max_abs: number; readonly atol: number }>>;
}

/** The folder of the goldens that the project carries, or one beside it. */
export const goldens = (path: string): URL => new URL(path, folder);

export const readJson = (file: URL) => JSON.parse(readFileSync(file, "utf8"));

export const torchCases: readonly TorchCase[] = readJson(goldens("torch/cases.json")).cases;

/** The tensors of a file, in their own types. */
export const readTensors = (file: URL) => decodeSafetensors(readFileSync(file)).tensors;

/** A tensor that must be there, in F32. */
export function float32(tensors: ReturnType<typeof readTensors>, name: string): Tensor {
  const tensor = tensors[name];
  if (!(tensor?.data instanceof Float32Array)) throw new Error(`${name}: expected an F32 tensor`);
  return { data: tensor.data, shape: tensor.shape };
}

/** A case of conformance/training; the fields' meaning is in the README there. */
export interface TrainingCase {
  readonly id: string;
  readonly file: string;
  readonly optimizer: "Adam" | "AdamW" | "SGD" | "RMSprop";
  readonly optimizer_args: Readonly<Record<string, unknown>>;
  readonly clip_grad_norm: number;
  readonly input_size: number;
  readonly hidden_size: number;
  readonly output_size: number;
  readonly steps: number;
  readonly parameters: readonly string[];
  readonly atol: { readonly losses: number; readonly after1: number; readonly final: number };
}
