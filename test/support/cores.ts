import { readFileSync } from "node:fs";
import { type Core, loadSync } from "lstm-wasm";

/** Every build of the kernels, by name. */
export const BUILDS = ["core", "core.debug", "core.relaxed"] as const;
export type Build = (typeof BUILDS)[number];

/** A fresh instance of a build, whose new memory is full of NaN. */
export const createCore = (build: Build = "core"): Core =>
  loadSync(new Uint8Array(readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url))), { poison: true });
