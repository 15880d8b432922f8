// brain.js: its LSTMTimeStep, whose gates have no bias of their own and whose state starts anew: another function of the same
// size. It takes one sequence at a time, and has no step, no batch, and an optimiser of its own.
import { readFileSync } from "node:fs";
import brain from "brain.js";

const { version: number } = JSON.parse(
  readFileSync(new URL("node_modules/brain.js/package.json", import.meta.url), "utf8"),
);
export const version = () => `brain.js ${number}`;
export const other = true;

export function create({ what, T, B, I, H }, problem) {
  const net = new brain.recurrent.LSTMTimeStep({ inputSize: I, hiddenLayers: [H], outputSize: I });
  const x = problem.x.data;
  const sequences = Array.from({ length: B }, (_, b) =>
    Array.from({ length: T }, (_, t) => [...x.subarray((t * B + b) * I, (t * B + b + 1) * I)]),
  );
  net.train([sequences[0].slice(0, 2)], { iterations: 1 });
  const run =
    what === "forward"
      ? () => {
          for (const sequence of sequences) net.run(sequence);
        }
      : () => net.train(sequences, { iterations: 1, errorThresh: 0 });
  return { run, result: () => [0] };
}
