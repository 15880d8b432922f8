import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: {
    alias: ["index", "node", "flow"].map((entry) => ({
      find: entry === "index" ? /^lstm-wasm$/ : `lstm-wasm/${entry}`,
      replacement: new URL(`bindings/${entry === "flow" ? "flow/index" : entry}.ts`, import.meta.url).pathname,
    })),
  },
  test: { include: ["test/**/*.test.ts"], testTimeout: 60_000, maxConcurrency: 2 },
});
