/** Runs `work` and reports what it answers, or how it failed, to the test: on the console, which no policy closes. */
export async function report(work) {
  const start = performance.now();
  const outcome = {};
  try {
    outcome.value = await work();
  } catch ({ name, code, message }) {
    outcome.error = { name, code, message };
  }
  console.log(`platform-result:${JSON.stringify({ ...outcome, ms: performance.now() - start })}`);
}
