// A static server on the loopback interface: what a plain host does, and, on request, what a careless one does.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

export interface ServeOptions {
  /** Headers of every answer. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Content types that replace the right ones, by extension. */
  readonly types?: Readonly<Record<string, string>>;
  /** Answers index.html with status 200 for whatever is missing, as servers of single-page applications do. */
  readonly fallback?: boolean;
}

export interface Server extends AsyncDisposable {
  /** "http://127.0.0.1:PORT", without a slash at the end. */
  readonly origin: string;
}

/** Serves a folder until it is disposed. */
export async function serve(root: string, { headers = {}, types = {}, fallback = false }: ServeOptions = {}) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url as string, "http://localhost");
    const path = normalize(decodeURIComponent(pathname));
    let file = join(root, path.endsWith("/") ? `${path}index.html` : path);
    if (!existsSync(file) || !statSync(file).isFile()) {
      if (!fallback) {
        response.writeHead(404, { "content-type": "text/plain" }).end("not found");
        return;
      }
      file = join(root, "index.html");
    }
    const extension = extname(file);
    const type = types[extension] ?? TYPES[extension] ?? "application/octet-stream";
    response.writeHead(200, { ...headers, "content-type": type, "cache-control": "no-store" });
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  } satisfies Server;
}
