// The library itself, as one of the peers.
import { load } from "lstm-wasm";
import { createWasm } from "../wasm.ts";
import type { Peer } from "./child.ts";

const core = await load();
export const version = () => "lstm-wasm, strict";
export const create: Peer["create"] = (bench, problem) => createWasm(core, bench, problem);
