// The small examples, each on the engine it is for.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, rmSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { createProject, engine, execute, here, type Row, root, whereIs } from "../row.ts";
import { openEdge } from "../vercel.ts";

const digestOf = (value: unknown) => createHash("sha256").update(JSON.stringify(value)).digest("hex");

/** A project with the tarball and the files of an example. */
function install(tarball: string, example: string, files: Readonly<Record<string, string>> = {}): string {
  const folder = createProject(tarball, files);
  const own = /node_modules|package(-lock)?\.json|README/;
  cpSync(`${root}examples/${example}`, folder, {
    recursive: true,
    filter: (path) => !own.test(path.slice(root.length)),
  });
  return folder;
}

/** A server in a process of its own; `close` kills it. Its first line that has an address tells where it listens. */
async function serve(program: string, args: readonly string[], folder: string, variables: Record<string, string>) {
  const server = spawn(program, args, { cwd: folder, env: { ...process.env, NO_COLOR: "1", ...variables } });
  let said = "";
  const ended = new Promise<void>((resolve) => server.once("close", () => resolve()));
  const port = await new Promise<string>((resolve, reject) => {
    const listen = (chunk: Buffer) => {
      said += chunk;
      const [, found] = /127\.0\.0\.1:(\d+)/.exec(said) ?? [];
      if (found) resolve(found);
    };
    server.stdout.on("data", listen);
    server.stderr.on("data", listen);
    ended.then(() => reject(new Error(said)));
  });
  return {
    host: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.kill("SIGKILL");
      await ended;
    },
  };
}

const wave = (n: number) => Array.from({ length: n }, (_, t) => 10 + 3 * Math.sin(t / 2));

function expectClose(got: number, want: number, tolerance: number): void {
  if (!(Math.abs(got - want) <= tolerance)) throw new Error(`expected ${want} within ${tolerance}, got ${got}`);
}

const vercel: Row = {
  engine: "Vercel edge VM",
  entry: "vercel-edge",
  build: "own",
  missing: whereIs(here("node_modules/edge-runtime/package.json")),
  async run(tarball) {
    const folder = install(tarball, "vercel-edge", {
      "main.mjs": `import handler from "./api/forecast.js";
addEventListener("fetch", (event) => event.respondWith(handler(event.request)));
`,
    });
    const runtime = await openEdge(folder, "main.mjs");
    const { default: handler } = await import(pathToFileURL(`${folder}/api/forecast.js`).href);
    const init = { method: "POST", body: JSON.stringify({ values: wave(64), steps: 4 }) };
    const start = performance.now();
    const answer = await (await runtime.dispatchFetch("http://edge.test/api/forecast", init)).json();
    const ms = performance.now() - start;
    wave(68)
      .slice(64)
      .forEach((value, k) => {
        expectClose(answer.forecast[k], value, 0.6);
      });
    const inNode = await (await handler(new Request("http://edge.test/", init))).json();
    if (digestOf(inNode) !== digestOf(answer)) throw new Error("expected the bits of Node");
    const bad = await runtime.dispatchFetch("http://edge.test/", { method: "POST", body: "<html>" });
    if (bad.status !== 400) throw new Error(`expected status 400 for a bad request, got ${bad.status}`);
    return { hash: digestOf(answer), ms };
  },
};

const deno: Row = {
  engine: "Deno",
  entry: "deno-deploy",
  build: "own",
  missing: whereIs(engine(".bin/deno")),
  async run(tarball) {
    const folder = install(tarball, "deno-deploy");
    // The tarball stands for what the registry will have.
    rmSync(`${folder}/deno.json`);
    const args = [
      "run",
      "--no-prompt",
      "--cached-only",
      "--node-modules-dir=manual",
      "--allow-net=127.0.0.1",
      "main.js",
    ];
    await using server = await serve(engine(".bin/deno"), args, folder, {
      DENO_DIR: `${folder}/.deno`,
      DENO_SERVE_ADDRESS: "tcp:127.0.0.1:0",
      DENO_NO_UPDATE_CHECK: "1",
    });
    const start = performance.now();
    const values = wave(400);
    const answer = async () => {
      const body = `${values.join("\n")}\nno number\n`;
      const text = await (await fetch(`http://${server.host}/`, { method: "POST", body })).text();
      return text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as { forecast: number; error?: string });
    };
    // Two at once: each connection has a model of its own.
    const [answers, others] = await Promise.all([answer(), answer()]);
    const ms = performance.now() - start;
    if (answers.length !== 401 || !answers[400]?.error) throw new Error(`expected 401 lines, got ${answers.length}`);
    if (digestOf(answers) !== digestOf(others)) throw new Error("expected the same answers on both connections");
    for (let t = 390; t < 399; t++) expectClose(answers[t]?.forecast as number, values[t + 1] as number, 1);
    return { hash: digestOf(answers), ms };
  },
};

/** Sends numbers one after the other, and answers what came back. */
function converse(url: string, values: readonly number[]): Promise<{ count: number; forecast: number }[]> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    const answers: { count: number; forecast: number }[] = [];
    socket.onerror = () => reject(new Error(`${url}: expected a connection`));
    socket.onopen = () => socket.send(String(values[0]));
    socket.onmessage = ({ data }) => {
      answers.push(JSON.parse(data as string));
      if (answers.length < values.length) socket.send(String(values[answers.length]));
      else {
        socket.close();
        resolve(answers);
      }
    };
  });
}

const bun: Row = {
  engine: "Bun, killed",
  entry: "bun-server",
  build: "own",
  missing: whereIs(engine(".bin/bun")),
  async run(tarball) {
    const folder = install(tarball, "bun-server");
    const program = `${folder}/server`;
    await execute(engine(".bin/bun"), ["build", "--compile", "--outfile=server", "server.js"], folder);
    const start = performance.now();
    const values = Array.from({ length: 60 }, (_, t) => Math.sin(t / 2));
    const answers = [];
    // The process is killed after each part.
    for (const part of [values.slice(0, 25), values.slice(25)]) {
      await using server = await serve(program, [], folder, { PORT: "0" });
      answers.push(...(await converse(`ws://${server.host}/interrupted`, part)));
    }
    await using server = await serve(program, [], folder, { PORT: "0" });
    const whole = await converse(`ws://${server.host}/whole`, values);
    if (digestOf(whole) !== digestOf(answers)) throw new Error("expected the same answers without interruption");
    for (let t = 40; t < 59; t++) expectClose(whole[t]?.forecast as number, values[t + 1] as number, 0.2);
    return { hash: digestOf(answers), ms: performance.now() - start };
  },
};

const rows: Row[] = [vercel, deno, bun];

export default rows;
