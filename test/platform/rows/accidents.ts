// The classic accidents, on a real page and a server of the careless kind: a page for whatever is missing, no type for .wasm.
import assert from "node:assert/strict";
import { expectValue } from "../chromium.ts";
import { createPage, html, openFolder, pageRow } from "../page.ts";
import type { Row } from "../row.ts";

interface Failure {
  readonly code: string;
  readonly message: string;
}

interface Accidents {
  readonly type: string;
  readonly digests: Readonly<Record<string, string | Failure>>;
  readonly builds: Readonly<Record<string, string | Failure>>;
  readonly failures: Readonly<Record<string, Failure>>;
}

const EXPECTED: Readonly<Record<string, readonly [code: string, message: RegExp]>> = {
  html: ["ERR_MODULE_HTML", /missing\.wasm an HTML page/],
  htmlResponse: ["ERR_MODULE_HTML", /missing\.wasm an HTML page/],
  largeSync: ["ERR_COMPILE", /on a page's main thread use load\(\)/],
  largeModuleSync: ["ERR_COMPILE", /on a page's main thread use load\(\)/],
  used: ["ERR_MODULE_FETCH", /a response whose body was read before/],
  detached: ["ERR_MODULE_DETACHED", /detached/],
  unreachable: ["ERR_MODULE_FETCH", /127\.0\.0\.1:1/],
};

const rows: Row[] = [
  pageRow("accidents", "lstm-wasm", [], async (tarball) => {
    const folder = createPage(tarball, { "index.html": html("/accidents.mjs") });
    const report = await openFolder<Accidents>(folder, {
      fallback: true,
      types: { ".wasm": "application/octet-stream" },
    });
    const { type, digests, builds, failures } = expectValue(report);
    assert.equal(type, "application/octet-stream");
    for (const [name, build] of Object.entries(builds)) assert.equal(build, "strict", name);
    assert.deepEqual(Object.keys(failures), Object.keys(EXPECTED));
    for (const [name, [code, message]] of Object.entries(EXPECTED)) {
      assert.equal(failures[name]?.code, code, name);
      assert.match(failures[name]?.message ?? "", message, name);
    }
    const [value, ...others] = Object.values(digests);
    for (const other of others) assert.equal(other, value);
    return { value: String(value), ms: report.ms };
  }),
];

export default rows;
