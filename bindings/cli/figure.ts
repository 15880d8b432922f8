/** A number with so many decimals; where these would show less than two digits of it, or it is huge, with three digits. */
export function figure(value: number, decimals = 3): string {
  const size = Math.abs(value);
  const fits = value === 0 || (size >= 10 ** (1 - decimals) && size < 1e15);
  return fits ? value.toFixed(decimals) : value.toPrecision(3);
}
