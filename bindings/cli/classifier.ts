// The model of classes: from a window of rows the class of its last row, or of a row behind it.
import type { Core, Sequential, Tensor } from "lstm-wasm";
import { type Batch, crossEntropyLoss } from "lstm-wasm/train";
import { softmaxRows } from "./baselines.ts";
import { gather, type Inputs, type Labels, type Part, type Rows, range, widthOf } from "./dataset.ts";
import { checkInputs } from "./forecaster.ts";
import { check, checkNames, checkObject, encodeModel, isText, restore, type SavedFile } from "./saved.ts";
import { checkNetShapes, checkWindowSettings, WindowNet, type WindowSettings } from "./window-net.ts";

/** The ends of the windows whose classes are those of the rows of a part. */
export const endsOfClasses = ({ from, to }: Part, { window, horizon }: WindowSettings): number[] =>
  range({ from: from + 1 - horizon, to: to + 1 - horizon }).filter((end) => end >= window);

export class Classifier {
  readonly kind = "classifier";
  readonly loss = crossEntropyLoss();
  readonly inputs: Inputs;
  readonly labels: Labels;
  readonly net: WindowNet;

  constructor(core: Core, inputs: Inputs, labels: Labels, settings: WindowSettings) {
    this.inputs = inputs;
    this.labels = labels;
    const width = widthOf(inputs, settings.horizon > 0 ? labels : undefined);
    this.net = new WindowNet(core, width, labels.classes.length, settings);
  }

  get settings(): WindowSettings {
    return this.net.settings;
  }

  get model(): Sequential {
    return this.net.model;
  }

  /** Classes of past rows, which stand among the inputs where a row ahead is classified; of this row they are the answer. */
  get pastLabels(): Labels | undefined {
    return this.settings.horizon > 0 ? this.labels : undefined;
  }

  /** The row whose class is that of the window that ends before `end`. */
  rowOf(end: number): number {
    return end - 1 + this.settings.horizon;
  }

  batch(rows: Rows, classes: readonly number[], ends: readonly number[]): Batch {
    return { x: gather(rows, this.settings.window, ends), target: this.#target(classes, ends) };
  }

  /** Probabilities of the classes for the windows that end before some rows. */
  probabilities(rows: Rows, ends: readonly number[]): number[][] {
    const logits = this.net.answers(rows, ends);
    return softmaxRows({ data: Float32Array.from(logits.flat()), shape: [ends.length, this.labels.classes.length] });
  }

  save(): Uint8Array {
    const { settings, inputs, labels } = this;
    return encodeModel("classifier", this.model, { settings, inputs, labels });
  }

  static load(core: Core, { notes, tensors }: SavedFile): Classifier {
    const settings = checkWindowSettings(notes.settings, 0);
    const inputs = checkInputs(notes.inputs);
    const { name, classes } = checkObject("labels", notes.labels);
    const labels = {
      name: check("the target's name", "a text", name, isText),
      classes: checkNames("classes", "a list of names", classes),
    };
    const width = widthOf(inputs, settings.horizon > 0 ? labels : undefined);
    checkNetShapes(tensors, 0, width, labels.classes.length, settings);
    const classifier = new Classifier(core, inputs, labels, settings);
    restore(classifier.model, tensors);
    return classifier;
  }

  #target(classes: readonly number[], ends: readonly number[]): Tensor {
    return { data: Float32Array.from(ends, (end) => classes[this.rowOf(end)] as number), shape: [ends.length] };
  }
}
