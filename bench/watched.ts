// Kernels that are watched: calls into the module, and the bytes that the bindings hold of its memory.
import { Core } from "lstm-wasm";

export interface Watch {
  readonly core: Core;
  /** Calls into the module so far. */
  readonly calls: number;
  /** Bytes of all blocks in use, as they were asked for. */
  readonly bytes: number;
}

/** A core over the kernels of another, whose every call is counted. */
export function watch({ abi, build }: Core): Watch {
  const sizes = new Map<number, number>();
  let calls = 0;
  const counted = Object.fromEntries(
    Object.entries(abi).map(([name, member]) => {
      if (typeof member !== "function") return [name, member];
      const call = member as (...args: number[]) => number;
      return [
        name,
        (...args: number[]) => {
          calls++;
          const answer = call(...args);
          if (name === "allocate") sizes.set(answer, args[0] as number);
          if (name === "free") sizes.delete(args[0] as number);
          return answer;
        },
      ];
    }),
  );
  return {
    core: new Core(counted as unknown as Core["abi"], build),
    get calls() {
      return calls;
    },
    get bytes() {
      return [...sizes.values()].reduce((sum, size) => sum + size, 0);
    },
  };
}

/** Address of the struct that a stream's step hands to the kernel, found by listening to one call; `use` makes the stream on the core it is given. */
export function listen({ abi, build }: Core, use: (core: Core) => void): number {
  let heard = 0;
  const recurrentStep = (sequence: number) => {
    heard = sequence;
    abi.recurrentStep(sequence);
  };
  const members = { ...abi, recurrentStep };
  use(new Core(members, build));
  members.recurrentStep = abi.recurrentStep;
  return heard;
}
