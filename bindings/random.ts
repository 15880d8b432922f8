// Streams of random numbers of one seed: below INIT_STREAM the parameters' uniform ones, from there other initial values,
// and from 2^31 on what training draws.

/** @internal The first stream of initial values other than uniform ones. */
export const INIT_STREAM = 2 ** 30;

/** @internal How many streams of its own each pass has. */
export const STREAMS_OF_PASS = 2 ** 11;

/** @internal The first stream of pass number `draws`; they come round after 2^20 passes. */
export const passStream = (draws: number): number => 2 ** 31 + (draws % 2 ** 20) * STREAMS_OF_PASS;

/** @internal Φ(−2), the probability that a normal variable is more than two deviations below its mean. */
export const BEYOND_TWO_DEVIATIONS = 0.02275013194817921;
