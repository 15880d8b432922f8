// Whatever `train` saved, told apart by its `kind`.
import { type Core, FormatError } from "lstm-wasm";
import { Classifier } from "./classifier.ts";
import { UserError } from "./fail.ts";
import { Forecaster } from "./forecaster.ts";
import { decodeModel, type Kind, type SavedFile } from "./saved.ts";
import { TextModel } from "./text-model.ts";

/** A model with its weights: `kind` says which, `model` is its Sequential. */
export type SavedModel = Forecaster | Classifier | TextModel;

const LOADERS: Readonly<Record<Kind, (core: Core, file: SavedFile) => SavedModel>> = {
  forecaster: Forecaster.load,
  classifier: Classifier.load,
  text: TextModel.load,
};

/** The model of a file. Throws a FormatError if anything in it is not as `train` writes it. */
export function loadModel(core: Core, bytes: Uint8Array): SavedModel {
  const file = decodeModel(bytes);
  if (!Object.hasOwn(LOADERS, file.kind))
    throw new FormatError(
      `model: expected kind to be one of ${Object.keys(LOADERS).join(", ")}, got ${JSON.stringify(file.kind)}`,
    );
  return LOADERS[file.kind as Kind](core, file);
}

/** What is made of a file that the user named: what is wrong with it is said with its name. */
export function ofFile<T>(file: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw error instanceof FormatError ? new UserError(`${file}: ${error.message.replace(/^model: /, "")}`) : error;
  }
}
