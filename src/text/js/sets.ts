// Sets of 64-bit hashes, ascending, each once, and rows of hashes. Words are compared by their 32-bit halves: reading an
// element of a BigUint64Array makes a BigInt.
import { intersectionSize, leastOverlap } from "./jaccard.js";

/** Low before high, word after word. */
export function halvesOf(words: BigUint64Array): Uint32Array {
  return new Uint32Array(words.buffer, words.byteOffset, 2 * words.length);
}

/** Moves one of each value of sorted ones to the front; returns how many. */
export function dropRepeats(sorted: BigUint64Array): number {
  const halves = halvesOf(sorted);
  let kept = 0;
  for (let i = 0; i < sorted.length; i += 1) {
    const [low, high] = [halves[2 * i]!, halves[2 * i + 1]!];
    if (kept > 0 && halves[2 * kept - 2] === low && halves[2 * kept - 1] === high) continue;
    halves[2 * kept] = low;
    halves[2 * kept + 1] = high;
    kept += 1;
  }
  return kept;
}

export function sortUnique(values: BigUint64Array): number {
  return dropRepeats(values.sort());
}

export function intersectSets(hashes: BigUint64Array, offsets: Uint32Array, pairs: Uint32Array): Uint32Array {
  const halves = halvesOf(hashes);
  const range = (set: number) => ({ halves, begin: offsets[set]!, end: offsets[set + 1]! });
  const common = new Uint32Array(pairs.length / 2);
  for (let i = 0; i < common.length; i += 1) {
    common[i] = intersectionSize(range(pairs[2 * i]!), range(pairs[2 * i + 1]!));
  }
  return common;
}

export function intersectAbove(
  hashes: BigUint64Array,
  offsets: Uint32Array,
  pairs: Uint32Array,
  numerator: number,
  denominator: number,
): Uint32Array {
  const sizeOf = (set: number): number => offsets[set + 1]! - offsets[set]!;
  return intersectSets(hashes, offsets, pairs).map((common, i) => {
    const needed = leastOverlap(sizeOf(pairs[2 * i]!), sizeOf(pairs[2 * i + 1]!), { numerator, denominator });
    return common >= needed ? common : 0;
  });
}

export function selectPart(
  hashes: BigUint64Array,
  words: 1 | 2,
  part: number,
  parts: number,
  firstDocument: number,
  excluded: Uint8Array,
  outHashes: BigUint64Array,
  outDocuments: Uint32Array,
  at: number,
): number {
  const width = 2 * words;
  const [from, to] = [halvesOf(hashes), halvesOf(outHashes)];
  let row = at;
  for (let begin = 0, document = firstDocument; begin < from.length; begin += width, document += 1) {
    if (Math.floor((from[begin + width - 1]! * parts) / 2 ** 32) !== part) continue;
    // Beyond an empty bitmap nobody is excluded.
    if (((excluded[document >>> 3]! >> (document & 7)) & 1) === 1) continue;
    for (let i = 0; i < width; i += 1) to[row * width + i] = from[begin + i]!;
    outDocuments[row] = document;
    row += 1;
  }
  return row;
}
