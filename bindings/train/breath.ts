/** Longest time in ms that a training keeps the event loop waiting, give or take one step: a frame at 60 Hz. */
const FRAME_MS = 16;

/** To be awaited after every piece of work. */
export type Breath = () => Promise<void> | undefined;

/**
 * To be called after every piece of work: a promise of the event loop's turn, if another piece as long as the last one would
 * keep it waiting for more than a frame.
 */
export function createBreath(): Breath {
  let [rested, called] = [performance.now(), performance.now()];
  return () => {
    const now = performance.now();
    const piece = now - called;
    called = now;
    if (now + piece - rested <= FRAME_MS) return undefined;
    return turn().then(() => {
      rested = called = performance.now();
    });
  };
}

/**
 * One turn of the event loop. Not by setTimeout where there is better: browsers make it wait 4 ms, in a hidden page a second.
 */
function turn(): Promise<void> {
  const { setImmediate } = globalThis as { setImmediate?: (call: () => void) => void };
  return new Promise((resolve) => {
    if (setImmediate) setImmediate(resolve);
    else if (typeof MessageChannel === "function") {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(null);
    } else setTimeout(resolve, 0);
  });
}
