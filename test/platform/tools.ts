// Bundlers and the browser's driver: test/platform/package.json brings them, and they are loaded only when a row wants them.
import { existsSync } from "node:fs";
import { here } from "./row.ts";

export const tool = async <T>(name: string): Promise<T> => import(name);

/** For `missing` of rows: the first of some tools that is not there. */
export function whereAreTools(...names: readonly string[]): string | undefined {
  const absent = names.find((name) => !existsSync(here(`node_modules/${name}/package.json`)));
  return absent && `no ${absent}`;
}
