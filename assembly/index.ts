// The ABI: everything the bindings may call, and nothing else.
export { allocate, free } from "./memory";
export { expForward, sigmoidForward, tanhForward } from "./math/activation";
export { gemm, gemmTN, pack, packedSize, scratchSize } from "./math/gemm";
export { orthogonal, uniform } from "./math/random";
export { copyRows, firstNonFinite, flipSteps, multiply, multiplyAdd, scale, sumSquares, swapAxes } from "./math/vector";
export {
  recurrentBackward,
  recurrentForward,
  recurrentPackBackward,
  recurrentPackForward,
  recurrentStep,
} from "./layers/recurrent";
export { dropoutForward, dropoutMask } from "./layers/dropout";
export { linearBackward, linearForward } from "./layers/linear";
export { crossEntropy, elementLoss, logSoftmaxForward } from "./train/loss";
export { clipFactor, clipValue } from "./train/clip";
export { adamStep, rmspropStep, sgdStep } from "./train/optimizer";
