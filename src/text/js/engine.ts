// The js engine of dedup: everything the native addon does for it, in TypeScript, so that dedup runs where no compiler is.
// Documents, rejections, shingles, hashes and decisions are those of the native engine; signatures are the npm package
// minhash's (docs/decisions/0024-js-engine.md).
import type { NativeJoin } from "../../native/candidates.js";
import {
  type Shingling,
  type SignatureOptions,
  type SignedLines,
  type SignedRows,
  SKETCH_SIZE,
} from "../../native/dedup.js";
import type { ScanOptions, ScanResult } from "../../native/read.js";
import type { DedupEngine } from "../engine.js";
import { equalGroups, groupKeys, orderDocuments, pairGroups } from "./buckets.js";
import { hashBytes, newHash } from "./hashes.js";
import { Join } from "./join.js";
import { formatJsonl } from "./json-lines.js";
import { RecordReader } from "./json-record.js";
import { scanLines } from "./line-scan.js";
import { MinHasher } from "./minhash.js";
import { halvesOf, intersectAbove, intersectSets, selectPart, sortUnique } from "./sets.js";
import { Shingler } from "./shingles.js";
import { createSketchIndex, matchSketches } from "./sketch-index.js";

const EMPTY_SKETCH = 0xffffffff;

function scanJsonl(bytes: Uint8Array, options: ScanOptions): ScanResult {
  const { scores, ...result } = scanLines(bytes, options);
  return result;
}

function signLines(bytes: Uint8Array, read: ScanOptions, options: SignatureOptions): SignedLines {
  const { text, textOffsets, meta, metaOffsets, ...rows } = scanLines(bytes, read);
  return { ...rows, ...signDocuments(text, textOffsets, options), idHashes: hashRows(rows.id, rows.idOffsets) };
}

function signDocuments(text: Uint8Array, offsets: Uint32Array, options: SignatureOptions): SignedRows {
  const numDocuments = offsets.length - 1;
  const signed = {
    numDocuments,
    contentHashes: new BigUint64Array(2 * numDocuments),
    textHashes: new BigUint64Array(numDocuments),
    normalizedBytes: new Uint32Array(numDocuments),
    bandKeys: new BigUint64Array(options.bands * numDocuments),
    sketches: new Uint32Array(SKETCH_SIZE * numDocuments).fill(EMPTY_SKETCH),
  };
  const shingler = new Shingler(options);
  const hasher = new MinHasher(options);
  const contents = halvesOf(signed.contentHashes);
  const texts = halvesOf(signed.textHashes);
  const textHash = newHash();
  for (let row = 0; row < numDocuments; row += 1) {
    const [begin, end] = [offsets[row]!, offsets[row + 1]!];
    const set = shingler.shingle(text.subarray(begin, end));
    const { low, high } = shingler.content;
    contents.set([low.low, low.high, high.low, high.high], 4 * row);
    hashBytes(text, begin, end, textHash);
    texts.set([textHash.low.low, textHash.low.high], 2 * row);
    signed.normalizedBytes[row] = shingler.normalizedBytes;
    hasher.bandKeys(set, signed.bandKeys, row, numDocuments);
    sketch(set, signed.sketches, SKETCH_SIZE * row);
  }
  return signed;
}

/** The upper halves of the least hashes, each once. */
function sketch(set: BigUint64Array, sketches: Uint32Array, begin: number): void {
  const halves = halvesOf(set);
  let at = begin;
  for (let i = 1; i < halves.length && at < begin + SKETCH_SIZE; i += 2) {
    if (at > begin && sketches[at - 1] === halves[i]) continue;
    sketches[at++] = halves[i]!;
  }
}

function hashRows(bytes: Uint8Array, offsets: Uint32Array): BigUint64Array {
  const hashes = new BigUint64Array(2 * (offsets.length - 1));
  const halves = halvesOf(hashes);
  const hash = newHash();
  for (let row = 0; row + 1 < offsets.length; row += 1) {
    hashBytes(bytes, offsets[row]!, offsets[row + 1]!, hash);
    halves.set([hash.low.low, hash.low.high, hash.high.low, hash.high.high], 4 * row);
  }
  return hashes;
}

interface SetRows {
  readonly hashes: BigUint64Array;
  readonly offsets: Uint32Array;
}

function concatenate(sets: readonly BigUint64Array[]): SetRows {
  const offsets = new Uint32Array(sets.length + 1);
  for (const [i, set] of sets.entries()) offsets[i + 1] = offsets[i]! + set.length;
  const hashes = new BigUint64Array(offsets[sets.length]!);
  for (const [i, set] of sets.entries()) hashes.set(set, offsets[i]!);
  return { hashes, offsets };
}

function shingleSets(text: Uint8Array, offsets: Uint32Array, rows: Uint32Array, shingling: Shingling): SetRows {
  const shingler = new Shingler(shingling);
  return concatenate(Array.from(rows, (row) => shingler.shingle(text.subarray(offsets[row], offsets[row + 1]))));
}

function shingleLines(
  bytes: Uint8Array,
  begins: Uint32Array,
  lengths: Uint32Array,
  read: ScanOptions,
  shingling: Shingling,
): SetRows {
  const shingler = new Shingler(shingling);
  const reader = new RecordReader(read);
  const setOf = (begin: number, i: number): BigUint64Array => {
    reader.read(bytes, begin, begin + lengths[i]!);
    return shingler.shingle(reader.text.view());
  };
  return concatenate(Array.from(begins, setOf));
}

/** Opaque to its users, as the native one is. */
const joinOf = (join: NativeJoin): Join => join as unknown as Join;

export const jsEngine: DedupEngine = {
  scanJsonl,
  formatJsonl,
  signLines,
  signDocuments,
  hashRows,
  shingleSets,
  shingleLines,
  selectPart,
  equalGroups,
  groupKeys,
  pairGroups,
  sortUnique,
  orderDocuments,
  intersectSets,
  intersectAbove,
  createJoin: (options) => new Join(options) as unknown as NativeJoin,
  countSets: (join, hashes) => joinOf(join).count(hashes),
  selectSets: (join, hashes, offsets) => joinOf(join).select(hashes, offsets),
  joinSets: (join, numbers, hashes, offsets, put, barred) => joinOf(join).join(numbers, hashes, offsets, put, barred),
  clearJoin: (join) => joinOf(join).clear(),
  createSketchIndex,
  matchSketches,
};
