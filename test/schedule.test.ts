// Learning rates, against the numbers of PyTorch's schedulers.
import { cosineAnnealingLR, reduceLROnPlateau, type Schedule, stepLR, warmup } from "lstm-wasm/train";
import { describe, expect, test } from "vitest";

const rates = (schedule: Schedule, steps: number, lr = 0.1) =>
  Array.from({ length: steps }, (_, k) => schedule.rate(lr, k, schedule.initial));

const expectRates = (got: readonly number[], want: readonly number[]) => {
  expect(got.length).toBe(want.length);
  got.forEach((rate, k) => {
    expect(Math.abs(rate - (want[k] as number)), `rate ${k}: ${rate}, want ${want[k]}`).toBeLessThan(1e-15);
  });
};

describe("schedules", () => {
  test("stepLR", () => {
    expectRates(rates(stepLR({ stepSize: 2, gamma: 0.5 }), 6), [0.1, 0.1, 0.05, 0.05, 0.025, 0.025]);
  });

  test("cosineAnnealingLR", () => {
    // torch.optim.lr_scheduler.CosineAnnealingLR(SGD(lr=0.1), 4, eta_min=0.01)
    const want = [0.1, 0.08681980515339464, 0.055, 0.023180194846605363, 0.01, 0.01];
    expectRates(rates(cosineAnnealingLR({ tMax: 4, etaMin: 0.01 }), 6), want);
  });

  test("warmup, then another", () => {
    const third = 0.1 / 3;
    const rise = [third, third + (0.1 - third) * 0.25, third + (0.1 - third) * 0.5, third + (0.1 - third) * 0.75, 0.1];
    expectRates(rates(warmup({ totalIters: 4 }), 5), rise);
    expectRates(rates(warmup({ totalIters: 4 }, stepLR({ stepSize: 1, gamma: 0.5 })), 7).slice(4), [0.1, 0.05, 0.025]);
  });

  test("reduceLROnPlateau", () => {
    // torch.optim.lr_scheduler.ReduceLROnPlateau(SGD(lr=0.1), factor=0.5, patience=1, cooldown=1, min_lr=0.02)
    const losses = [1, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8];
    const want = [0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025, 0.025, 0.025, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02];
    const schedule = reduceLROnPlateau({ factor: 0.5, patience: 1, cooldown: 1, minLr: 0.02 });
    let memory = schedule.initial;
    const got = losses.map((loss) => {
      memory = schedule.observe(loss, memory);
      return schedule.rate(0.1, 0, memory);
    });
    expectRates(got, want);
  });

  test.each<[string, () => unknown]>([
    ["stepSize: expected a whole number of at least 1, got 0", () => stepLR({ stepSize: 0 })],
    ["gamma: expected a number in (0, 1], got 2", () => stepLR({ stepSize: 1, gamma: 2 })],
    ["etaMin: expected a number of at least 0, got -1", () => cosineAnnealingLR({ tMax: 3, etaMin: -1 })],
    ["factor: expected a number in (0, 1), got 1", () => reduceLROnPlateau({ factor: 1 })],
    ["then: expected a schedule, got 3", () => warmup({ totalIters: 3 }, 3 as unknown as Schedule)],
  ])("%s", (message, call) => {
    expect(call).toThrow(message);
  });
});
