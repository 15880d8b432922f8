// Runs on the audio thread, where there is no fetch, no URL, no atob, no TextDecoder and no clock finer than Date. The compiled module
// comes in the options, and is instantiated at once.
import { GRU, loadSync } from "lstm-wasm";
import { createGru, mix } from "./audio-filter.mjs";

class Filter extends AudioWorkletProcessor {
  #stream;
  #frame = new Float32Array(1);
  #quanta = 0;
  /** Quanta that the engine left out, and quanta that took longer than they last. */
  #skipped = 0;
  #late = 0;
  #busy = 0;
  #next = -1;
  #burn;
  /** What went out first, to be compared with the bits that had to. */
  #kept;
  #filled = 0;

  constructor({ processorOptions: { module, keep = 0, burn = 0 } }) {
    super();
    this.#stream = createGru({ GRU }, loadSync(module)).stream();
    this.#kept = new Float32Array(keep);
    this.#burn = burn;
    this.port.onmessage = () =>
      this.port.postMessage({
        quanta: this.#quanta,
        skipped: this.#skipped,
        late: this.#late,
        busy: this.#busy,
        kept: this.#kept.subarray(0, this.#filled),
      });
  }

  process([[input]], [[output]]) {
    // No input yet: the source has not started.
    if (!input) return true;
    const start = Date.now();
    // The second quantum may come late: while the page still connects nodes, Chromium renders without them.
    if (++this.#quanta > 2 && currentFrame !== this.#next) this.#skipped++;
    this.#next = currentFrame + output.length;
    for (let t = 0; t < output.length; t++) {
      this.#frame[0] = input[t];
      output[t] = mix(input[t], this.#stream.step(this.#frame));
    }
    if (this.#filled < this.#kept.length) {
      const part = output.subarray(0, this.#kept.length - this.#filled);
      this.#kept.set(part, this.#filled);
      this.#filled += part.length;
    }
    while (Date.now() - start < this.#burn);
    const ms = Date.now() - start;
    this.#busy += ms;
    if (ms > (1000 * output.length) / sampleRate) this.#late++;
    return true;
  }
}

registerProcessor("filter", Filter);
