#!/usr/bin/env node
// The `lstm-wasm` command. Each subcommand is a file of its own, loaded only when it runs.
import { Command, Option } from "commander";
import { fail, number, wholeNumber } from "./fail.ts";

const program = new Command("lstm-wasm")
  .description("Train, run and look inside LSTMs in WebAssembly.")
  .showHelpAfterError("(lstm-wasm --help lists the commands)");

program
  .command("explain")
  .description("unroll a one-unit LSTM and print every factor of its back-propagation, from the kernels' own tapes")
  .option("--case <file>", "weights, inputs, target and initial state, as JSON; without it, the worked example")
  .addOption(new Option("--lr <rate>", "step size of the gradient-descent step").default(0.1).argParser(number("--lr")))
  .option("--json", "answer in the format of the case files")
  .action(async (options) => (await import("./explain.ts")).explain(options));

try {
  await program.parseAsync();
} catch (error) {
  fail(error);
}
