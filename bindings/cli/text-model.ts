// The model of text: from the characters so far the probabilities of the next one.
import { type Core, Embedding, type Linear, type LSTM, Sequential, type Stream } from "lstm-wasm";
import { type Batch, crossEntropyLoss, logSoftmax } from "lstm-wasm/train";
import { UserError } from "./fail.ts";
import { checkNames, checkObject, checkShape, checkSize, encodeModel, restore, type SavedFile } from "./saved.ts";
import { checkNetSettings, checkNetShapes, createLayers, type NetSettings } from "./window-net.ts";

export interface TextSettings extends NetSettings {
  /** Width of the vector that stands for a character. */
  readonly embedding: number;
}

/** The characters (code points) of a text. */
export const charactersOf = (text: string): string[] => [...text];

export class TextModel {
  readonly kind = "text";
  readonly loss = crossEntropyLoss();
  readonly settings: TextSettings;
  /** Characters that it knows, in the order of their numbers. */
  readonly alphabet: readonly string[];
  readonly model: Sequential;
  readonly lstm: LSTM;
  readonly embedding: Embedding;
  readonly linear: Linear;
  readonly #numbers: ReadonlyMap<string, number>;

  constructor(core: Core, alphabet: readonly string[], settings: TextSettings) {
    this.settings = settings;
    this.alphabet = alphabet;
    const V = alphabet.length;
    this.embedding = new Embedding(core, {
      numEmbeddings: V,
      embeddingDim: settings.embedding,
      seed: settings.seed + 3,
    });
    const { lstm, drop, linear } = createLayers(core, settings.embedding, V, settings);
    this.lstm = lstm;
    this.linear = linear;
    this.model = new Sequential([this.embedding, lstm, ...drop, linear]);
    this.#numbers = new Map(alphabet.map((character, k) => [character, k]));
  }

  /** The numbers of the characters of a text. */
  encode(name: string, text: string): number[] {
    return charactersOf(text).map((character, at) => {
      const number = this.#numbers.get(character);
      if (number === undefined)
        throw new UserError(
          `${name}: expected characters of the text that the model learned, got ${JSON.stringify(character)} as character ${at + 1}`,
        );
      return number;
    });
  }

  /** A reader of one text, character by character. */
  reader(): Reader {
    return new Reader(this);
  }

  save(): Uint8Array {
    const { settings, alphabet } = this;
    return encodeModel("text", this.model, { settings, alphabet });
  }

  static load(core: Core, { notes, tensors }: SavedFile): TextModel {
    const settings = checkObject("settings", notes.settings);
    const checked = { ...checkNetSettings(settings), embedding: checkSize("embedding", settings.embedding, 1) };
    const alphabet = checkNames("alphabet", "a list of characters", notes.alphabet);
    checkShape(tensors, "0.weight", [alphabet.length, checked.embedding]);
    checkNetShapes(tensors, 1, checked.embedding, alphabet.length, checked);
    const model = new TextModel(core, alphabet, checked);
    restore(model.model, tensors);
    return model;
  }
}

/** Reads a text by the streaming step: the same bits as a pass over the whole of it. */
export class Reader {
  readonly #of: TextModel;
  readonly #stream: Stream;

  /** Use `reader()` of a model. */
  constructor(of: TextModel) {
    this.#of = of;
    this.#stream = of.lstm.stream();
  }

  /** Takes a character, by its number, and answers the logits of the next one. */
  step(number: number): Float32Array {
    const frame = this.#of.embedding.forward({ data: Float32Array.of(number), shape: [1] });
    const h = this.#stream.step(frame.data);
    return this.#of.linear.forward({ data: h, shape: [1, h.length] }).data;
  }

  /** −log₂ p of every number behind the first one, each from those before it. */
  surprise(numbers: readonly number[]): number[] {
    const { core } = this.#of.model;
    return numbers.slice(1).map((next, k) => {
      const logits = this.step(numbers[k] as number);
      return -(logSoftmax(core, { data: logits, shape: [logits.length] }).data[next] as number) / Math.LN2;
    });
  }

  dispose(): void {
    this.#stream.dispose();
  }
}

/** A text as `streams` texts side by side, each read on from where the last update left it: one batch x [T,B], target [T,B]. */
export function streamsOf(numbers: readonly number[], streams: number): Batch {
  const T = Math.floor((numbers.length - 1) / streams);
  const shift = (by: number) =>
    Float32Array.from(
      { length: T * streams },
      (_, k) => numbers[(k % streams) * T + Math.floor(k / streams) + by] as number,
    );
  return { x: { data: shift(0), shape: [T, streams] }, target: { data: shift(1), shape: [T, streams] } };
}

/** The beginning of a text as at most 32 stretches of `steps` characters side by side. */
export function stretchesOf(numbers: readonly number[], steps: number): Batch {
  const T = Math.min(steps, numbers.length - 1);
  const streams = Math.min(32, Math.floor((numbers.length - 1) / T));
  return streamsOf(numbers.slice(0, T * streams + 1), streams);
}
