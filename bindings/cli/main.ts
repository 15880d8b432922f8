#!/usr/bin/env node
// The `lstm-wasm` command. Each subcommand is a file of its own, loaded only when it runs.
import { readFileSync } from "node:fs";
import { Command, Option } from "commander";
import { commandLine } from "./command.ts";
import { fail, number, share, UserError, wholeNumber } from "./fail.ts";
import { defaultText } from "./options.ts";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));

/** More than anybody stacks; so many that they fill the memory would take hours to refuse. */
const MOST_LAYERS = 64;
/** The parts of a model take this seed and the next three, each of 31 bits. */
const MOST_SEED = 2 ** 31 - 4;

const program = new Command("lstm-wasm")
  .version(version)
  .description("Train, run and look inside LSTMs in WebAssembly.")
  .showHelpAfterError(`(${commandLine(["--help"])} lists the commands)`);

program
  .command("train")
  .description(
    "train a forecaster or a classifier on a time series, or a model of text; without data, on four years of Seattle weather",
  )
  .argument("[data]", "CSV file with a header, rows in the order of time")
  .option("--text <files...>", "text files to learn the characters of")
  .option(
    "--target <columns>",
    "columns of numbers to forecast, with commas or repeated, or one of classes (Seattle: temp_max)",
    (text: string, before: string[] = []) => [...before, text],
  )
  .option("--classes", "take the numbers of the target for classes")
  .option(
    "--horizon <rows>",
    "forecast 1 to so many rows ahead (default 1); classify the row so many ahead (default 0, the window's last)",
    wholeNumber("--horizon", 0),
  )
  .option("--unit <units>", "units of the targets, with commas, for tables and charts")
  .option(
    "--window <n>",
    `rows, or characters, to learn from at once (${defaultText("window")})`,
    wholeNumber("--window", 1),
  )
  .option("--hidden <units>", `units of the LSTM (${defaultText("hidden")})`, wholeNumber("--hidden", 1))
  .option("--layers <n>", "layers of the LSTM", wholeNumber("--layers", 1, MOST_LAYERS), 1)
  .option("--embedding <n>", "values that stand for a character (default 64)", wholeNumber("--embedding", 1))
  .option("--dropout <share>", `share of values dropped in training (${defaultText("dropout")})`, share("--dropout"))
  .option("--epochs <n>", `most times through the training part (${defaultText("epochs")})`, wholeNumber("--epochs", 1))
  .option(
    "--patience <n>",
    `epochs without improvement before it stops (${defaultText("patience")})`,
    wholeNumber("--patience", 1),
  )
  .option("--batch <n>", `windows, or streams of text, a step (${defaultText("batch")})`, wholeNumber("--batch", 1))
  .option("--lr <rate>", `learning rate (${defaultText("lr")})`, number("--lr"))
  .option("--clip <norm>", "bound on the norm of the gradient", number("--clip"), 1)
  .option("--seed <n>", "seed of initial weights and of the order of windows", wholeNumber("--seed", 0, MOST_SEED), 1)
  .option("--out <file>", "where the model goes", "model.safetensors")
  .option("--report <file>", "where the report goes", "report.html")
  .option("--checkpoint <file>", "save what to go on from after every epoch (Ctrl-C saves it in any case)")
  .option("--resume", "go on from the checkpoint, as if it had never stopped")
  .option("--json", "answer the scores as JSON, and nothing else")
  .action(async (data, options) => (await import("./train.ts")).train(data, options));

program
  .command("sample")
  .description("write text by a model that train --text saved")
  .argument("<model>", "safetensors file")
  .option(
    "--temperature <t>",
    "below 1 likelier, above 1 wilder; 0: always the likeliest",
    number("--temperature"),
    0.8,
  )
  .option("--seed <n>", "another seed, another text", wholeNumber("--seed", 0), 1)
  .option("--length <n>", "characters to write", wholeNumber("--length", 1), 400)
  .option("--prompt <text>", "what the text begins with", "")
  .option("--json", "answer JSON")
  .action(async (model, options) => (await import("./sample.ts")).sample(model, options));

program
  .command("predict")
  .description("forecast the rows behind the last one, or name the last one's class, by a model that train saved")
  .argument("<model>", "safetensors file")
  .argument("<data>", "CSV file with the columns that the model learned from")
  .option("--all", "answer for every row that has enough rows before it, too")
  .option("--out <file>", "write the answers to a CSV file, too")
  .option("--json", "answer JSON")
  .action(async (model, data, options) => (await import("./predict.ts")).predict(model, data, options));

program
  .command("flow")
  .description("show where the gradients of a model go: how far back they reach, by which path, and why they do not")
  .argument("[model]", "safetensors file that train saved, or a PyTorch state_dict with an LSTM, GRU or RNN")
  .argument("[data]", "what it learned from, or CSV with columns for its inputs (default: Seattle, or random numbers)")
  .option("--lab", "instead sweep forget bias, weight scale and length for RNN, GRU and LSTM")
  .option("--html <file>", "write the report as a page, too")
  .option("--steps <n>", "steps of a sequence (state_dicts and text; lab: the longest)", wholeNumber("--steps", 1))
  .option("--module <name>", "which module of the state_dict, where it has several")
  .addOption(new Option("--nonlinearity <name>", "of an RNN").choices(["tanh", "relu"]).default("tanh"))
  .option("--standardize", "bring each column of a state_dict's data to mean 0 and deviation 1")
  .option("--seed <n>", "seed of what is random", wholeNumber("--seed", 0), 1)
  .option("--json", "answer JSON")
  .action(async (model, data, options) => (await import("./flow.ts")).flow(model, data, options));

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

// A reader that has seen enough (`| head`) is no error; a disk that is full is one.
process.stdout.on("error", async (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") return;
  const { fileReason } = await import("lstm-wasm/node");
  fail(new UserError(`standard output: expected a place to write to, got ${fileReason(error)}`));
});

try {
  await program.parseAsync();
} catch (error) {
  fail(error);
}
