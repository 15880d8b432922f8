// The printed form of `lstm-wasm explain`, in the letters of the equations in assembly/cells/lstm.ts.
import pc from "picocolors";
import { GATES, type Gates, type Step, type Trace } from "./explain-trace.ts";
import { wrap } from "./wrap.ts";

const WIDTH = 78;
const VALUE = 12;

const subscript = (t: number) => String(t).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[Number(digit)] as string);

/** Six decimals, or six digits with an exponent where those would hide the value. */
function num(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = size >= 1e-4 && size < 1e5 ? value.toFixed(6) : value.toExponential(5);
  return text.replaceAll("-", "−");
}

/** A factor of a product: negative ones in brackets, so that "+ −" never stands in a sum. */
const factor = (value: number) => (value < 0 ? `(${num(value)})` : num(value));

const pad = (text: string, width: number) => " ".repeat(Math.max(0, width - text.length));

/** "(3)  c₁ = f₁·c₀ + i₁·g₁ ……… value", and the numbers put in on lines of their own. */
function equation(number: string, left: string, right: string, value: number, ...numbers: string[]): string[] {
  const text = `${left} = ${right}`;
  const head = `  (${number})  ${text}`;
  const line = `  ${pc.dim(`(${number})`)}  ${pc.cyan(left)} = ${right}${pad(head, WIDTH - VALUE)}${pad(num(value), VALUE)}${pc.bold(num(value))}`;
  const indent = " ".repeat(8 + left.length);
  return [line, ...numbers.map((text, k) => `${indent}${pc.dim(k === 0 ? `= ${text}` : `  + ${text}`)}`)];
}

const heading = (text: string) => ["", pc.bold(text), pc.dim("─".repeat(WIDTH))];

/** A row of right-aligned cells under a first one. */
const row = (first: string, cells: readonly string[], width = 14) =>
  `  ${first}${pad(first, 12)}${cells.map((cell) => pad(cell, width) + cell).join("")}`;

/** A sum over the four gates, W_i·da_i + …, with da of step t. */
const gateSum = (weight: "W" | "U", t: number) => GATES.map((q) => `${weight}_${q}·da_${q}${subscript(t)}`).join(" + ");

/** The numbers of such a sum, two terms a line. */
function gateSumNumbers(weights: Gates, da: Gates): string[] {
  const term = (q: keyof Gates) => `${factor(weights[q])}·${factor(da[q])}`;
  return [`${term("i")} + ${term("f")}`, `${term("g")} + ${term("o")}`];
}

const gateRow = (first: string, gates: Gates) =>
  row(
    first,
    GATES.map((k) => num(gates[k])),
  );

const gateNames = row("", GATES);

function forwardStep(step: Step, h: number, c: number, { W, U }: Trace): string[] {
  const now = subscript(step.t);
  const before = subscript(step.t - 1);
  const { i, f, g, o } = step.gates;
  return [
    "",
    pc.bold(`  t = ${step.t}`),
    ...GATES.flatMap((k) =>
      equation(
        "1",
        `a_${k}${now}`,
        `W_${k}·x${now} + U_${k}·h${before}`,
        step.z[k],
        `${factor(W[k])}·${factor(step.x)} + ${factor(U[k])}·${factor(h)}`,
      ),
    ),
    ...GATES.flatMap((k) => equation("2", `${k}${now}`, `${k === "g" ? "tanh" : "σ"}(a_${k}${now})`, step.gates[k])),
    ...equation(
      "3",
      `c${now}`,
      `f${now}·c${before} + i${now}·g${now}`,
      step.c,
      `${factor(f)}·${factor(c)} + ${factor(i)}·${factor(g)}`,
    ),
    ...equation("4", `h${now}`, `o${now}·tanh c${now}`, step.h, `${factor(o)}·${factor(step.tanh_c)}`),
  ];
}

/** The two parts of dL/dc of step k: what comes along c itself, and what comes through h. */
export function paths(trace: Trace, k: number): { direct: number; recurrent: number } {
  const step = trace.steps[k] as Step;
  const after = trace.steps[k + 1];
  return {
    direct: after ? after.dL_dc * after.gates.f : 0,
    recurrent: step.dL_dh * step.gates.o * (1 - step.tanh_c ** 2),
  };
}

