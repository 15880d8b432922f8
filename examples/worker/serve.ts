// The worker's side, the same in a browser and in Node: takes a job from a port, trains, tells how it goes, and gives the
// weights back. Training yields to the worker's event loop at least once a frame, so that "stop" is heard.
import { load, type StateDict } from "lstm-wasm";
import { createBatches, createModel, createTrainer, type Job } from "./job.ts";

/** From the page. */
export type Request =
  | { readonly type: "train"; readonly job: Job; readonly checkpoint?: Uint8Array | undefined }
  | { readonly type: "stop" };

/** To the page. */
export type Answer =
  | { readonly type: "progress"; readonly epoch: number; readonly loss: number }
  /** The weights, and everything to go on from; `stopped` if the page said so. */
  | { readonly type: "done"; readonly stopped: boolean; readonly weights: StateDict; readonly checkpoint: Uint8Array }
  | { readonly type: "error"; readonly name: string; readonly message: string };

export function serve(port: MessagePort): void {
  const abort = new AbortController();
  const answer = (message: Answer, transfer: Transferable[] = []) => port.postMessage(message, transfer);
  port.onmessage = async ({ data: request }: MessageEvent<Request>) => {
    if (request.type === "stop") return abort.abort();
    try {
      const done = await train(request, abort.signal, answer);
      const tensors = [...Object.values(done.weights).map(({ data }) => data), done.checkpoint];
      // Handed over, not copied.
      answer(done, tensors.map(({ buffer }) => buffer) as ArrayBuffer[]);
    } catch (error) {
      const { name, message } = error as Error;
      answer({ type: "error", name, message });
    }
  };
}

async function train(
  { job, checkpoint }: Extract<Request, { type: "train" }>,
  signal: AbortSignal,
  answer: (message: Answer) => void,
): Promise<Extract<Answer, { type: "done" }>> {
  const core = await load();
  using model = createModel(core, job);
  using trainer = createTrainer(model);
  if (checkpoint) trainer.load(checkpoint);
  try {
    for await (const { epoch, end } of trainer.fit(createBatches(job), { epochs: job.epochs, signal }))
      if (end) answer({ type: "progress", epoch, loss: end.loss });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return { type: "done", stopped: signal.aborted, weights: model.stateDict(), checkpoint: trainer.save() };
}
