import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: {
    alias: ["index", "node"].map((entry) => ({
      find: entry === "index" ? /^lstm-wasm$/ : `lstm-wasm/${entry}`,
      replacement: new URL(`bindings/${entry}.ts`, import.meta.url).pathname,
    })),
  },
  test: { include: ["test/**/*.test.ts"], testTimeout: 60_000, maxConcurrency: 2 },
});
