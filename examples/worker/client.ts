// The page's side, the same in a browser and in Node: what goes on in the worker, as an async iterator.
import type { Job } from "./job.ts";
import type { Answer, Request } from "./serve.ts";

/** A Worker of a page, or of node:worker_threads. */
interface WorkerLike {
  // biome-ignore lint/suspicious/noExplicitAny: the two differ in what they call transferable
  postMessage(message: any, transfer: any[]): void;
}

export interface TrainOptions {
  /** Stops the training between two steps; what it came to is the last answer. */
  readonly signal?: AbortSignal;
  /** The last answer of a training that was stopped, to go on from. */
  readonly checkpoint?: Uint8Array | undefined;
}

/** Trains in a worker: yields its progress, and at last the weights and a checkpoint. */
export async function* trainInWorker(
  worker: WorkerLike,
  job: Job,
  { signal, checkpoint }: TrainOptions = {},
): AsyncGenerator<Exclude<Answer, { type: "error" }>, void, void> {
  const { port1: port, port2 } = new MessageChannel();
  const answers: Answer[] = [];
  let wake = () => {};
  port.onmessage = ({ data }: MessageEvent<Answer>) => {
    answers.push(data);
    wake();
  };
  worker.postMessage(port2, [port2]);
  const send = (request: Request) => port.postMessage(request);
  const stop = () => send({ type: "stop" });
  send({ type: "train", job, checkpoint });
  signal?.addEventListener("abort", stop);
  try {
    while (true) {
      const answer = answers.shift();
      if (!answer)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      else if (answer.type === "error") throw Object.assign(new Error(answer.message), { name: answer.name });
      else {
        yield answer;
        if (answer.type === "done") return;
      }
    }
  } finally {
    // Also where the caller has left the loop.
    stop();
    signal?.removeEventListener("abort", stop);
    port.close();
  }
}
