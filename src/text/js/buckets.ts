// From keys to groups: a stable radix sort of rows by their hashes, and what dedup makes of the runs of equal ones.
import { halvesOf } from "./sets.js";

const RADIX = 256;

/**
 * Rows of `words` 64-bit words in ascending order, the first word the most significant; equal rows stay in order.
 */
function orderRows(hashes: BigUint64Array, words: number): Uint32Array {
  const bytes = new Uint8Array(hashes.buffer, hashes.byteOffset, hashes.byteLength);
  const numRows = hashes.length / words;
  let order = new Uint32Array(numRows);
  for (let row = 0; row < numRows; row += 1) order[row] = row;
  let scratch = new Uint32Array(numRows);
  for (let word = words - 1; word >= 0; word -= 1) {
    for (let digit = 0; digit < 8; digit += 1) {
      if (sortByDigit(bytes, 8 * words, 8 * word + digit, order, scratch)) [order, scratch] = [scratch, order];
    }
  }
  return order;
}

/** False: all rows are alike in this byte, and `out` was not written. */
function sortByDigit(bytes: Uint8Array, rowBytes: number, at: number, order: Uint32Array, out: Uint32Array): boolean {
  const starts = new Uint32Array(RADIX + 1);
  for (let i = 0; i < order.length; i += 1) starts[bytes[order[i]! * rowBytes + at]! + 1]! += 1;
  if (starts.includes(order.length)) return false;
  for (let digit = 0; digit < RADIX; digit += 1) starts[digit + 1]! += starts[digit]!;
  for (let i = 0; i < order.length; i += 1) out[starts[bytes[order[i]! * rowBytes + at]!]!++] = order[i]!;
  return true;
}

function isEqualRow(halves: Uint32Array, width: number, a: number, b: number): boolean {
  for (let i = 0; i < width; i += 1) if (halves[a * width + i] !== halves[b * width + i]) return false;
  return true;
}

/** Calls visit(begin, end) for each run of rows of `order` whose words are equal. */
function forEachRun(
  hashes: BigUint64Array,
  words: number,
  order: Uint32Array,
  visit: (begin: number, end: number) => void,
): void {
  const halves = halvesOf(hashes);
  for (let begin = 0, end = 1; begin < order.length; begin = end, end += 1) {
    while (end < order.length && isEqualRow(halves, 2 * words, order[begin]!, order[end]!)) end += 1;
    visit(begin, end);
  }
}

export function equalGroups(hashes: BigUint64Array): { members: Uint32Array; offsets: Uint32Array } {
  const order = orderRows(hashes, 2);
  const groups: Uint32Array[] = [];
  forEachRun(hashes, 2, order, (begin, end) => {
    if (end - begin > 1) groups.push(order.subarray(begin, end));
  });
  groups.sort((a, b) => a[0]! - b[0]!);
  const offsets = new Uint32Array(groups.length + 1);
  for (const [i, group] of groups.entries()) offsets[i + 1] = offsets[i]! + group.length;
  const members = new Uint32Array(offsets[groups.length]!);
  for (const [i, group] of groups.entries()) members.set(group, offsets[i]!);
  return { members, offsets };
}

export function groupKeys(
  keys: BigUint64Array,
  documents: Uint32Array,
  keyScratch: BigUint64Array,
  documentScratch: Uint32Array,
): number {
  const order = orderRows(keys, 1);
  const [from, to] = [halvesOf(keys), halvesOf(keyScratch)];
  let count = 0;
  forEachRun(keys, 1, order, (begin, end) => {
    if (end - begin < 2) return;
    for (let i = begin; i < end; i += 1) {
      const row = order[i]!;
      to[2 * count] = from[2 * row]!;
      to[2 * count + 1] = from[2 * row + 1]!;
      documentScratch[count] = documents[row]!;
      count += 1;
    }
  });
  keys.set(keyScratch.subarray(0, count));
  documents.set(documentScratch.subarray(0, count));
  return count;
}

export function pairGroups(
  keys: BigUint64Array,
  documents: Uint32Array,
  begin: number,
  maxBucket: number,
  pairs: BigUint64Array,
): { next: number; numPairs: number; crowded: Uint32Array } {
  const keyHalves = halvesOf(keys);
  const pairHalves = halvesOf(pairs);
  const crowded: number[] = [];
  let numPairs = 0;
  let next = begin;
  for (let end = begin; next < documents.length; next = end) {
    while (end < documents.length && isEqualRow(keyHalves, 2, next, end)) end += 1;
    const size = end - next;
    if (size > maxBucket) {
      for (let i = next; i < end; i += 1) crowded.push(documents[i]!);
      continue;
    }
    if (numPairs + (size * (size - 1)) / 2 > pairs.length) break;
    for (let i = next; i < end; i += 1) {
      for (let j = i + 1; j < end; j += 1) {
        pairHalves[2 * numPairs] = documents[j]!;
        pairHalves[2 * numPairs + 1] = documents[i]!;
        numPairs += 1;
      }
    }
  }
  return { next, numPairs, crowded: Uint32Array.from(crowded) };
}

export function orderDocuments(orderKeys: BigUint64Array, contentHashes: BigUint64Array): Uint32Array {
  const rows = new BigUint64Array(3 * orderKeys.length);
  const [to, keys, contents] = [halvesOf(rows), halvesOf(orderKeys), halvesOf(contentHashes)];
  for (let row = 0; row < orderKeys.length; row += 1) {
    for (let half = 0; half < 2; half += 1) to[6 * row + half] = keys[2 * row + half]!;
    for (let half = 0; half < 4; half += 1) to[6 * row + 2 + half] = contents[4 * row + half]!;
  }
  return orderRows(rows, 3);
}
