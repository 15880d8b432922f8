import { defineConfig } from "vitest/config";

const source = (file: string) => `${new URL("bindings/", import.meta.url).pathname}${file}.ts`;

export default defineConfig({
  resolve: {
    alias: [
      { find: /^lstm-wasm$/, replacement: source("entries/default") },
      { find: /^lstm-wasm\/flow$/, replacement: source("flow/index") },
      { find: /^lstm-wasm\/node$/, replacement: source("node") },
      { find: /^lstm-wasm\/(inline|relaxed|io|train)$/, replacement: source("entries/$1") },
    ],
  },
  test: { include: ["test/**/*.test.ts"], testTimeout: 60_000, maxConcurrency: 2 },
});
