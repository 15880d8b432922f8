// Blocks of linear memory. Kernels never allocate: the bindings ask for blocks here, once per plan.

/** A block of `bytes`, 16-byte aligned, never at address 0; contents undefined. Traps when memory cannot grow. */
export function allocate(bytes: usize): usize {
  return heap.alloc(bytes);
}

/** Gives back a block of `allocate`. */
export function free(block: usize): void {
  heap.free(block);
}
