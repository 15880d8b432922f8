// child.ts PEER ORDER: measures one peer in a process of its own, and prints a line of JSON for each case. Before a case is
// timed its result is compared with what the library computed.
import type { BenchCase } from "../cases.ts";
import { type Contender, checkAgreement, type Problem, resultOf } from "../problem.ts";
import { time, watchProcessor } from "../timing.ts";
import { caseOf, onnxFile, readProblem } from "./folder.ts";

/** What a peer's file exports. */
export interface Peer {
  /** Name and version in words. */
  readonly version: () => string | Promise<string>;
  /** Whether it computes another function, so that its results cannot be compared. */
  readonly other?: boolean;
  /** Whether it adds one bias, not two: with Adam that makes a difference. */
  readonly oneBias?: boolean;
  readonly create: (bench: BenchCase, problem: Problem, onnx: string) => Contender | Promise<Contender>;
}

export interface Order {
  /** Where the problems are. */
  readonly folder: string;
  readonly cases: readonly string[];
  /** ms for each case: before the timing, and for it. */
  readonly warmUp: number;
  readonly budget: number;
}

export type Line =
  | { readonly version: string }
  | { readonly name: string; readonly ns: number }
  | { readonly share: number };

const [file = "", text = "{}"] = process.argv.slice(2);
const { folder, cases, warmUp, budget } = JSON.parse(text) as Order;
const peer: Peer = await import(new URL(file, import.meta.url).href);
const tell = (line: Line) => console.log(JSON.stringify(line));
tell({ version: await peer.version() });
const share = watchProcessor();
for (const name of cases) {
  const bench = caseOf(name);
  const { problem, want } = readProblem(folder, bench);
  const contender = await peer.create(bench, problem, onnxFile(folder, bench));
  const start = performance.now();
  const result = await resultOf(bench, contender);
  if (!peer.other) checkAgreement(`${file} ${name}`, result, peer.oneBias ? want.oneBias : want.twoBiases);
  const left = warmUp - (performance.now() - start);
  if (left > 0) await time(contender.run, left);
  tell({ name, ns: await time(contender.run, budget) });
}
tell({ share: share() });
// Some peers keep the process waiting for threads of theirs.
process.exit();
