// Pages under a strict content security policy, and an extension of Manifest V3, which has it.
import assert from "node:assert/strict";
import { extensionUrl, reportOf } from "../chromium.ts";
import { createPage, html, INSTALLED, openFolder, pageMain, pageRow } from "../page.ts";
import type { Row } from "../row.ts";

const STRICT = "script-src 'self' 'wasm-unsafe-eval'; object-src 'self'";

const files = { "index.html": html("/main.js"), "main.js": pageMain(INSTALLED) };
const under = (policy: string) => ({ headers: { "content-security-policy": policy } });

const rows: Row[] = [
  pageRow("strict CSP", "lstm-wasm", [], async (tarball) => {
    const folder = createPage(tarball, files);
    // Without the word in the policy, one sentence says which it is.
    const { error } = await openFolder<string>(folder, under("script-src 'self'"));
    assert.equal(error?.code, "ERR_COMPILE");
    assert.match(error.message, /^host: [^.]*the CSP script-src 'wasm-unsafe-eval'[^.]*$/);
    return await openFolder(folder, under(`default-src 'self'; ${STRICT}`));
  }),
  pageRow("extension (MV3)", "lstm-wasm", [], async (tarball) => {
    const policy = { extension_pages: STRICT };
    const manifest = { manifest_version: 3, name: "lstm-wasm", version: "1", content_security_policy: policy };
    const folder = createPage(tarball, { ...files, "manifest.json": JSON.stringify(manifest) });
    return await reportOf(extensionUrl(folder, "index.html"), { extension: folder });
  }),
];

export default rows;
