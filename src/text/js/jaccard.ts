// Bounds on overlaps of sets against a threshold n / d, in integers, and the size of an intersection.

export interface Ratio {
  readonly numerator: number;
  readonly denominator: number;
}

/** The least overlap that puts sets of these sizes above the threshold; it may exceed both: then no overlap does. */
export function leastOverlap(a: number, b: number, { numerator, denominator }: Ratio): number {
  return Math.floor((numerator * (a + b)) / (numerator + denominator)) + 1;
}

/** The same with a set of any size. */
export function leastOverlapWithAny(a: number, { numerator, denominator }: Ratio): number {
  return Math.floor((numerator * a) / denominator) + 1;
}

/** Words [begin, end) of hashes in halves, low before high: a set in ascending order. */
export interface HalvesRange {
  readonly halves: Uint32Array;
  readonly begin: number;
  readonly end: number;
}

export function intersectionSize(a: HalvesRange, b: HalvesRange): number {
  const [halvesA, halvesB] = [a.halves, b.halves];
  let common = 0;
  for (let i = a.begin, j = b.begin; i < a.end && j < b.end; ) {
    const high = halvesA[2 * i + 1]! - halvesB[2 * j + 1]!;
    const order = high === 0 ? halvesA[2 * i]! - halvesB[2 * j]! : high;
    if (order <= 0) i += 1;
    if (order >= 0) j += 1;
    if (order === 0) common += 1;
  }
  return common;
}
