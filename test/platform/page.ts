// Rows of Chromium: a page in a project with the packed package, served on the loopback interface, that runs the script and reports.
import { cpSync } from "node:fs";
import { expectValue, type Report, reportOf, whereIsChromium } from "./chromium.ts";
import { createProject, here, importApi, type Row } from "./row.ts";
import { type ServeOptions, serve } from "./serve.ts";
import { whereAreTools } from "./tools.ts";

/** Where a page without a bundler finds the default entry. */
export const INSTALLED = "/node_modules/lstm-wasm/dist/entries/default.js";

/** A page that runs one module. The empty icon keeps the browser from asking for one. */
export const html = (script: string, head = ""): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>lstm-wasm</title>
<link rel="icon" href="data:,">
${head}<script type="module" src="${script}"></script>
</html>
`;

/** A module that runs the script on an entry, and reports. `source` is an expression, `imports` what it takes. */
export const pageMain = (
  entry: string,
  source = "",
  imports = "",
): string => `${importApi(entry)}import { report } from "./report.mjs";
import { run } from "./script.mjs";
${imports}
report(() => run(api${source && `, ${source}`}));
`;

/** A project with these files beside those of pages/. */
export function createPage(tarball: string, files: Readonly<Record<string, string>>): string {
  const folder = createProject(tarball, files);
  cpSync(here("pages"), folder, { recursive: true });
  return folder;
}

/** Serves a folder, and answers what its page reports. */
export async function openFolder<T>(folder: string, options?: ServeOptions): Promise<Report<T>> {
  await using server = await serve(folder, options);
  return await reportOf<T>(`${server.origin}/`);
}

/** A row whose page reports the script's digest. `work` makes the project and answers the report. */
export const pageRow = (
  way: string,
  entry: string,
  tools: readonly string[],
  work: (tarball: string) => Promise<Report<string>>,
): Row => ({
  engine: `Chromium, ${way}`,
  entry,
  missing: () => whereIsChromium() ?? whereAreTools("playwright-core", ...tools),
  async run(tarball) {
    const report = await work(tarball);
    return { hash: expectValue(report), ms: report.ms };
  },
});
