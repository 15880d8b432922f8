// Chromium, and what a page of it reports. Debian's package, or the program named in CHROMIUM.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { tool } from "./tools.ts";

/** What is used of playwright-core, which is installed only where engines are. */
export interface Page {
  on(event: "console", listener: (message: { type(): string; text(): string }) => void): void;
  on(event: "pageerror", listener: (error: Error) => void): void;
  on(
    event: "requestfailed",
    listener: (request: { url(): string; failure(): { errorText: string } | null }) => void,
  ): void;
  goto(url: string, options?: { waitUntil: "commit" }): Promise<unknown>;
  evaluate(expression: string): Promise<unknown>;
  click(selector: string): Promise<void>;
  fill(selector: string, value: string): Promise<void>;
  selectOption(selector: string, value: string): Promise<unknown>;
  textContent(selector: string): Promise<string | null>;
  waitForFunction(expression: string, argument?: undefined, options?: { timeout: number }): Promise<unknown>;
  context(): { browser(): { newBrowserCDPSession(): Promise<Session> } | null };
  waitForEvent(event: "download"): Promise<{ path(): Promise<string> }>;
}
interface Session {
  on(event: "Tracing.dataCollected", listener: (data: { value: readonly TraceEvent[] }) => void): void;
  on(event: "Tracing.tracingComplete", listener: () => void): void;
  send(method: string, options?: object): Promise<unknown>;
}
/** Times in µs; `tdur` is the processor's. */
interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly tdur?: number;
}
interface Context {
  newPage(): Promise<Page>;
  close(): Promise<void>;
}
interface Playwright {
  readonly chromium: {
    launch(options: object): Promise<Context>;
    launchPersistentContext(folder: string, options: object): Promise<Context>;
  };
}

const PATHS = [process.env.CHROMIUM ?? "", "/usr/bin/chromium", "/usr/bin/chromium-browser"];
const executablePath = PATHS.find((path) => path && existsSync(path));

/** For `missing` of rows. */
export const whereIsChromium = (): string | undefined =>
  executablePath ? undefined : "no Chromium: install Debian's package chromium, or name the program in CHROMIUM";

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

/** Opens a page in a browser of its own, and closes it after `use`. With a folder, the extension in it is loaded. */
export async function withPage<T>(use: (page: Page) => Promise<T>, extension?: string): Promise<T> {
  const { chromium } = await tool<Playwright>("playwright-core");
  const options = { executablePath, args: ARGS };
  const load = [`--load-extension=${extension}`, `--disable-extensions-except=${extension}`];
  const browser = extension
    ? await chromium.launchPersistentContext("", { ...options, args: [...ARGS, ...load] })
    : await chromium.launch(options);
  try {
    return await use(await browser.newPage());
  } finally {
    await browser.close();
  }
}

/** Traces the main thread of a page during `work`; answers also the most processor time that one task of theirs took, in ms. */
export async function traced<T>(page: Page, work: () => Promise<T>): Promise<{ value: T; longestTask: number }> {
  const session = (await page.context().browser()?.newBrowserCDPSession()) as Session;
  const events: TraceEvent[] = [];
  session.on("Tracing.dataCollected", (data) => void events.push(...data.value));
  await session.send("Tracing.start", { traceConfig: { includedCategories: ["toplevel", "blink.user_timing"] } });
  const value = await work();
  // Tells the page's thread from those of pages that the browser has of its own.
  await page.evaluate(`performance.mark("traced")`);
  const complete = new Promise<void>((resolve) => session.on("Tracing.tracingComplete", resolve));
  await session.send("Tracing.end");
  await complete;
  const key = ({ pid, tid }: TraceEvent) => `${pid} ${tid}`;
  const mark = events.find(({ name }) => name === "traced");
  const tasks = events.filter((event) => event.tdur !== undefined && mark && key(event) === key(mark));
  if (tasks.length === 0) throw new Error("expected tasks of the page in its trace, got none");
  return { value, longestTask: tasks.reduce((longest, { tdur = 0 }) => Math.max(longest, tdur / 1000), 0) };
}

/** The address of a page of an unpacked extension. Without a key, its name is made of its path's SHA-256, in letters a to p. */
export function extensionUrl(folder: string, path: string): string {
  const digest = createHash("sha256").update(folder).digest("hex").slice(0, 32);
  const id = Array.from(digest, (digit) => String.fromCharCode(97 + Number.parseInt(digit, 16))).join("");
  return `chrome-extension://${id}/${path}`;
}

const MARK = "platform-result:";

/** What pages/report.mjs says of the work of a page. */
export interface Report<T> {
  readonly value?: T;
  readonly error?: { readonly name: string; readonly code?: string; readonly message: string };
  readonly ms: number;
}

/** The report of a page. Rejects with what the page complained of if there is none in time. */
export function reportOf<T>(
  url: string,
  { extension, timeout = 120_000 }: { extension?: string; timeout?: number } = {},
): Promise<Report<T>> {
  return withPage(async (page) => {
    const complaints: string[] = [];
    let timer: NodeJS.Timeout | undefined;
    const report = new Promise<Report<T>>((resolve, reject) => {
      page.on("console", (message) => {
        const text = message.text();
        if (text.startsWith(MARK)) resolve(JSON.parse(text.slice(MARK.length)));
        else if (message.type() === "error") complaints.push(text);
      });
      page.on("pageerror", (error) => reject(new Error(`the page threw: ${error.message}`)));
      page.on("requestfailed", (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));
      const late = () => `no report in ${timeout} ms; ${complaints.join("; ") || "no complaint either"}`;
      timer = setTimeout(() => reject(new Error(late())), timeout);
    });
    report.catch(() => {});
    try {
      await page.goto(url, { waitUntil: "commit" });
      return await report;
    } finally {
      clearTimeout(timer);
    }
  }, extension);
}

/** The value of a report. */
export function expectValue<T>({ value, error }: Report<T>): T {
  if (error) throw new Error(`${error.name} ${error.code ?? ""}: ${error.message}`);
  return value as T;
}
