// The command as it was called, for hints that are copied into a shell.
import { basename, delimiter, dirname, relative, resolve, sep } from "node:path";

/** What a process was called by. */
export interface Call {
  /** The file that runs, as it was named. */
  readonly file: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

const own = (): Call => ({ file: process.argv[1] as string, env: process.env, cwd: process.cwd() });

/** A line that runs this command with other arguments, the way it was called: by npx, by a name on PATH, or by a path. */
export function commandLine(args: readonly string[], call = own()): string {
  return [...caller(call), ...args].map(quote).join(" ");
}

function caller({ file, env, cwd }: Call): string[] {
  const folders = dirname(file).split(sep);
  // On Windows a package's command is not a link in .bin.
  const ofPackage = folders.at(-1) === ".bin" || env.npm_command === "exec";
  if (ofPackage && folders.includes("node_modules")) return ["npx", "lstm-wasm"];
  const onPath = (env.PATH ?? "").split(delimiter).some((folder) => folder && resolve(folder) === dirname(file));
  if (onPath && basename(file) === "lstm-wasm") return ["lstm-wasm"];
  const path = relative(cwd, file);
  return ["node", path.startsWith("..") ? file : path];
}

const quote = (text: string): string => (/^[\w./:=,@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
