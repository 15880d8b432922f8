// The rows of Chromium: each packs the package, installs it in an empty project, builds a page in one of the usual ways, and
// opens it.
import { cpSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { nodeResolve } from "@rollup/plugin-node-resolve";
import * as esbuild from "esbuild";
import { rollup } from "rollup";
import * as vite from "vite";
import webpack from "webpack";
import { reportOf, reportOfExtension } from "./chromium.ts";
import { createProject, html, main } from "./project.ts";
import { type ServeOptions, serve } from "./serve.ts";

export interface Outcome<T> {
  readonly value?: T;
  readonly error?: { readonly name: string; readonly code?: string; readonly message: string };
  readonly ms: number;
}

type Hash = Outcome<string>;

export async function open<T>(folder: string, options?: ServeOptions, path = "/"): Promise<Outcome<T>> {
  await using server = await serve(folder, options);
  return await reportOf<Outcome<T>>(server.origin + path);
}

/** A file that a page without a bundler reaches by its path. */
const INSTALLED = "/node_modules/lstm-wasm/dist/entries/default.js";

export async function importMap(): Promise<Hash> {
  const imports = JSON.stringify({ imports: { "lstm-wasm": INSTALLED } });
  using project = createProject({
    "index.html": html("/main.js", `<script type="importmap">${imports}</script>\n`),
    "main.js": main(),
  });
  return await open(project.folder);
}

export async function byPath(): Promise<Hash> {
  using project = createProject({ "index.html": html("/main.js"), "main.js": main(INSTALLED) });
  return await open(project.folder);
}

export async function viteBuild(): Promise<Hash> {
  using project = createProject({ "index.html": html("/main.js"), "main.js": main() });
  await vite.build({ root: project.folder, logLevel: "error", configFile: false });
  return await open(join(project.folder, "dist"));
}

export async function viteDev(optimizeDeps: vite.DepOptimizationOptions): Promise<Hash> {
  using project = createProject({ "index.html": html("/main.js"), "main.js": main() });
  const server = await vite.createServer({
    root: project.folder,
    logLevel: "error",
    configFile: false,
    optimizeDeps,
    server: { host: "127.0.0.1", port: 0, strictPort: false },
  });
  try {
    await server.listen();
    const [url] = server.resolvedUrls?.local ?? [];
    return await reportOf<Hash>(url as string);
  } finally {
    await server.close();
  }
}

export async function byEsbuild(): Promise<Hash> {
  using project = createProject({ "index.html": html("/out/main.js"), "main.js": main() });
  await esbuild.build({
    absWorkingDir: project.folder,
    entryPoints: ["main.js"],
    bundle: true,
    minify: true,
    format: "esm",
    outdir: "out",
    logLevel: "error",
  });
  return await open(project.folder);
}

export async function byRollup(): Promise<Hash> {
  using project = createProject({ "index.html": html("/out/main.js"), "main.js": main() });
  const bundle = await rollup({ input: join(project.folder, "main.js"), plugins: [nodeResolve({ browser: true })] });
  await bundle.write({ dir: join(project.folder, "out"), format: "es" });
  await bundle.close();
  return await open(project.folder);
}

export async function byWebpack(): Promise<Hash> {
  using project = createProject({ "index.html": html("/out/main.js"), "main.js": main() });
  const compiler = webpack({
    context: project.folder,
    mode: "production",
    entry: "./main.js",
    output: { path: join(project.folder, "out"), filename: "main.js" },
    performance: false,
  });
  await new Promise<void>((resolve, reject) =>
    compiler?.run((error, stats) =>
      compiler.close(() => (error || stats?.hasErrors() ? reject(error ?? new Error(stats?.toString())) : resolve())),
    ),
  );
  return await open(project.folder);
}

/** The policy of an extension's pages, Manifest V3, and nothing beside it. */
const STRICT = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; object-src 'self'";

const withPolicy = (policy: string): ServeOptions => ({ headers: { "content-security-policy": policy } });

export async function strictCsp(): Promise<Hash> {
  using project = createProject({ "index.html": html("/main.js"), "main.js": main(INSTALLED) });
  return await open(project.folder, withPolicy(STRICT));
}

export async function noWasmCsp(): Promise<Hash> {
  using project = createProject({ "index.html": html("/main.js"), "main.js": main(INSTALLED) });
  return await open(project.folder, withPolicy("script-src 'self'"));
}

export async function moduleWorker(): Promise<Hash> {
  using project = createProject({
    "index.html": html("/main.js"),
    "main.js": `import { report } from "./report.mjs";
report(() => new Promise((resolve, reject) => {
  const worker = new Worker("/worker.js", { type: "module" });
  worker.onmessage = ({ data }) => ("value" in data ? resolve(data.value) : reject(data.error));
  worker.onerror = ({ message }) => reject(new Error(message));
}));
`,
    "worker.js": `import * as api from "${INSTALLED}";
import { run } from "./script.mjs";
run(api).then((value) => postMessage({ value }), (error) => postMessage({ error }));
`,
  });
  return await open(project.folder);
}

/** A real extension of Manifest V3, loaded unpacked; its page has the policy of its manifest. */
export async function extension(): Promise<Hash> {
  using project = createProject({
    "manifest.json": JSON.stringify({
      manifest_version: 3,
      name: "lstm-wasm",
      version: "1",
      content_security_policy: { extension_pages: "script-src 'self' 'wasm-unsafe-eval'; object-src 'self'" },
    }),
    "index.html": html("/main.js"),
    "main.js": main(INSTALLED),
  });
  return await reportOfExtension<Hash>(project.folder);
}
