// What the library has set itself to reach on one thread: how many times as fast as each rival, at least.
import type { PeerName } from "./peers/peers.ts";

export interface Target {
  /** A case, or "GEMM" for every product with M, N and K of 64 and more. */
  readonly work: string;
  /** A peer, plain JavaScript, or this core's peak (then a share of it). */
  readonly against: PeerName | "js" | "peak";
  readonly strict: number;
  readonly relaxed: number;
}

/** Targets of one rival, case by case: for the strict build and the relaxed one. */
const against = (rival: Target["against"], cases: Readonly<Record<string, readonly [number, number]>>): Target[] =>
  Object.entries(cases).map(([work, [strict, relaxed]]) => ({ work, against: rival, strict, relaxed }));

/** The relaxed build is to be a tenth faster. */
const tenth = (strict: number): readonly [number, number] => [strict, 1.1 * strict];

export const TARGETS: readonly Target[] = [
  { work: "GEMM", against: "peak", strict: 0.8, relaxed: 0.92 },
  ...against("ort-web", {
    ...{ "S1 H64": [8, 9], "S1 H128": [4, 4.5], "S1 H256": [2, 2.3], "S1 H512": [1.6, 1.8] },
    ...{ S2: [1.7, 2], S3: [1.8, 2.2] },
  }),
  ...against("ort-node", { "S1 H64": [7, 8], "S1 H128": [3, 3.5], "S1 H256": [1.6, 1.8], "S1 H512": [1.3, 1.4] }),
  ...against("torch", {
    ...{ "S1 H64": tenth(7), "S1 H128": tenth(3), "S1 H256": tenth(1.8), S2: [2.5, 3], S3: [0.75, 0.9] },
    ...{ T1: [0.9, 1.1], T2: [0.6, 0.8], T3: [14, 16] },
  }),
  ...against("tfjs-wasm", {
    ...{ "S1 H64": tenth(20), "S1 H128": tenth(8), "S1 H256": tenth(5), S2: [15, 18], S3: [4, 4.8] },
    ...{ T1: [20, 25], T2: [28, 35], T3: [100, 120] },
  }),
  ...against("js", {
    ...{ "S1 H64": tenth(12), "S1 H128": tenth(12), "S1 H256": tenth(12), T1: [11, 13], T2: [12, 15], T3: [6, 7] },
  }),
  ...against("jax", { T1: [9, 11], T2: [8, 10], T3: [40, 50] }),
];

/** What each rival took when the targets were set (Zen 4, Node 24 or, where that was not measured, 20), in µs. */
export const THEN: Partial<Record<Target["against"], Readonly<Record<string, number>>>> = {
  "ort-web": { "S1 H64": 21.9, "S1 H128": 30.4, "S1 H256": 62.9, "S1 H512": 173, S2: 850, S3: 85_900 },
  "ort-node": { "S1 H64": 20, "S1 H128": 25.4, "S1 H256": 51.4, "S1 H512": 135 },
  torch: { "S1 H64": 18, "S1 H128": 33.5, "S1 H256": 53.9, S2: 1240, S3: 35_500, T1: 18_900, T2: 202_000, T3: 2000 },
  "tfjs-wasm": {
    ...{ "S1 H64": 50.4, "S1 H128": 81.9, "S1 H256": 151, S2: 7090, S3: 165_000 },
    ...{ T1: 489_000, T2: 9_380_000, T3: 17_400 },
  },
  js: { "S1 H64": 28.8, "S1 H128": 110, "S1 H256": 392, T1: 242_000, T2: 5_710_000, T3: 1120 },
  jax: { T1: 199_000, T2: 2_670_000, T3: 5620 },
};

/** Share of a target that noise may take away. */
export const NOISE = 0.1;
