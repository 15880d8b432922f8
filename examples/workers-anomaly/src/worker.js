// POST /streams/NAME { "from": 0, "values": [1.5, …] } scores values; `from` numbers the first of them, so that a request that is
// sent again, because its answer got lost, counts once. GET /streams/NAME tells how many values there were.
import { DurableObject } from "cloudflare:workers";
import { loadSync } from "lstm-wasm";
import { createDetector } from "./detector.js";

/** One for the isolate; the module was compiled when the Worker was deployed. */
let detector;

/** One stream. Its storage holds everything; what this object has in memory is a copy of that. */
export class Stream extends DurableObject {
  #record = { count: 0 };

  constructor(ctx, env) {
    super(ctx, env);
    ctx.blockConcurrencyWhile(async () => {
      this.#record = (await ctx.storage.get("record")) ?? this.#record;
    });
  }

  count() {
    return this.#record.count;
  }

  observe(from, values) {
    const { count, state, last } = this.#record;
    // Sent again: the same answer, and nothing counts twice.
    if (last && from === last.from && values.length === last.answers.length) return { from, answers: last.answers };
    if (from !== undefined && from !== count) return { expected: count };
    detector ??= createDetector(loadSync());
    const next = detector.observe(state, values);
    this.#record = {
      count: count + values.length,
      state: next.state,
      last: { from: count, answers: next.answers },
    };
    // One write, all or nothing; the runtime holds the answer back until it is on disk.
    this.ctx.storage.put("record", this.#record);
    return this.#record.last;
  }
}

const refuse = (status, error) => Response.json({ error }, { status });

/** Numbers that 10 ms of CPU are enough for. */
const MOST = 64;

export default {
  async fetch(request, env) {
    const [, name] = /^\/streams\/([\w.-]{1,64})$/.exec(new URL(request.url).pathname) ?? [];
    if (name === undefined) return refuse(404, "path: expected /streams/NAME");
    const stream = env.STREAMS.get(env.STREAMS.idFromName(name));
    if (request.method === "GET") return Response.json({ count: await stream.count() });
    if (request.method !== "POST") return refuse(405, "method: expected GET or POST");
    const { from, values } = (await request.json().catch(() => null)) ?? {};
    if (!Array.isArray(values) || values.length === 0 || values.length > MOST || !values.every(Number.isFinite))
      return refuse(400, `values: expected 1 to ${MOST} finite numbers`);
    if (from !== undefined && !Number.isInteger(from))
      return refuse(400, "from: expected the number of the first value");
    const answer = await stream.observe(from, values);
    return "expected" in answer ? refuse(409, `from: expected ${answer.expected}, got ${from}`) : Response.json(answer);
  },
};
