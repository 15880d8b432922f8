// chromium.ts BROWSER SCRIPT ARGUMENT: runs a script in a page, and prints what it logs until its line of kind "end" or
// "error". No server: the one page is answered from here, isolated, so that its clock is fine.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { folderOf } from "./engines.ts";

/** What is used of Playwright, which is not among the project's own dependencies. */
interface Playwright {
  readonly chromium: { launch(options: object): Promise<{ newPage(): Promise<Page>; close(): Promise<void> }> };
}
interface Page {
  on(event: "console", listener: (message: { text(): string }) => void): void;
  on(event: "pageerror", listener: (error: Error) => void): void;
  route(url: string, handler: (route: Route) => Promise<void>): Promise<void>;
  goto(url: string): Promise<unknown>;
}
interface Route {
  request(): { url(): string };
  fulfill(answer: object): Promise<void>;
}

const [executablePath, script = "", argument = ""] = process.argv.slice(2);
const ISOLATED = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
const args = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];
args.push("--disable-component-update", "--disable-sync", "--no-sandbox");

const { chromium } = createRequire(`${folderOf("chromium")}package.json`)("playwright-core") as Playwright;
const browser = await chromium.launch({ executablePath, args });
const page = await browser.newPage();
const answers: Record<string, object> = {
  "/": { contentType: "text/html", body: '<!doctype html><script type="module" src="/bench.mjs"></script>' },
  "/bench.mjs": { contentType: "text/javascript", body: readFileSync(script, "utf8") },
};
await page.route("**/*", (route) => {
  const { pathname } = new URL(route.request().url());
  return route.fulfill({ headers: ISOLATED, status: answers[pathname] ? 200 : 404, ...answers[pathname] });
});
const ended = new Promise<void>((resolve, reject) => {
  page.on("pageerror", reject);
  page.on("console", (message) => {
    const text = message.text();
    if (!text.startsWith("{")) return;
    console.log(text);
    if (/"kind":"(end|error)"/.test(text)) resolve();
  });
});
await page.goto(`http://localhost/?${encodeURIComponent(argument)}`);
await ended;
await browser.close();
