// "lstm-wasm/io": weights from and to files' bytes. Also in the main entry.
export {
  decodeSafetensors,
  encodeSafetensors,
  type FileTensor,
  type SafetensorsFile,
  toStateDict,
} from "../io/safetensors.ts";
