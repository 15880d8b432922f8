import { allocate, free } from "../memory";

const SIZES: i32[] = [1, 4, 15, 16, 17, 1000, 65536, 300000];

describe("allocate", () => {
  test("gives aligned blocks that do not touch", () => {
    const blocks: usize[] = [];
    let aligned = true;
    for (let k = 0; k < SIZES.length; k++) {
      const block = allocate(<usize>SIZES[k]);
      if (block == 0 || (block & 15) != 0) aligned = false;
      memory.fill(block, <u8>k, <usize>SIZES[k]);
      blocks.push(block);
    }
    let intact = true;
    for (let k = 0; k < SIZES.length; k++) {
      for (let j = 0; j < SIZES[k]; j++) if (load<u8>(blocks[k] + j) != <u8>k) intact = false;
    }
    expect<bool>(aligned).toBe(true);
    expect<bool>(intact).toBe(true);
    for (let k = 0; k < SIZES.length; k++) free(blocks[k]);
  });

  test("memory does not grow when blocks come and go", () => {
    free(allocate(300000));
    const pages = memory.size();
    for (let k = 0; k < 1000; k++) {
      const a = allocate(<usize>SIZES[k % 8]);
      const b = allocate(<usize>SIZES[(3 * k) % 8] / 2);
      free(a);
      free(b);
    }
    expect<i32>(memory.size()).toBe(pages);
  });
});
