// 64-bit columns as numbers: a BigUint64Array makes an object of every element it is asked for.

/** Values below 2^53. */
export function toDoubles(values: BigUint64Array): Float64Array {
  const halves = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
  const doubles = new Float64Array(values.length);
  for (let i = 0; i < doubles.length; i += 1) doubles[i] = halves[2 * i + 1]! * 2 ** 32 + halves[2 * i]!;
  return doubles;
}

/** Whole numbers below 2^53. */
export function fromDoubles(doubles: Float64Array): BigUint64Array {
  const halves = new Uint32Array(doubles.length * 2);
  for (let i = 0; i < doubles.length; i += 1) {
    const value = doubles[i]!;
    // An element takes a number modulo 2^32.
    halves[2 * i] = value;
    halves[2 * i + 1] = value / 2 ** 32;
  }
  return new BigUint64Array(halves.buffer);
}
