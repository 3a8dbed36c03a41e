// The generator of random numbers that the scripts of this folder have too (xorshift32.py): equal seeds, equal texts.

/** Of a seed that is not 0: a function that draws a number below its argument. */
export function xorshift32(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
