// examples/workers-anomaly on workerd: streams that come in turns, and a runtime that is killed under them, again and again. In the
// end every score of every stream has the bits of one detector in Node that nobody interrupted.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { createProject, type Row, root, whereIs } from "../row.ts";
import { bundleWorker, type Server, serveWorker, workerd } from "../workerd.ts";

const STREAMS = 2000;
/** Requests of each stream, and values of each request. */
const REQUESTS = 3;
const VALUES = 12;
const KILLS = 4;
const AT_ONCE = 48;
/** CPU that a request may cost on the free plan, ms. */
const CPU_MS = 10;

const source = (file: string) => readFileSync(`${root}examples/workers-anomaly/src/${file}`, "utf8");

interface Answer {
  readonly score: number;
  readonly anomaly: boolean;
}
interface Detector {
  observe(state: unknown, values: readonly number[]): { state: unknown; answers: readonly Answer[] };
}

/** Values of one request: every stream has a period of its own, and an outlier. */
const valuesOf = (stream: number, request: number): number[] =>
  Array.from({ length: VALUES }, (_, k) => {
    const t = request * VALUES + k;
    return 20 + (((stream + 3) * t) % (5 + (stream % 11))) + (t === 20 + (stream % 10) ? 40 : 0);
  });

/** All scores of an uninterrupted detector, on the strict kernels in this Node. */
async function wanted(folder: string): Promise<readonly (readonly Answer[])[]> {
  const at = (path: string) => import(pathToFileURL(`${folder}/${path}`).href);
  const { loadSync } = await at("node_modules/lstm-wasm/dist/entries/default.js");
  const detector: Detector = (await at("src/detector.js")).createDetector(loadSync());
  const before = process.cpuUsage();
  const answers = Array.from({ length: STREAMS }, (_, stream) => {
    let state: unknown;
    return Array.from({ length: REQUESTS }, (_, request) => {
      const next = detector.observe(state, valuesOf(stream, request));
      state = next.state;
      return next.answers;
    }).flat();
  });
  // The clock of workerd stands still within a request, so the cost is measured here.
  const { user, system } = process.cpuUsage(before);
  const ms = (user + system) / 1000 / (STREAMS * REQUESTS);
  if (ms > CPU_MS) throw new Error(`CPU: expected at most ${CPU_MS} ms a request, got ${ms.toFixed(2)}`);
  return answers;
}

/** Sends all requests in turns, each until it is answered; kills the server at even distances. */
async function play(config: string): Promise<readonly (readonly Answer[])[]> {
  const got: Answer[][] = Array.from({ length: STREAMS }, () => []);
  let server: Server = await serveWorker(config);
  let restarting: Promise<void> | undefined;
  let answered = 0;
  let kills = 0;
  const restart = async () => {
    await server.kill();
    server = await serveWorker(config);
  };
  const send = async (stream: number, request: number) => {
    const body = JSON.stringify({ from: request * VALUES, values: valuesOf(stream, request) });
    for (let attempt = 0; attempt < 50; attempt++) {
      await restarting;
      try {
        const response = await fetch(`${server.origin}/streams/s${stream}`, { method: "POST", body });
        if (!response.ok) throw new TypeError(`${response.status} ${await response.text()}`, { cause: "answer" });
        return ((await response.json()) as { answers: Answer[] }).answers;
      } catch (error) {
        // An answer is an answer; a lost connection, or half an answer, is what killing is for.
        if ((error as Error).cause === "answer") throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    throw new Error(`stream ${stream}: expected an answer within 50 attempts, got none`);
  };
  try {
    for (let request = 0; request < REQUESTS; request++) {
      let next = 0;
      const worker = async () => {
        for (let stream = next++; stream < STREAMS; stream = next++) {
          got[stream]?.push(...(await send(stream, request)));
          if (++answered > ((kills + 1) * STREAMS * REQUESTS) / (KILLS + 1) && kills < KILLS) {
            kills++;
            restarting = restart();
            await restarting;
          }
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
    }
  } finally {
    await server.kill();
  }
  if (kills !== KILLS) throw new Error(`expected ${KILLS} kills, got ${kills}`);
  return got;
}

const rows: Row[] = [
  {
    engine: "workerd, killed",
    entry: "workers-anomaly",
    build: "own",
    missing: whereIs(workerd),
    async run(tarball) {
      const files = Object.fromEntries(["worker.js", "detector.js"].map((file) => [`src/${file}`, source(file)]));
      const folder = createProject(tarball, files);
      mkdirSync(`${folder}/objects`);
      const objects = { binding: "STREAMS", className: "Stream", storage: `${folder}/objects` };
      const config = await bundleWorker(folder, "src/worker.js", { objects });
      const start = performance.now();
      const got = await play(config);
      const ms = performance.now() - start;
      const want = await wanted(folder);
      const wrong = got.findIndex((answers, stream) => JSON.stringify(answers) !== JSON.stringify(want[stream]));
      if (wrong >= 0)
        throw new Error(
          `stream ${wrong}: expected ${JSON.stringify(want[wrong])}, got ${JSON.stringify(got[wrong])}`.slice(0, 600),
        );
      return { hash: createHash("sha256").update(JSON.stringify(got)).digest("hex"), ms };
    },
  },
];

export default rows;
