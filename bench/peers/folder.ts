// Problems as files, so that every peer, in any language, starts from the same numbers.
import { readFileSync, writeFileSync } from "node:fs";
import type { Tensor } from "lstm-wasm";
import { decodeSafetensors, encodeSafetensors } from "lstm-wasm/io";
import { type BenchCase, CASES } from "../cases.ts";
import { createProblem, type Problem } from "../problem.ts";
import { encodeOnnx } from "./onnx.ts";

/** What a run must come to: with PyTorch's two biases, and with their sum as one parameter. */
export interface Want {
  readonly twoBiases: ArrayLike<number>;
  readonly oneBias: ArrayLike<number>;
}

export const caseOf = (name: string): BenchCase => {
  const found = CASES.find((bench) => bench.name === name);
  if (!found) throw new Error(`case: expected one of ${CASES.map((bench) => bench.name).join(", ")}, got ${name}`);
  return found;
};

export const problemFile = (folder: string, { name }: BenchCase) => `${folder}/${name}.safetensors`;
export const onnxFile = (folder: string, { name }: BenchCase) => `${folder}/${name}.onnx`;

/** Writes a case with its expected results, and the ONNX model if it does not train. */
export function writeProblem(folder: string, bench: BenchCase, want: Want): void {
  const problem = createProblem(bench);
  const expected = Object.entries(want).map(([name, values]: [string, ArrayLike<number>]) => [
    `want.${name}`,
    { data: Float32Array.from(values), shape: [values.length] },
  ]);
  writeFileSync(problemFile(folder, bench), encodeSafetensors({ ...problem, ...Object.fromEntries(expected) }));
  if (bench.what !== "training") writeFileSync(onnxFile(folder, bench), encodeOnnx(bench, problem));
}

export function readProblem(folder: string, bench: BenchCase): { problem: Problem; want: Want } {
  const tensors = decodeSafetensors(readFileSync(problemFile(folder, bench))).tensors as unknown as Record<
    string,
    Tensor
  >;
  const want = (name: keyof Want) => (tensors[`want.${name}`] as Tensor).data;
  return { problem: tensors, want: { twoBiases: want("twoBiases"), oneBias: want("oneBias") } };
}
