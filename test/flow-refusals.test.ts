// What GradientFlow refuses.
import { GRU, Linear, LSTM, lastStep, Sequential } from "lstm-wasm";
import { GradientFlow } from "lstm-wasm/flow";
import { adam, mseLoss, Trainer } from "lstm-wasm/train";
import { describe, expect, test } from "vitest";
import { createCore } from "./support/cores.ts";

const core = createCore();
const one = { inputSize: 1, hiddenSize: 1 };

describe("refusals", () => {
  const layer = new LSTM(core, one);
  const linear = new Linear(core, { inFeatures: 1, outFeatures: 1 });
  const model = new Sequential([layer, lastStep(), linear]);
  const trainer = (flow: unknown, options = {}) =>
    new Trainer(model, { loss: mseLoss(), optimizer: adam(), flow: flow as GradientFlow, ...options });
  test.each<[string, () => unknown, string]>([
    ["no layer", () => new GradientFlow({} as LSTM), "model: expected a layer, got an Object"],
    [
      "a model without a recurrent layer",
      () => new GradientFlow(linear),
      "model: expected a recurrent layer in it, got a Linear without one; a gradient flows through time only there",
    ],
    ["every 0", () => new GradientFlow(layer, { every: 0 }), "every: expected a whole number of at least 1, got 0"],
    [
      "a threshold",
      () => new GradientFlow(layer, { vanishBelow: 2 }),
      "vanishBelow: expected a number in (0, 1), got 2",
    ],
    [
      "an unknown option",
      () => new GradientFlow(layer, { often: 2 } as object),
      'GradientFlow options: expected options among every, vanishBelow, explodeAbove, got "often"',
    ],
    [
      "a report before a pass",
      () => new GradientFlow(new GRU(core, one)).report(),
      "GradientFlow: expected a backward pass with flow behind the last forward pass, got none",
    ],
    [
      "a report after another forward pass",
      () => {
        const flow = new GradientFlow(layer);
        layer.backward({});
        flow.report();
        layer.forward({ data: new Float32Array(2), shape: [2, 1, 1] });
        return flow.report();
      },
      "GradientFlow: expected a backward pass with flow behind the last forward pass, got none",
    ],
    ["a flag that is none", () => layer.backward({}, { flow: 1 as never }), "flow: expected true or false, got 1"],
    ["no GradientFlow", () => trainer({}), "flow: expected a GradientFlow, got an Object"],
    [
      "another model's",
      () => trainer(new GradientFlow(layer)),
      "flow: expected a GradientFlow of this model, got another's",
    ],
    [
      "checkpointing",
      () => trainer(new GradientFlow(model), { checkpointing: true }),
      "flow: expected none beside checkpointing, which goes back in parts, got both",
    ],
    [
      "data of another width",
      () =>
        new GradientFlow(model).measure(
          { x: { data: new Float32Array(6), shape: [3, 1, 2] }, target: { data: new Float32Array(1), shape: [1, 1] } },
          mseLoss(),
        ),
      "x: expected shape [T,B,1] or [T,1], got [3,1,2]",
    ],
  ])("%s", (_, call, message) => {
    layer.forward({ data: new Float32Array(2), shape: [2, 1, 1] });
    expect(call).toThrow(message);
  });
});
