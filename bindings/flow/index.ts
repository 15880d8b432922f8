/**
 * Where the gradients of a recurrent model go. An entry of its own, so that the default one does not grow.
 *
 * @module lstm-wasm/flow
 */
export type { Saturation } from "./gates.ts";
export { GradientFlow, type GradientFlowOptions } from "./gradient-flow.ts";
export type { Basis, Decay } from "./norms.ts";
export type { FlowReport, NonFinite, SliceFlow, Spectrum } from "./report.ts";
export type { Outcome, Path, Thresholds } from "./verdict.ts";
