// `npm run bench:engines -- NAME...`: fetches engines from the npm registry, each into a folder of its own.
import { ENGINES, fetchEngine, missing, versionOf } from "./engines.ts";

const names = process.argv.slice(2);
try {
  for (const name of names) {
    if (missing(name)) fetchEngine(name);
    const why = missing(name);
    console.log(why ?? `${name}: ${versionOf(name)}`);
    if (why) process.exitCode = 1;
  }
  if (names.length === 0)
    console.log(`npm run bench:engines -- NAME...: fetches some of ${Object.keys(ENGINES).join(", ")}`);
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
