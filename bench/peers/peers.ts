// Who is measured, and at what. Every peer is a file beside this one that exports what child.ts expects.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

/** How many rounds, unless told otherwise. */
export const ROUNDS = 5;

/** A run longer than this, in ns, is measured in one round only. */
export const SLOW = 2e9;

export interface PeerEntry {
  /** In words. */
  readonly title: string;
  readonly file: string;
  /** The npm package it needs; none for PyTorch. */
  readonly package?: string;
  readonly cases: readonly string[];
  /** What is to be said about its figures. */
  readonly note?: string;
}

const STEPS = ["S1 H64", "S1 H128", "S1 H256", "S1 H512"];
const INFERENCE = [...STEPS, "S2", "S3"];

export const PEERS = {
  "ort-web": { title: "onnxruntime-web", file: "./ort-web.mjs", package: "onnxruntime-web", cases: INFERENCE },
  "ort-node": {
    ...{ title: "onnxruntime-node (native)", file: "./ort-node.mjs", package: "onnxruntime-node", cases: INFERENCE },
  },
  torch: { title: "PyTorch (native)", file: "pytorch.py", cases: [...INFERENCE, "T1", "T2", "T3"] },
  "tfjs-wasm": {
    ...{ title: "TF.js wasm", file: "./tfjs-wasm.mjs", package: "@tensorflow/tfjs-backend-wasm" },
    ...{ cases: [...INFERENCE, "T1", "T2", "T3"], note: "its own LSTM layer; single steps by hand, as it has none" },
  },
  "tfjs-tuned": {
    ...{ title: "TF.js wasm, tuned", file: "./tfjs-tuned.mjs", package: "@tensorflow/tfjs-backend-wasm" },
    ...{ cases: ["S2", "S3", "T1", "T3"], note: "a cell written by hand for speed" },
  },
  "tfjs-cpu": {
    ...{ title: "TF.js cpu", file: "./tfjs-cpu.mjs", package: "@tensorflow/tfjs" },
    ...{ cases: ["S1 H64", "S2", "T3"], note: "plain JavaScript" },
  },
  jax: {
    ...{ title: "jax-js", file: "./jax.mjs", package: "@jax-js/jax" },
    ...{ cases: [...INFERENCE, "T1", "T2", "T3"], note: "its wasm backend, all compiled by its jit" },
  },
  brain: {
    ...{ title: "brain.js", file: "./brain.mjs", package: "brain.js", cases: ["S2", "T3"] },
    note: "another function of the same size, with another optimiser: not compared",
  },
} as const satisfies Readonly<Record<string, PeerEntry>>;
export type PeerName = keyof typeof PEERS;

let python: string | null | undefined;

/** A Python that has PyTorch; PYTHON names another one. */
export function findPython(): string | null {
  if (python !== undefined) return python;
  const hasTorch = (python: string) => {
    try {
      execFileSync(python, ["-c", "import torch"], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  };
  const named = [process.env.PYTHON, "python3", "/usr/bin/python3"].filter((python) => python !== undefined);
  python = named.find(hasTorch) ?? null;
  return python;
}

/** Why a peer cannot run, in a sentence, or null. */
export function missingPeer(name: PeerName): string | null {
  const entry: PeerEntry = PEERS[name];
  if (!entry.package && !findPython())
    return `${entry.title}: expected a python3 that has torch, got none; PYTHON=FILE names one`;
  // What is measured beside it is there by the library's name.
  if (existsSync(new URL(`node_modules/${entry.package ?? "lstm-wasm"}/package.json`, import.meta.url))) return null;
  return `${entry.title}: expected it in bench/peers, got nothing there; npm run bench:peers -- --install fetches all`;
}
