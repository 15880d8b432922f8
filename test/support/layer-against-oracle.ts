// A layer from one tensor to one tensor through the public API, against the float64 oracle.
import type { Pass, SimpleLayer, Tensor } from "lstm-wasm";
import type { OracleLayer } from "../reference/layers.ts";
import { compare, largest } from "./compare.ts";
import { createRandom, randomTensor } from "./random.ts";

/** What differs by more than rounding can explain: the output, and every gradient. `factor` widens the tolerance. */
export function layerDifferences(
  layer: SimpleLayer,
  oracle: OracleLayer,
  x: Tensor,
  { factor = 1, pass = {} }: { factor?: number; pass?: Pass } = {},
): string[] {
  const random = createRandom(x.data.length);
  // Gains of 1 and shifts of 0 would hide what is left out.
  const parameters = Object.fromEntries(
    Object.entries(layer.stateDict()).map(([name, { data, shape }]) => [
      name,
      { data: data.map((value) => value + 0.2 * random()), shape },
    ]),
  );
  layer.loadStateDict(parameters);
  layer.zeroGrad();
  const got = layer.forward(x, pass);
  const dOutput = randomTensor(random, got.shape);
  const dx = layer.backward(dOutput);
  const want = oracle(x, parameters);
  const wantGrads = want.backward(dOutput.data);
  const pairs: [string, ArrayLike<number>, ArrayLike<number>][] = [
    ["shape", got.shape, want.output.shape],
    ["output", got.data, want.output.data],
    ["shape of x", dx.shape, x.shape],
    ["x", dx.data, wantGrads.x as Float64Array],
    ...Object.entries(layer.gradients()).map(([name, { data }]): (typeof pairs)[number] => [
      name,
      data,
      wantGrads[name] as Float64Array,
    ]),
  ];
  // A sum of n float32 terms in ±1 is off by about √n·2⁻²⁴ of its size; no sum has more terms than x and the output together.
  // The worst uses about a third of it.
  const epsilon = 2 ** -24 * Math.sqrt(x.data.length + got.data.length) * factor;
  return pairs
    .map(([name, a, b]) => compare(name, a, b, epsilon * Math.max(1, largest(b))))
    .filter(({ ratio }) => !(ratio <= 1))
    .map(({ text }) => text);
}
