/**
 * Weights from and to the bytes of files.
 *
 * @module lstm-wasm/io
 */
export {
  decodeSafetensors,
  encodeSafetensors,
  type FileTensor,
  type SafetensorsFile,
  toStateDict,
} from "../io/safetensors.ts";
