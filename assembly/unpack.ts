// Not a kernel: the decoder of modules that travel as text (bindings/build.mjs has the rule, bindings/entries/embedded.ts the
// call). A module of its own, because what it decodes is the other one; in JavaScript the loop takes longer than to compile that.

const BASE: i32 = 91;
const SINGLE: i32 = 88;
const FROM: i32 = 82;

/** The digit of a character. */
// @ts-ignore: decorator
@inline
function digit(at: usize): i32 {
  const code = <i32>load<u8>(at);
  return code - 35 - i32(code > 92);
}

/** Turns n characters [n] at address 0, in place, into bytes; answers how many. */
export function unpack(n: usize): usize {
  let to: usize = 0;
  for (let from: usize = 0; from < n; from++) {
    let value = digit(from);
    if (value >= SINGLE) value = SINGLE + BASE * (value - SINGLE) + digit(++from);
    store<u8>(to++, <u8>(FROM - value));
  }
  return to;
}
