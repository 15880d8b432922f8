// A file is written whole or not at all, and says why not.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileError } from "lstm-wasm";
import { writeFileAtomic } from "lstm-wasm/node";
import { afterAll, beforeEach, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "lstm-wasm-"));
const file = join(folder, "checkpoint");
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => writeFileSync(file, "old"));

/** What stands there afterwards. */
const left = () => ({ names: readdirSync(folder), content: readFileSync(file, "utf8") });

test("takes the place of what was there", async () => {
  await writeFileAtomic(file, new TextEncoder().encode("new"));
  expect(left()).toEqual({ names: ["checkpoint"], content: "new" });
});

test("a folder that is not there, a folder in its place", async () => {
  const missing = join(folder, "nowhere", "file");
  await expect(writeFileAtomic(missing, "new")).rejects.toMatchObject({
    code: "ERR_FILE",
    message: `${missing}: expected a file that can be written, got no such file or folder`,
  });
  const taken = join(folder, "taken");
  mkdirSync(taken);
  await expect(writeFileAtomic(taken, "new")).rejects.toThrow(
    `${taken}: expected a file that can be written, got a folder`,
  );
  expect(readdirSync(folder)).toEqual(["checkpoint", "taken"]);
  rmSync(taken, { recursive: true });
});

test("a folder that is read-only: the old file stays", async () => {
  chmodSync(folder, 0o555);
  // Root may write anywhere.
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65534);
  try {
    const error = await writeFileAtomic(file, "new").catch((thrown) => thrown);
    expect(error).toBeInstanceOf(FileError);
    expect(error.message).toBe(`${file}: expected a file that can be written, got no permission`);
  } finally {
    if (isRoot) process.seteuid?.(0);
    chmodSync(folder, 0o755);
  }
  expect(left()).toEqual({ names: ["checkpoint"], content: "old" });
});

test.skipIf(process.platform === "win32")("a disk that is full in the middle: the old file stays", () => {
  // Files of this process may not be longer than 64 blocks.
  const code = `
    import { writeFileAtomic } from ${JSON.stringify(new URL("../bindings/node.ts", import.meta.url).href)};
    process.on("SIGXFSZ", () => {});
    await writeFileAtomic(${JSON.stringify(file)}, new Uint8Array(1_000_000)).catch(({ code }) => console.log(code));`;
  const said = execFileSync("sh", [
    "-c",
    'ulimit -f 64; exec "$@"',
    "sh",
    process.execPath,
    "--input-type=module",
    "-e",
    code,
  ]);
  expect(said.toString()).toBe("ERR_FILE\n");
  expect(left()).toEqual({ names: ["checkpoint"], content: "old" });
});
