// `npm run example -- NAME [options]`: without a name it lists the examples.
const args = process.argv.slice(2);
const classic = () => import("./classics/main.ts").then(({ main }) => main(args));

const EXAMPLES: Readonly<Record<string, { readonly what: string; readonly run: () => Promise<unknown> }>> = {
  adding: { what: "LSTM, GRU and RNN learn to add two marked numbers of a long sequence", run: classic },
  copy: { what: "LSTM, GRU and RNN learn to repeat ten symbols after a long pause", run: classic },
  reber: { what: "LSTM, GRU and RNN learn the embedded Reber grammar", run: classic },
  worker: {
    what: "trains in a worker thread while this one stays free; takes no options",
    run: async () => {
      if (args[1] === "--help" || args[1] === "-h") console.log("npm run example -- worker");
      else if (args.length > 1) throw new Error(`expected npm run example -- worker, got ${args.join(" ")}`);
      else await import("./worker/main.ts");
    },
  },
};

const [name = "nothing"] = args;
const asked = name === "--help" || name === "-h";
const example = Object.hasOwn(EXAMPLES, name) ? EXAMPLES[name] : undefined;
if (example)
  await example.run().catch((error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
else {
  const lines = Object.entries(EXAMPLES).map(([name, { what }]) => `  ${name.padEnd(8)}${what}`);
  const text = ["npm run example -- NAME [options]", "", ...lines, "", "NAME --help tells its options."].join("\n");
  if (asked) console.log(text);
  else console.error(`expected the name of an example, got ${name}\n\n${text}`);
  process.exitCode = asked ? 0 : 2;
}