/** One of the two summands of equation (5), under it. */
const part = (colour: (text: string) => string, name: string, value: number) =>
  `${" ".repeat(18)}${colour(name.padEnd(18))}${pad(num(value), VALUE)}${num(value)}`;

function backwardStep(trace: Trace, k: number): string[] {
  const step = trace.steps[k] as Step;
  const after = trace.steps[k + 1];
  const h = trace.steps[k - 1]?.h ?? trace.h0;
  const c = trace.steps[k - 1]?.c ?? trace.c0;
  const now = subscript(step.t);
  const next = subscript(step.t + 1);
  const before = subscript(step.t - 1);
  const { i, f, g, o } = step.gates;
  const { direct, recurrent } = paths(trace, k);
  const d = step.dL_dgates;
  const slope: Gates = { i: i * (1 - i), f: f * (1 - f), g: 1 - g * g, o: o * (1 - o) };
  const through = `dL/dh${now}·o${now}·(1 − tanh²c${now})`;
  const throughNumbers = `${factor(step.dL_dh)}·${factor(o)}·${factor(1 - step.tanh_c ** 2)}`;
  return [
    "",
    pc.bold(`  t = ${step.t}`),
    ...(after
      ? equation("8", `dL/dh${now}`, gateSum("U", step.t + 1), step.dL_dh, ...gateSumNumbers(trace.U, after.dL_dz))
      : equation("L", `dL/dh${now}`, `h${now} − y`, step.dL_dh, `${num(step.h)} − ${factor(trace.target)}`)),
    ...equation(
      "5",
      `dL/dc${now}`,
      after ? `dL/dc${next}·f${next} + ${through}` : through,
      step.dL_dc,
      after ? `${factor(after.dL_dc)}·${factor(after.gates.f)} + ${throughNumbers}` : throughNumbers,
    ),
    part(pc.yellow, "direct cell path", direct),
    part(pc.magenta, after ? "recurrent path" : "loss, through h", recurrent),
    ...equation("6", `dL/di${now}`, `dL/dc${now}·g${now}`, d.i, `${factor(step.dL_dc)}·${factor(g)}`),
    ...equation("6", `dL/df${now}`, `dL/dc${now}·c${before}`, d.f, `${factor(step.dL_dc)}·${factor(c)}`),
    ...equation("6", `dL/dg${now}`, `dL/dc${now}·i${now}`, d.g, `${factor(step.dL_dc)}·${factor(i)}`),
    ...equation("6", `dL/do${now}`, `dL/dh${now}·tanh c${now}`, d.o, `${factor(step.dL_dh)}·${factor(step.tanh_c)}`),
    ...GATES.flatMap((q) =>
      equation(
        "7",
        `da_${q}${now}`,
        q === "g" ? `dL/dg${now}·(1 − g${now}²)` : `dL/d${q}${now}·${q}${now}·(1 − ${q}${now})`,
        step.dL_dz[q],
        `${factor(d[q])}·${factor(slope[q])}`,
      ),
    ),
    ...equation("8", `dL/dx${now}`, gateSum("W", step.t), step.dL_dx, ...gateSumNumbers(trace.W, step.dL_dz)),
    `  ${pc.dim("(9)")}  da${now}·x${now} of dL/dW, da${now}·h${before} of dL/dU; x${now} = ${num(step.x)}, h${before} = ${num(h)}`,
    pc.dim(gateNames),
    gateRow("     dL/dW", step.dL_dW_step),
    gateRow("     dL/dU", step.dL_dU_step),
  ];
}

