// `lstm-wasm explain`: a one-unit, bias-free LSTM unrolled by the real kernels, and its back-propagation.
import { load } from "lstm-wasm";
import { printTrace } from "./explain-print.ts";
import { type Case, EXAMPLE, GATES, type Gates, trace } from "./explain-trace.ts";
import { UserError } from "./fail.ts";
import { readText } from "./files.ts";

/** Reads a case file. */
export async function readCase(file: string): Promise<Case> {
  const text = await readText(file);
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new UserError(`${file}: expected JSON, got ${(error as SyntaxError).message}`);
  }
  const wrong = (what: string, expected: string, value: unknown) =>
    new UserError(
      `${file}: ${what}: expected ${expected}, got ${value === undefined ? "nothing" : JSON.stringify(value)}`,
    );
  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isObject(parsed)) throw wrong("case", "an object", parsed);
  // A value is f32 in the kernels: what overflows there is as wrong as a text.
  const number = (what: string, value: unknown): number => {
    if (typeof value !== "number" || !Number.isFinite(Math.fround(value))) throw wrong(what, "a float32 number", value);
    return value;
  };
  const gates = (what: string, value: unknown): Gates => {
    if (!isObject(value)) throw wrong(what, "an object with i, f, g, o", value);
    const [i, f, g, o] = GATES.map((k) => number(`${what}.${k}`, value[k])) as [number, number, number, number];
    return { i, f, g, o };
  };
  const { x } = parsed;
  if (!Array.isArray(x) || x.length === 0) throw wrong("x", "an array of at least one number", x);
  if (parsed.steps_count !== undefined && parsed.steps_count !== x.length)
    throw wrong("steps_count", `${x.length}, the length of x`, parsed.steps_count);
  return {
    W: gates("W", parsed.W),
    U: gates("U", parsed.U),
    x: x.map((value, k) => number(`x[${k}]`, value)),
    target: number("target", parsed.target),
    h0: number("h0", parsed.h0 ?? 0),
    c0: number("c0", parsed.c0 ?? 0),
  };
}

/** The command. */
export async function explain(options: {
  readonly case?: string;
  readonly lr: number;
  readonly json?: boolean;
}): Promise<void> {
  const given = options.case === undefined ? EXAMPLE : await readCase(options.case);
  const traced = trace(await load(), given);
  if (options.json) console.log(JSON.stringify(traced, null, 1));
  else console.log(printTrace(traced, options.lr).join("\n"));
}
