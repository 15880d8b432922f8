// examples/browser-train: trains to the error and the weights that Node gets, from a static server and from Vite, and the page
// stays alive meanwhile.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Page, traced, whereIsChromium, withPage } from "../chromium.ts";
import { createProject, execute, here, type Row, root } from "../row.ts";
import { serve } from "../serve.ts";
import { tool, whereAreTools } from "../tools.ts";

const HIDDEN = 8;
const SEED = 3;

/** The same training in Node: the error as the page writes it, and the digest of the weights. */
const NODE = `import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { errorOf, Forecaster, parseCsv, prepare } from "./forecaster.js";
import { encodeSafetensors, load } from "./lstm-wasm.js";

const data = prepare(parseCsv(readFileSync("seattle-weather.csv", "utf8")));
const forecaster = new Forecaster(await load(), data, { hidden: ${HIDDEN}, seed: ${SEED} });
for await (const _ of forecaster.fit());
const digest = createHash("sha256").update(encodeSafetensors(forecaster.model.stateDict())).digest("hex");
console.log(JSON.stringify({ error: errorOf(forecaster.forecast(), data.truth).toFixed(2), digest }));
`;

function createExample(tarball: string): string {
  const folder = createProject(tarball, { "node.mjs": NODE });
  cpSync(join(root, "examples/browser-train"), folder, {
    recursive: true,
    filter: (source) => !/node_modules|package\.json$/.test(source.slice(root.length)),
  });
  cpSync(here("node_modules/uplot"), join(folder, "node_modules/uplot"), { recursive: true });
  return folder;
}

const TOGGLE = "document.getElementById('toggle')";
const until = (page: Page, text: string) =>
  page.waitForFunction(`!${TOGGLE}.disabled && ${TOGGLE}.textContent === "${text}"`, undefined, { timeout: 120_000 });

/** Trains to the end, with a pause; answers the page's last words and the weights. */
async function train(page: Page) {
  await page.click("#toggle");
  await page.waitForFunction("/After [1-9]/.test(document.getElementById('lead').textContent)");
  await page.click("#toggle");
  await until(page, "Continue");
  await page.click("#toggle");
  await until(page, "Start");
  const lead = (await page.textContent("#lead")) ?? "";
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#save")]);
  const digest = createHash("sha256")
    .update(readFileSync(await download.path()))
    .digest("hex");
  return { lead, digest };
}

const row = (way: string, prepareFolder: (folder: string) => Promise<string>, tools: readonly string[]): Row => ({
  engine: `Chromium, ${way}`,
  entry: "examples/browser-train",
  build: "own",
  missing: () => whereIsChromium() ?? whereAreTools("playwright-core", "uplot", ...tools),
  async run(tarball) {
    const folder = createExample(tarball);
    const expected = JSON.parse((await execute(process.execPath, ["node.mjs"], folder)).stdout);
    await using server = await serve(await prepareFolder(folder));
    const start = performance.now();
    await withPage(async (page) => {
      const errors: string[] = [];
      page.on("pageerror", ({ message }) => errors.push(message));
      await page.goto(`${server.origin}/`);
      await until(page, "Start");
      await page.selectOption("select[name=hidden]", String(HIDDEN));
      await page.fill("input[name=seed]", String(SEED));
      const { value, longestTask } = await traced(page, () => train(page));
      assert.match(value.lead, new RegExp(`forecasts are ${expected.error} °C off`));
      assert.equal(value.digest, expected.digest, "the weights of the page are those of Node");
      // What holds a frame up. Processor time, because whatever else the machine does makes the time on the clock longer.
      assert.ok(longestTask < 50, `the page's longest task took ${longestTask} ms of processor time`);
      assert.deepEqual(errors, []);
    });
    return { hash: expected.digest, ms: performance.now() - start };
  },
});

const rows: Row[] = [
  row("static server", async (folder) => folder, []),
  row(
    "Vite build",
    async (folder) => {
      const { build } = await tool<{ build(config: object): Promise<unknown> }>("vite");
      await build({ root: folder, logLevel: "error" });
      return join(folder, "dist");
    },
    ["vite"],
  ),
];

export default rows;
