// A GRU on the audio thread.
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { createProject, html } from "./project.ts";
import { open } from "./rows.ts";

const FILES = ["filter.mjs", "worklet.mjs", "page.mjs"];

export interface RealTime {
  readonly quanta: number;
  readonly skipped: number;
  readonly late: number;
  readonly underruns: number | null;
  /** Of the time, in process(). */
  readonly share: number;
}

export interface AudioReport {
  readonly hash: string;
  readonly offline: { readonly exact: boolean; readonly ms: number };
  readonly calm: RealTime & { readonly exact: boolean };
  readonly burning: RealTime;
}

export async function audioWorklet() {
  using project = createProject({ "index.html": html("/out/page.js") });
  for (const file of FILES)
    copyFileSync(fileURLToPath(new URL(`audio/${file}`, import.meta.url)), join(project.folder, file));
  const { outputFiles } = await esbuild.build({
    absWorkingDir: project.folder,
    entryPoints: ["page.mjs", "worklet.mjs"],
    bundle: true,
    minify: true,
    format: "esm",
    outdir: "out",
    logLevel: "error",
    write: false,
  });
  for (const { path, text } of outputFiles) project.write(path.slice(project.folder.length + 1), text);
  const worklet = outputFiles.find(({ path }) => path.endsWith("worklet.js"))?.text ?? "";
  return { worklet, ...(await open<AudioReport>(project.folder)) };
}
