// A Markdown page whose ```js blocks run in order as one module, and whose ```text blocks are what they print.
// `node test/support/page.ts FILE` puts what they print into the page.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const MARK = "\u0000";

export interface Page {
  /** What stands in the ```text blocks. */
  readonly said: readonly string[];
  /** What the blocks before them printed. */
  readonly printed: readonly string[];
  readonly updated: string;
}

/** Runs a page; what it imports by "./…" is beside it, pictures go to a folder. */
export function runPage(file: URL, pictures?: string): Page {
  const text = readFileSync(file, "utf8");
  const blocks = [...text.matchAll(/```(js|text)\n([\s\S]*?)```/g)].map(([, kind, body]) => ({
    kind,
    body: body as string,
  }));
  const code = blocks.map(({ kind, body }) => (kind === "js" ? body : `console.log("${MARK}");`)).join("\n");
  const imports: string[] = [];
  const rest = code.replace(/^import .*$/gm, (line) => {
    imports.push(line.replace(/"(\.\/[^"]+)"/, (_, path) => JSON.stringify(new URL(path, file).href)));
    return "";
  });
  // Within the package, so that its own name resolves to what was built.
  const module = new URL(`../../build/page-${process.pid}.mjs`, import.meta.url);
  writeFileSync(module, `${imports.join("\n")}\n${rest}`);
  const out = execFileSync(process.execPath, [module.pathname], {
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1", ...(pictures && { PICTURES: pictures }) },
  });
  const printed = out.split(`${MARK}\n`).slice(0, -1);
  let k = 0;
  const updated = text.replace(/```text\n[\s\S]*?```/g, () => `\`\`\`text\n${printed[k++]}\`\`\``);
  return { said: blocks.filter(({ kind }) => kind === "text").map(({ body }) => body), printed, updated };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const file = pathToFileURL(process.argv[2] as string);
  writeFileSync(file, runPage(file).updated);
}
