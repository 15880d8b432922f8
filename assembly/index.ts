// The ABI: everything the bindings may call, and nothing else.

export { linearBackward, linearForward } from "./layers/linear";
export { lstmBackward, lstmForward, lstmPackBackward, lstmPackForward, lstmStep } from "./layers/recurrent";
export { expForward, sigmoidForward, tanhForward } from "./math/activation";
export { gemm, gemmTN, pack, packedSize, scratchSize } from "./math/gemm";
export { uniform } from "./math/random";
export { firstNonFinite, scale, sumSquares } from "./math/vector";
export { allocate, free } from "./memory";
export { clipFactor } from "./train/clip";
export { mseLoss } from "./train/loss";
export { adamStep } from "./train/optimizer";
