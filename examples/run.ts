// `npm run example -- NAME [options]`: README.md tells the names.
const NAMES: Readonly<Record<string, () => Promise<unknown>>> = {
  ...Object.fromEntries(
    ["adding", "copy", "reber"].map((name) => [
      name,
      () => import("./classics/main.ts").then(({ main }) => main(args)),
    ]),
  ),
  worker: () => import("./worker/main.ts"),
};

const args = process.argv.slice(2);
const run = NAMES[args[0] ?? ""];
if (!run) {
  console.error(`expected one of ${Object.keys(NAMES).join(", ")}, got ${args[0] ?? "nothing"}`);
  process.exitCode = 2;
} else
  await run().catch((error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
