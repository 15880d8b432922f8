// All that runs a model and takes its gradients, but `load` and `loadSync`: bindings/entries/ adds them. Training, files and the
// flow of gradients are entries of their own: who only runs a model shall not wait for them to be parsed.
export type { Mask } from "./check.ts";
export { Core, type CoreOptions } from "./core.ts";
export {
  ArgumentRangeError,
  ArgumentTypeError,
  FileError,
  FormatError,
  ModuleError,
  OutOfMemoryError,
  StateError,
  TrainingError,
} from "./errors.ts";
export type { Activation, ActivationName } from "./layers/activation.ts";
export { ActivationLayer, activation } from "./layers/activation-layer.ts";
export {
  type CellStates,
  GRUCell,
  type GRUCellOptions,
  LSTMCell,
  type LSTMCellOptions,
  type MinCellOptions,
  MinGRUCell,
  MinLSTMCell,
  RNNCell,
  type RNNCellOptions,
  SLSTMCell,
  type SLSTMCellOptions,
} from "./layers/cell.ts";
export { Conv1d, type Conv1dOptions } from "./layers/conv1d.ts";
export { Dropout, type DropoutOptions } from "./layers/dropout.ts";
export { Embedding, type EmbeddingOptions } from "./layers/embedding.ts";
export {
  GRU,
  type GRUOptions,
  type GRURecord,
  type HiddenCotangents,
  type HiddenGradients,
  type HiddenResult,
} from "./layers/gru.ts";
export { AllSteps, allSteps, LastStep, type LastStepOptions, lastStep } from "./layers/last-step.ts";
export { Layer, type Pass, SimpleLayer } from "./layers/layer.ts";
export { LayerNorm, type LayerNormOptions } from "./layers/layer-norm.ts";
export { Linear, type LinearOptions } from "./layers/linear.ts";
export {
  LSTM,
  type LSTMBackwardRecord,
  type LSTMCotangents,
  type LSTMForwardOptions,
  type LSTMGradients,
  type LSTMOptions,
  type LSTMRecord,
  type LSTMResult,
} from "./layers/lstm.ts";
export { MinGRU, type MinGRURecord, MinLSTM, type MinLSTMRecord, type MinOptions } from "./layers/min.ts";
export type {
  RecurrentBackwardOptions,
  RecurrentForwardOptions,
  RecurrentOptions,
} from "./layers/recurrent-options.ts";
export { Residual } from "./layers/residual.ts";
export { RNN, type RNNOptions, type RNNRecord } from "./layers/rnn.ts";
export { type LayerLike, Sequential } from "./layers/sequential.ts";
export {
  SLSTM,
  type SLSTMBackwardRecord,
  type SLSTMCotangents,
  type SLSTMForwardOptions,
  type SLSTMGradients,
  type SLSTMOptions,
  type SLSTMRecord,
  type SLSTMResult,
} from "./layers/slstm.ts";
export type { AsyncModuleSource, Load, LoadSync, ModuleSource } from "./load.ts";
export type { Parameter, StateDict } from "./parameters.ts";
export { Stream } from "./stream.ts";
export type { Shape, Tensor } from "./tensor.ts";
