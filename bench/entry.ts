// The suite as a script that runs in Node, Bun, Deno and pages: options from the command line or the address, and a line
// of JSON on the console for every row.
import { type Build, loadKernels } from "./kernels.ts";
import { runSuite, type SuiteOptions } from "./suite.ts";
import { watchProcessor } from "./timing.ts";

export interface EntryOptions extends SuiteOptions {
  readonly build: Build;
}

const given = globalThis.process?.argv[2] ?? decodeURIComponent(globalThis.location.search.slice(1));
const { build, ...options } = JSON.parse(given) as EntryOptions;
const tell = (line: object) => console.log(JSON.stringify(line));
try {
  const { core, loop } = await loadKernels(build);
  const share = watchProcessor();
  await runSuite(core, loop, options, tell);
  tell({ kind: "end", share: share() });
} catch (error) {
  tell({ kind: "error", message: error instanceof Error ? error.message : String(error) });
}