/** Whether the chain of dL/dc vanishes or explodes, and through which path. Thresholds: a factor of 0.95 or 1.05 a step. */
export function verdict(trace: Trace): string {
  const { steps } = trace;
  const T = steps.length;
  const first = Math.abs((steps[0] as Step).dL_dc);
  const last = Math.abs((steps[T - 1] as Step).dL_dc);
  if (last === 0) return "There is no gradient to follow: dL/dc is 0 at the last step.";
  if (T === 1) return "One step has no chain that could vanish or explode.";
  const rate = (first / last) ** (1 / (T - 1));
  let direct = 0;
  let recurrent = 0;
  for (let k = 0; k < T - 1; k++) {
    const part = paths(trace, k);
    direct += Math.abs(part.direct);
    recurrent += Math.abs(part.recurrent);
  }
  const share = direct / (direct + recurrent);
  const f = steps.slice(1).map((step) => step.gates.f);
  const path =
    share >= 0.5
      ? `the direct cell path, which brings ${(100 * share).toFixed(0)} % of it, times a forget gate of ${num(Math.min(...f))} to ${num(Math.max(...f))} a step`
      : `the recurrent path through U, which brings ${(100 * (1 - share)).toFixed(0)} % of it`;
  const span = `dL/dc goes from ${num(last)} at t = ${T} to ${num(first)} at t = 1, a factor of ${rate.toPrecision(3)} a step`;
  if (rate < 0.95) {
    const halfLife = rate === 0 ? 0 : Math.log(0.5) / Math.log(rate);
    return `This chain vanishes: ${span} (half-life ${halfLife.toPrecision(2)} steps), through ${path}.`;
  }
  if (rate > 1.05) return `This chain explodes: ${span}, through ${path}.`;
  return `This chain neither vanishes nor explodes: ${span}, through ${path}.`;
}

/** The whole print-out, line by line. */
export function printTrace(trace: Trace, lr: number): string[] {
  const { steps, W, U, dL_dW: dW, dL_dU: dU } = trace;
  const T = steps.length;
  const moved = (weights: Gates, d: Gates): Gates => ({
    i: weights.i - lr * d.i,
    f: weights.f - lr * d.f,
    g: weights.g - lr * d.g,
    o: weights.o - lr * d.o,
  });
  return [
    pc.bold(`An LSTM of one unit, without biases, over ${T} step${T === 1 ? "" : "s"}`),
    ...wrap(
      "(n) is the equation's number in assembly/cells/lstm.ts; L = ½·(h − y)² at the last step; every dL/d… is the " +
        "total derivative, along all later paths; the values are the kernels' own.",
      WIDTH,
    ).map(pc.dim),
    "",
    gateNames,
    gateRow("W", W),
    gateRow("U", U),
    ...wrap(`x = ${trace.x.map(num).join(", ")}`, WIDTH - 2).map((line) => `  ${line}`),
    `  y = ${num(trace.target)}   h₀ = ${num(trace.h0)}   c₀ = ${num(trace.c0)}`,
    ...heading("Forward"),
    ...steps.flatMap((step, k) => forwardStep(step, steps[k - 1]?.h ?? trace.h0, steps[k - 1]?.c ?? trace.c0, trace)),
    "",
    ...equation(
      "L",
      "L",
      `½·(h${subscript(T)} − y)²`,
      trace.loss,
      `½·(${num(trace.h_last)} − ${factor(trace.target)})²`,
    ),
    ...heading("Backward"),
    ...steps.flatMap((_, k) => backwardStep(trace, T - 1 - k)),
    "",
    ...equation("8", "dL/dh₀", gateSum("U", 1), trace.dL_dh0),
    ...equation("5", "dL/dc₀", "dL/dc₁·f₁", trace.dL_dc0),
    ...heading("Each step's share of the eight weights, and their sum (9)"),
    gateNames,
    ...steps.map((step) => gateRow(`dW at t = ${step.t}`, step.dL_dW_step)),
    gateRow("dL/dW", dW),
    ...steps.map((step) => gateRow(`dU at t = ${step.t}`, step.dL_dU_step)),
    gateRow("dL/dU", dU),
    ...heading(`One step of gradient descent, weight − ${lr}·gradient`),
    gateNames,
    gateRow("W", moved(W, dW)),
    gateRow("U", moved(U, dU)),
    ...heading("Gradient norm per step"),
    row("", ["|dL/dh|", "|dL/dc|", "direct", "recurrent"]),
    ...steps.map((step, k) => {
      const { direct, recurrent } = paths(trace, k);
      const cells = [step.dL_dh, step.dL_dc, direct, recurrent].map((value) => num(Math.abs(value)));
      return row(`t = ${step.t}`, cells);
    }),
    "",
    ...wrap(verdict(trace), WIDTH).map((line) => pc.bold(line)),
  ];
}
