// Every kind of error of this package. Each has a `code` to switch on; the message is one sentence that names
// the argument, what was expected and what came.

/** An argument of the wrong kind. */
export class ArgumentTypeError extends TypeError {
  readonly code = "ERR_ARGUMENT_TYPE";
}

/** An argument of the right kind with a wrong size or value. */
export class ArgumentRangeError extends RangeError {
  readonly code = "ERR_ARGUMENT_RANGE";
}

/** A call at the wrong moment: after `dispose`, or `backward` without its `forward`. */
export class StateError extends Error {
  override readonly name = "StateError";
  readonly code: "ERR_DISPOSED" | "ERR_NO_FORWARD";
  constructor(code: StateError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** Bytes that are not what they should be: a truncated, oversized or forged file or snapshot. */
export class FormatError extends Error {
  override readonly name = "FormatError";
  readonly code = "ERR_FORMAT";
}

/**
 * The kernels could not be had: the host has no SIMD (`ERR_NO_SIMD`) or refuses to compile (`ERR_COMPILE`); or what was given
 * could not be fetched (`ERR_MODULE_FETCH`), is an HTML page (`ERR_MODULE_HTML`), an empty or detached buffer
 * (`ERR_MODULE_DETACHED`), of another version (`ERR_MODULE_VERSION`), or no module of this package at all (`ERR_MODULE`).
 */
export class ModuleError extends Error {
  override readonly name = "ModuleError";
  readonly code:
    | "ERR_NO_SIMD"
    | "ERR_COMPILE"
    | "ERR_MODULE"
    | "ERR_MODULE_DETACHED"
    | "ERR_MODULE_FETCH"
    | "ERR_MODULE_HTML"
    | "ERR_MODULE_VERSION";
  constructor(code: ModuleError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The module's memory could not grow. */
export class OutOfMemoryError extends Error {
  override readonly name = "OutOfMemoryError";
  readonly code = "ERR_MEMORY";
}

/** Training cannot go on: a loss or gradient that is not finite, or other data than a checkpoint was made with. */
export class TrainingError extends Error {
  override readonly name = "TrainingError";
  readonly code: "ERR_NON_FINITE" | "ERR_DATA";
  constructor(code: TrainingError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** A file that cannot be written. */
export class FileError extends Error {
  override readonly name = "FileError";
  readonly code = "ERR_FILE";
}
