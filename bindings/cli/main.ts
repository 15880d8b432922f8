#!/usr/bin/env node
// The `lstm-wasm` command. Each subcommand is a file of its own, loaded only when it runs.
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { fail, number, wholeNumber } from "./fail.ts";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));

const program = new Command("lstm-wasm")
  .version(version)
  .description("Train, run and look inside LSTMs in WebAssembly.")
  .showHelpAfterError("(lstm-wasm --help lists the commands)");

program
  .command("train")
  .description("train a forecaster on a time series; without a file, on four years of Seattle weather")
  .argument("[data]", "CSV file with a header, rows in the order of time")
  .option("--target <column>", "column to forecast one row ahead (Seattle: temp_max)")
  .option("--unit <unit>", "unit of the target, for tables and charts")
  .option("--window <rows>", "rows the model looks back on", wholeNumber("--window", 1), 14)
  .option("--hidden <units>", "units of the LSTM", wholeNumber("--hidden", 1), 32)
  .option("--epochs <n>", "most times through the training part", wholeNumber("--epochs", 1), 60)
  .option("--patience <n>", "epochs without improvement before training stops", wholeNumber("--patience", 1), 12)
  .option("--batch <windows>", "windows a step", wholeNumber("--batch", 1), 32)
  .option("--lr <rate>", "learning rate", number("--lr"), 0.003)
  .option("--seed <n>", "seed of initial weights and of the order of windows", wholeNumber("--seed", 0), 1)
  .option("--out <file>", "where the model goes", "model.safetensors")
  .option("--report <file>", "where the report goes", "report.html")
  .option("--json", "answer the scores as JSON, and nothing else")
  .action(async (data, options) => (await import("./train.ts")).train(data, options));

program
  .command("predict")
  .description("forecast the row behind the last one, by a model that train saved")
  .argument("<model>", "safetensors file")
  .argument("<data>", "CSV file with the columns that the model learned from")
  .option("--all", "forecast every row that has enough rows before it, too")
  .option("--out <file>", "write the forecasts to a CSV file, too")
  .option("--json", "answer JSON")
  .action(async (model, data, options) => (await import("./predict.ts")).predict(model, data, options));

program
  .command("explain")
  .description("unroll a one-unit LSTM and print every factor of its back-propagation, from the kernels' own tapes")
  .option("--case <file>", "weights, inputs, target and initial state, as JSON; without it, the worked example")
  .option("--lr <rate>", "step size of the gradient-descent step", number("--lr"), 0.1)
  .option("--json", "answer in the format of the case files")
  .action(async (options) => (await import("./explain.ts")).explain(options));

program
  .command("bench")
  .description("measure streaming, forward and training steps on this machine, against plain JavaScript")
  .option("--relaxed", "the build with relaxed SIMD, whose bits depend on the machine")
  .option("--json", "answer JSON")
  .action(async (options) => (await import("./bench.ts")).bench(options));

try {
  await program.parseAsync();
} catch (error) {
  fail(error);
}
