// A bundle for the edge VM of Vercel, in it. As on the platform, a `?module` import is a global that holds a compiled module, and
// the VM may compile neither text nor WebAssembly itself.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { build } from "esbuild";
import { here } from "./row.ts";

/** What is used of the package edge-runtime, which is installed only where engines are. */
interface EdgeRuntime {
  dispatchFetch(url: string, init?: RequestInit): Promise<Response>;
}
interface EdgeRuntimeOptions {
  readonly codeGeneration: { readonly strings: boolean; readonly wasm: boolean };
  extend(context: object): object;
  readonly initialCode: string;
}

/** Bundles a module of a project, and runs it. */
export async function openEdge(folder: string, file: string): Promise<EdgeRuntime> {
  const globals: Record<string, WebAssembly.Module> = {};
  const { outputFiles } = await build({
    absWorkingDir: folder,
    entryPoints: [file],
    bundle: true,
    write: false,
    conditions: ["edge-light", "worker", "browser"],
    tsconfigRaw: {},
    plugins: [
      {
        name: "wasm globals",
        setup(api) {
          api.onResolve({ filter: /\.wasm\?module$/ }, async ({ path, resolveDir, kind }) => ({
            path: (await api.resolve(path.slice(0, -"?module".length), { resolveDir, kind })).path,
            namespace: "wasm",
          }));
          api.onLoad({ filter: /./, namespace: "wasm" }, ({ path }) => {
            const name = `wasm_${Object.keys(globals).length}`;
            globals[name] = new WebAssembly.Module(new Uint8Array(readFileSync(path)));
            return { contents: `export default globalThis.${name};` };
          });
        },
      },
    ],
  });
  const { EdgeRuntime } = createRequire(here("package.json"))("edge-runtime") as {
    EdgeRuntime: new (options: EdgeRuntimeOptions) => EdgeRuntime;
  };
  return new EdgeRuntime({
    codeGeneration: { strings: false, wasm: false },
    extend: (context) => Object.assign(context, globals),
    initialCode: (outputFiles[0] as { text: string }).text,
  });
}
