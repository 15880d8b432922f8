// One Chromium for all rows, and what a page of it reports.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";

/** Debian's package; the first that exists. */
const PATHS = [process.env.CHROMIUM ?? "", "/usr/bin/chromium", "/usr/bin/chromium-browser"];
export const executablePath = PATHS.find((path) => path && existsSync(path));

const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--autoplay-policy=no-user-gesture-required",
];

let browser: Promise<Browser> | undefined;

/** The browser, started at the first call. */
export function openBrowser(): Promise<Browser> {
  if (!executablePath) throw new Error("no Chromium: install Debian's package, or name its path in CHROMIUM");
  browser ??= chromium.launch({ executablePath, args: ARGS });
  return browser;
}

export async function closeBrowser(): Promise<void> {
  await (await browser)?.close();
  browser = undefined;
}

/** Opens a new page in a context of its own, and closes it after `use`. */
export async function withPage<T>(use: (page: Page) => Promise<T>): Promise<T> {
  const context = await (await openBrowser()).newContext();
  try {
    return await use(await context.newPage());
  } finally {
    await context.close();
  }
}

const MARK = "platform-result:";

/**
 * What a page reports. Pages do so on the console (see report.mjs), the one way out that no content security policy closes.
 * Rejects with what the page complained of if it does not report in time.
 */
async function reportFrom<T>(page: Page, url: string, timeout = 60_000): Promise<T> {
  const complaints: string[] = [];
  const reported = new Promise<T>((resolve, reject) => {
    page.on("console", (message) => {
      const text = message.text();
      if (text.startsWith(MARK)) resolve(JSON.parse(text.slice(MARK.length)) as T);
      else if (message.type() === "error") complaints.push(text);
    });
    page.on("pageerror", (error) => reject(new Error(`the page threw: ${error.message}`)));
    page.on("requestfailed", (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));
    setTimeout(() => reject(new Error(`no report in ${timeout} ms: ${complaints.join("; ")}`)), timeout).unref();
  });
  reported.catch(() => {});
  await page.goto(url);
  return await reported;
}

/** The report of a page, opened in the common browser. */
export const reportOf = <T>(url: string): Promise<T> => withPage((page) => reportFrom<T>(page, url));

/** The page of an unpacked extension, in a browser of its own. */
export async function reportOfExtension<T>(folder: string, path = "/index.html"): Promise<T> {
  const context = await chromium.launchPersistentContext("", {
    executablePath,
    args: [...ARGS, `--load-extension=${folder}`, `--disable-extensions-except=${folder}`],
  });
  try {
    // Chromium names an extension without a key by its path: the first 16 bytes of the SHA-256, in the letters a to p.
    const digest = createHash("sha256").update(folder).digest("hex").slice(0, 32);
    const id = Array.from(digest, (digit) => String.fromCharCode(97 + Number.parseInt(digit, 16))).join("");
    return await reportFrom<T>(await context.newPage(), `chrome-extension://${id}${path}`);
  } finally {
    await context.close();
  }
}
