// A GRU filters audio on the audio thread, sample by sample: offline for the bits, in real time for the deadlines.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { build } from "esbuild";
import { expectValue } from "../chromium.ts";
import { createPage, html, openFolder, pageRow } from "../page.ts";
import { digestIn, execute, type Row } from "../row.ts";

/** What the processor counted in a stretch of real time. */
interface Stretch {
  readonly quanta: number;
  /** Quanta that were left out, and quanta that took longer than they last. */
  readonly skipped: number;
  readonly late: number;
  /** Gaps that the engine heard in its output; null where it does not tell. */
  readonly underruns: number | null;
  /** Of the time, in the processor. */
  readonly share: number;
}

interface Audio {
  readonly digest: string;
  readonly audio: string;
  readonly offline: { readonly exact: boolean; readonly ms: number };
  readonly stretches: readonly (Stretch & { readonly exact: boolean })[];
  readonly burning: Stretch;
}

/** The same filter over the same noise, in Node. */
const NODE = `import * as api from "lstm-wasm";
import { digestOf, filter, noise, RATE } from "./audio-filter.mjs";
console.log(await digestOf(filter(api, await api.load(), noise(RATE))));
`;

const rows: Row[] = [
  pageRow("AudioWorklet", "lstm-wasm/core.wasm", [], async (tarball) => {
    const folder = createPage(tarball, { "index.html": html("/out/audio-page.js"), "node.mjs": NODE });
    const entryPoints = ["audio-page.mjs", "audio-worklet.mjs"];
    const { metafile } = await build({
      ...{ absWorkingDir: folder, entryPoints, outdir: "out", bundle: true, minify: true, format: "esm" },
      ...{ metafile: true, tsconfigRaw: {} },
    });
    // Nothing to load at run time.
    assert.deepEqual(metafile.outputs["out/audio-worklet.js"]?.imports, []);
    assert.doesNotMatch(
      readFileSync(`${folder}/out/audio-worklet.js`, "utf8"),
      /\b(fetch|atob|import)\(|new (URL|TextDecoder)\b/,
    );

    const report = await openFolder<Audio>(folder);
    const { digest, audio, offline, stretches, burning } = expectValue(report);
    const { stdout } = await execute(process.execPath, ["node.mjs"], folder);
    assert.equal(audio, digestIn(stdout), "the bits of the audio thread are those of Node");
    assert.ok(offline.exact, "one call of forward and the offline context give the same bits");
    for (const { exact } of stretches)
      assert.ok(exact, "one call of forward and the real-time context give the same bits");
    const { late, skipped, underruns, share, quanta } = stretches.at(-1) as Stretch;
    assert.ok(
      late === 0 && skipped === 0 && !underruns,
      `no glitch: ${late} late, ${skipped} skipped of ${quanta} quanta, ${underruns} underruns; ${(100 * share).toFixed(1)} % of the time`,
    );
    assert.ok(burning.late > 0.9 * burning.quanta, "a processor that burns 5 ms a quantum is seen to be late");
    return { value: digest, ms: report.ms };
  }),
];

export default rows;
