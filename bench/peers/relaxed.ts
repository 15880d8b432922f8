// The library's build with relaxed SIMD, as one of the peers.
import { readFileSync } from "node:fs";
import { load } from "lstm-wasm";
import { createWasm } from "../wasm.ts";
import type { Peer } from "./child.ts";

const core = await load(new Uint8Array(readFileSync(new URL("../../build/core.relaxed.wasm", import.meta.url))));
export const version = () => "lstm-wasm, relaxed";
export const create: Peer["create"] = (bench, problem) => createWasm(core, bench, problem);
