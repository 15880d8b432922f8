// Hints name the command the way it was called.
import { expect, test } from "vitest";
import { commandLine } from "../../bindings/cli/command.ts";

const PATH = "/usr/bin:/usr/local/bin";

test.each<[string, string, Record<string, string>, string]>([
  ["in a project, by npx", "/a/node_modules/.bin/lstm-wasm", { PATH, npm_command: "exec" }, "npx lstm-wasm"],
  ["from the cache of npx", "/home/me/.npm/_npx/1f/node_modules/.bin/lstm-wasm", { PATH }, "npx lstm-wasm"],
  ["in a script of npm", "/a/node_modules/.bin/lstm-wasm", { PATH: "/a/node_modules/.bin" }, "npx lstm-wasm"],
  ["where npx has no links", "/a/node_modules/x/dist/cli/main.js", { PATH, npm_command: "exec" }, "npx lstm-wasm"],
  ["below another command of npx", "/a/dist/cli/main.js", { PATH, npm_command: "exec" }, "node dist/cli/main.js"],
  ["on PATH", "/usr/local/bin/lstm-wasm", { PATH }, "lstm-wasm"],
  ["linked, not on PATH", "/opt/lstm-wasm", { PATH }, "node /opt/lstm-wasm"],
  ["by a path", "/a/dist/cli/main.js", { PATH }, "node dist/cli/main.js"],
  ["by a path with a blank", "/a b/main.js", { PATH }, "node '/a b/main.js'"],
])("%s", (_, file, env, form) => {
  expect(commandLine(["sample", "it's", "--seed", "2"], { file, env, cwd: "/a" })).toBe(
    `${form} sample 'it'\\''s' --seed 2`,
  );
});
