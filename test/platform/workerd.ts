// A bundle and a configuration for workerd, and the server in a process of its own.
import { spawn } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { build } from "esbuild";
import { engine } from "./row.ts";

export const workerd: string = engine(".bin/workerd");

/** Durable Objects of a worker, and the folder that holds their storage. */
export interface Objects {
  readonly binding: string;
  readonly className: string;
  readonly storage: string;
}

/** Bundles a module of a project for Workers; answers the file of a configuration for it. The grammar wants spaces around `=`. */
export async function bundleWorker(
  folder: string,
  file: string,
  { objects, date = "2026-01-01" }: { readonly objects?: Objects; readonly date?: string } = {},
): Promise<string> {
  const modules = new Map<string, string>();
  const { outputFiles } = await build({
    absWorkingDir: folder,
    entryPoints: [file],
    bundle: true,
    write: false,
    format: "esm",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*"],
    tsconfigRaw: {},
    plugins: [
      {
        name: "wasm modules",
        setup(api) {
          api.onResolve({ filter: /\.wasm$/ }, async ({ path, resolveDir, kind, pluginData }) => {
            if (pluginData === "resolving") return undefined;
            const resolved = await api.resolve(path, { resolveDir, kind, pluginData: "resolving" });
            const name = basename(resolved.path);
            modules.set(name, resolved.path);
            return { path: `./${name}`, external: true };
          });
        },
      },
    ],
  });
  writeFileSync(join(folder, "worker.js"), (outputFiles[0] as { text: string }).text);
  for (const [name, path] of modules) copyFileSync(path, join(folder, name));
  const wasm = [...modules.keys()].map((name) => `, (name = "${name}", wasm = embed "${name}")`).join("");
  const durable = objects
    ? `,
  durableObjectNamespaces = [(className = "${objects.className}", uniqueKey = "${objects.className}", enableSql = true)],
  durableObjectStorage = (localDisk = "disk"),
  bindings = [(name = "${objects.binding}", durableObjectNamespace = "${objects.className}")]`
    : "";
  const disk = objects ? `, (name = "disk", disk = (path = "${objects.storage}", writable = true))` : "";
  writeFileSync(
    join(folder, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main)${disk}],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);
const main :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")${wasm}],
  compatibilityDate = "${date}"${durable}
);
`,
  );
  return join(folder, "config.capnp");
}

export interface Server extends AsyncDisposable {
  readonly origin: string;
  /** Ends the process at once, as a crash does. */
  kill(): Promise<void>;
}

/** Serves a configuration on a free port of this machine. */
export async function serveWorker(config: string): Promise<Server> {
  const server = spawn(workerd, ["serve", config, "--control-fd=3"], { stdio: ["ignore", "pipe", "pipe", "pipe"] });
  let said = "";
  for (const stream of [server.stdout, server.stderr])
    stream?.on("data", (chunk) => {
      said += chunk;
    });
  const ended = new Promise<void>((resolve) => server.once("close", () => resolve()));
  const kill = async () => {
    server.kill("SIGKILL");
    await ended;
  };
  const port = await new Promise<number>((resolve, reject) => {
    let text = "";
    server.stdio[3]?.on("data", (chunk) => {
      text += chunk;
      const [, found] = /"event":\s*"listen".*"port":\s*(\d+)/.exec(text) ?? [];
      if (found) resolve(Number(found));
    });
    ended.then(() => reject(new Error(`workerd: ${said.trim()}`)));
  });
  return { origin: `http://127.0.0.1:${port}`, kill, [Symbol.asyncDispose]: kill };
}
