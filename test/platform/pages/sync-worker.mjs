import { loadSync } from "/node_modules/lstm-wasm/dist/entries/default.js";

self.addEventListener("message", ({ data }) => {
  try {
    postMessage(loadSync(data).build);
  } catch ({ name, code, message }) {
    postMessage({ name, code, message });
  }
});
