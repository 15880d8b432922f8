import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { alias: { "lstm-wasm": new URL("bindings/index.ts", import.meta.url).pathname } },
  test: { include: ["test/**/*.test.ts"], testTimeout: 60_000, maxConcurrency: 2 },
});
