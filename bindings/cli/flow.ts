// `lstm-wasm flow`: where the gradients of a model go, or with --lab where those of RNN, GRU and LSTM go.
import { load } from "lstm-wasm";
import { writeFileAtomic } from "lstm-wasm/node";
import { UserError } from "./fail.ts";
import { checkApart } from "./files.ts";
import { type FlowOptions, measureFile, refuseOptions } from "./flow-model.ts";
import { printFlow } from "./flow-print.ts";

/** The command. */
export async function flow(model: string | undefined, data: string | undefined, options: FlowOptions): Promise<void> {
  if (options.lab) {
    if (model !== undefined) throw new UserError(`--lab: expected no model beside it, got ${model}`);
    refuseOptions(options, "--lab");
    return (await import("./flow-lab.ts")).lab(options);
  }
  if (model === undefined)
    throw new UserError(
      "model: expected a file that `lstm-wasm train` saved, a PyTorch state_dict in safetensors, or --lab, got none",
    );
  await checkApart(
    [
      ["the model", model],
      ["the data", data],
    ],
    [["--html", options.html]],
  );
  const measured = await measureFile(await load(), model, data, options);
  if (options.html !== undefined) {
    const { renderFlow } = await import("./flow-page.ts");
    await writeFileAtomic(options.html, renderFlow(model, measured));
  }
  if (options.json) console.log(JSON.stringify(measured.report, null, 1));
  else console.log(printFlow(model, measured, options.html));
}
