import type { Core } from "lstm-wasm";
import { crossEntropyLoss, logSoftmax } from "lstm-wasm/train";
import { compareAnswers, float32, readTensors, type XentCase } from "./cases.ts";
import type { Difference } from "./compare.ts";

/** Losses, gradients and log-probabilities of a case, through the public API. */
export function runXent(core: Core, c: XentCase, folder: URL): Difference[] {
  const tensors = readTensors(new URL(c.file, folder));
  const logits = float32(tensors, "logits");
  const targets = float32(tensors, "targets");
  const options = {
    ...(c.ignore_index != null && { ignoreIndex: c.ignore_index }),
    ...(c.label_smoothing !== undefined && { labelSmoothing: c.label_smoothing }),
    ...(tensors.weight && { weight: [...tensors.weight.data] }),
  };
  const [mean, sum] = (["mean", "sum"] as const).map((reduction) =>
    crossEntropyLoss({ ...options, reduction }).forward(core, logits, targets),
  );
  const answers = {
    loss_mean: [mean?.loss as number],
    loss_sum: [sum?.loss as number],
    grad_mean: mean?.gradient.data ?? [],
    grad_sum: sum?.gradient.data ?? [],
    loss_rows: crossEntropyLoss({ ...options, reduction: "none" }).forward(core, logits, targets).losses.data,
    log_softmax: logSoftmax(core, logits).data,
  };
  return compareAnswers(answers, c.expected, tensors, c.tolerance);
}
