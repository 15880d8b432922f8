// The ABI: everything the bindings may call, and nothing else.
export { allocate, free } from "./memory";
export { activationBackward, activationForward } from "./math/activation";
export { gemm, gemmTN, pack, packedSize, scratchSize } from "./math/gemm";
export { normBackward, normForward } from "./math/norm";
export { normal, orthogonal, uniform } from "./math/random";
export {
  add,
  clipValue,
  copyRows,
  firstNonFinite,
  flipSteps,
  maskSteps,
  multiply,
  multiplyAdd,
  scale,
  sumSquares,
  swapAxes,
} from "./math/vector";
export {
  recurrentBackward,
  recurrentForward,
  recurrentPackBackward,
  recurrentPackForward,
  recurrentStep,
} from "./layers/recurrent";
export { conv1dBackward, conv1dForward } from "./layers/conv1d";
export { dropoutMask } from "./layers/dropout";
export { embeddingBackward, embeddingForward, firstBadIndex } from "./layers/embedding";
export { linearBackward, linearForward } from "./layers/linear";
export { crossEntropy, elementLoss, logSoftmaxForward } from "./train/loss";
export { clipFactor } from "./train/clip";
export { adamStep, rmspropStep, sgdStep } from "./train/optimizer";
