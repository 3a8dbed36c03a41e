// The crowd: documents whose pairs among themselves are found by an exact join instead of band by band. Here it is counted
// which shingles they share, most of the crowd is dismissed (documents with too many shingles of their own have no partner
// above the threshold), and the rest is put into the total order.
import { Spill } from "../formats/spill.js";
import type { NativeJoin } from "../native/candidates.js";
import type { DedupEngine } from "../text/engine.js";
import type { Bitmap } from "./bitmap.js";
import type { Limits } from "./limits.js";
import type { Numbering } from "./numbering.js";
import { type RecordShape, RunWriter } from "./runs.js";
import type { Scratch } from "./scratch.js";
import { copyKey, KEY_WORDS, type ShingledRows, shingledRows } from "./set-reader.js";
import { spillPath } from "./spills.js";
import type { Ratio } from "./threshold.js";

/** Key of the document, the document, its block's place in the numbering, offset and size of its set there. */
export const MEMBER: RecordShape = { keyWords: KEY_WORDS, words: KEY_WORDS + 4 };

const MIN_COUNTER_BITS = 10;
/** Two-bit counters for each shingle: the more, the fewer are taken for shared that are not. */
const COUNTERS_A_SHINGLE = 4;

export interface Crowd {
  /** Counted. */
  readonly join: NativeJoin;
  /** A file of runs of MEMBER: those that may have a partner. */
  readonly path: string;
}

export interface CrowdOptions {
  readonly workDir: string;
  readonly numbering: Numbering;
  /** Blocks with spilled shingle sets. */
  readonly shingled: readonly string[];
  readonly members: Bitmap;
  readonly threshold: Ratio;
  readonly limits: Limits;
  readonly engine: DedupEngine;
}

export async function prepareCrowd(options: CrowdOptions, scratch: Scratch): Promise<Crowd> {
  const { workDir, threshold, limits, engine } = options;
  const join = engine.createJoin({ ...threshold, ...counterBits(options), capacityBytes: limits.joinBytes });
  for (const { hashes } of memberSets(options, scratch)) engine.countSets(join, hashes);

  const path = spillPath(workDir, "runs", "crowd");
  const writer = await RunWriter.open(path, "runs", MEMBER, limits.recordsARun, engine);
  try {
    const record = new Uint32Array(MEMBER.words);
    for (const { block, rows, begin, hashes, offsets } of memberSets(options, scratch)) {
      const selected = engine.selectSets(join, hashes, offsets);
      for (let i = 0; i < selected.length; i += 1) {
        if (selected[i] === 0) continue;
        const row = begin + i;
        copyKey(rows, row, record, 0);
        record[KEY_WORDS] = rows.documents[row]!;
        record[KEY_WORDS + 1] = block;
        record[KEY_WORDS + 2] = rows.offsets[row]!;
        record[KEY_WORDS + 3] = rows.offsets[row + 1]! - rows.offsets[row]!;
        writer.push(record);
        if (writer.isFull) await writer.flush();
      }
    }
    await writer.finish();
  } catch (error) {
    await writer.abort();
    throw error;
  }
  return { join, path };
}

function counterBits(options: CrowdOptions): { readonly seenBits: number; readonly counterBits: number } {
  let numShingles = 1;
  for (const { rows, begin, end } of memberRows(options, Number.POSITIVE_INFINITY)) {
    numShingles += rows.offsets[end]! - rows.offsets[begin]!;
  }
  const bits = (counters: number, most: number): number =>
    Math.min(Math.max(Math.ceil(Math.log2(counters)), MIN_COUNTER_BITS), most);
  const { maxSeenBits, maxCounterBits } = options.limits;
  return {
    seenBits: bits(numShingles * COUNTERS_A_SHINGLE, maxSeenBits),
    counterBits: bits(numShingles / COUNTERS_A_SHINGLE, maxCounterBits),
  };
}

interface MemberRows {
  readonly block: number;
  readonly spill: Spill;
  readonly rows: ShingledRows;
  /** Rows [begin, end) are members. */
  readonly begin: number;
  readonly end: number;
}

/** Neighbouring members with at most `maxShingles` together, or one, in the order of the files. */
function* memberRows(
  { workDir, numbering, shingled, members }: CrowdOptions,
  maxShingles: number,
): Generator<MemberRows> {
  const isShingled = new Set(shingled);
  for (const [block, { id }] of numbering.blocks.entries()) {
    if (!isShingled.has(id)) continue;
    const spill = Spill.open(spillPath(workDir, "shingles", id), "shingles");
    try {
      for (const rows of shingledRows(spill)) {
        for (let begin = 0; begin < rows.documents.length; ) {
          const end = endOfMembers(rows, begin, members, maxShingles);
          if (end > begin) yield { block, spill, rows, begin, end };
          begin = Math.max(end, begin + 1);
        }
      }
    } finally {
      spill.close();
    }
  }
}

function endOfMembers(
  { documents, offsets }: ShingledRows,
  begin: number,
  members: Bitmap,
  maxShingles: number,
): number {
  let end = begin;
  while (end < documents.length && members.has(documents[end]!)) {
    if (end > begin && offsets[end + 1]! - offsets[begin]! > maxShingles) break;
    end += 1;
  }
  return end;
}

interface MemberSets extends MemberRows {
  readonly hashes: BigUint64Array;
  /** From 0. */
  readonly offsets: Uint32Array;
}

/** The same with their sets, valid until the next are asked for. */
function* memberSets(options: CrowdOptions, scratch: Scratch): Generator<MemberSets> {
  for (const member of memberRows(options, options.limits.shinglesABatch)) {
    const { spill, rows, begin, end } = member;
    const first = rows.offsets[begin]!;
    const offsets = rows.offsets.subarray(begin, end + 1).map((offset) => offset - first);
    const hashes = spill.readInto("hashes", first, scratch.u64("sets", offsets[offsets.length - 1]!));
    yield { ...member, hashes, offsets };
  }
}
