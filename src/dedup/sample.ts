// Phase "sample" (one task): draws documents uniformly, the same for any order of the input, and finds the pairs that they
// make with the whole corpus, by sketches instead of bands. Phase "statistics" measures recall on these pairs.
import { withSpill, writeSpill } from "../formats/spill.js";
import { SKETCH_SIZE } from "../native/dedup.js";
import type { NativeSketchIndex } from "../native/sketch-join.js";
import type { Phase, PhaseContext, TaskContext, TaskResult } from "../records/stage.js";
import { type DedupEngine, type EngineName, engineOf } from "../text/engine.js";
import { Bitmap } from "./bitmap.js";
import { CandidatePool, levelLimit } from "./candidate-pool.js";
import type { DedupConfig } from "./config.js";
import { LeastKeys } from "./least-keys.js";
import { type Limits, limitsOf } from "./limits.js";
import { type Numbering, numberingOf } from "./numbering.js";
import { Scratch } from "./scratch.js";
import { ContentHasher, hashOfPair } from "./seeded-hash.js";
import { readExcluded, spillPath } from "./spills.js";

/** Of documents; a hundredth of them in between. */
const MAX_SAMPLED = 10_000;
const MAX_COMPARED = 20_000;
/** Compared documents are read again, two a pair: what that may cost, in bytes and as a part of the corpus. */
const COMPARED_BYTES = 2 ** 24;
const COMPARED_SHARE = 0.01;
/** Documents whose shingles are counted to find boilerplate. */
const MAX_READ = 500;
const READ_BYTES = 2 ** 22;
const READ_SHARE = 0.002;
/** Values in common are counted at some 5 ns each: for every so many bytes of input there may be one. */
const BYTES_A_MATCH = 512;
const MIN_MATCHES = 2 ** 20;

const PURPOSE_SAMPLE = 1;
const PURPOSE_PARTNER = 2;
const ROWS_A_WINDOW = 2 ** 14;
const ALL = 2 ** 32;

export const SAMPLE = "all";

interface SampleArgs {
  readonly numbering: Numbering;
  readonly foldParts: number;
  readonly engine: EngineName;
  readonly seed: number;
  readonly threshold: number;
  readonly numSampled: number;
  readonly numCompared: number;
  readonly numRead: number;
  readonly maxMatches: number;
}

/** How the sample was drawn and joined. */
export type SampleSummary = {
  readonly sampled: number;
  readonly representatives: number;
  /** See CandidatePairs. */
  readonly level: number;
  readonly candidates: number;
  readonly taken: number;
  readonly compared: number;
  /** Of the other documents, by a hash of their content. */
  readonly shareOfDocuments: number;
};

export const samplePhase = (overrides: Partial<Limits>): Phase<DedupConfig> => ({
  name: "sample",
  kind: "reduce",
  plan(context) {
    const { engine, seed, threshold } = context.config;
    const { minSampled, minCompared } = limitsOf(context.config, overrides);
    const numbering = numberingOf(context);
    const numBytes = sumOf(context, "bytes_read");
    const bytesADocument = Math.max(1, numBytes / Math.max(1, numbering.numDocuments));
    const hundredth = Math.ceil(numbering.numDocuments / 100);
    const compared = Math.max(COMPARED_BYTES, COMPARED_SHARE * numBytes) / (2 * bytesADocument);
    const read = Math.max(READ_BYTES, READ_SHARE * numBytes) / bytesADocument;
    const args: SampleArgs = {
      numbering,
      foldParts: context.results("fold").length,
      engine,
      seed,
      threshold,
      numSampled: Math.max(minSampled, Math.min(hundredth, MAX_SAMPLED)),
      numCompared: Math.max(minCompared, Math.min(Math.floor(compared), MAX_COMPARED)),
      numRead: Math.max(1, Math.min(Math.floor(read), MAX_READ)),
      maxMatches: Math.max(MIN_MATCHES, Math.floor(numBytes / BYTES_A_MATCH)),
    };
    return [{ id: SAMPLE, run: "dedup/sample", args: args as never }];
  },
});

function sumOf(context: PhaseContext<DedupConfig>, count: string): number {
  return context.results("signatures").reduce((sum, { counts }) => sum + (counts[count] ?? 0), 0);
}

/** Sampled documents, ascending; the other columns are of the same rows. */
interface Sample {
  readonly documents: Uint32Array;
  /** The hash that decides who is whose partner. */
  readonly hashes: Uint32Array;
  /** Documents in the order in which they were drawn: any beginning of it is a uniform sample too. */
  readonly drawn: Uint32Array;
  readonly representatives: number;
}

export async function sampleDocuments(args: SampleArgs, { workDir }: TaskContext): Promise<TaskResult> {
  const { numbering, foldParts, threshold, numCompared, numRead, maxMatches } = args;
  const engine = engineOf(args.engine);
  const excluded = readExcluded(workDir, numbering.numDocuments, foldParts);
  return Scratch.use(async (scratch) => {
    const corpus = { workDir, numbering, excluded, scratch, partner: new ContentHasher(args.seed, PURPOSE_PARTNER) };
    const sample = drawSample(corpus, new ContentHasher(args.seed, PURPOSE_SAMPLE), args.numSampled);
    const sketches = readSketches(corpus, sample.documents);
    const expected = matchesADocument(sketches) * sample.representatives;
    const share = Math.min(1, maxMatches / Math.max(1, expected));
    const pool = new CandidatePool(numCompared, levelLimit(threshold));
    joinSample(corpus, sample, engine, engine.createSketchIndex(sketches), Math.round(share * ALL), pool);

    const { places, others, level, candidates, taken } = pool.pairs();
    const pairs = new BigUint64Array(places.length);
    const halves = new Uint32Array(pairs.buffer);
    const read = sample.drawn.subarray(0, numRead);
    const members = new Bitmap(numbering.numDocuments).addAll(others).addAll(read);
    for (const [i, place] of places.entries()) {
      const document = sample.documents[place]!;
      halves[2 * i] = others[i]!;
      halves[2 * i + 1] = document;
      members.add(document);
    }
    engine.sortUnique(pairs);
    const columns = { documents: sample.documents, pairs, read: read.slice().sort(), members: members.bits };
    const data: SampleSummary = {
      sampled: sample.documents.length,
      representatives: sample.representatives,
      level,
      candidates,
      taken,
      compared: pairs.length,
      shareOfDocuments: share,
    };
    return { outputs: [await writeSpill(spillPath(workDir, "sample", SAMPLE), "sample", columns)], counts: {}, data };
  });
}

interface Corpus {
  readonly workDir: string;
  readonly numbering: Numbering;
  readonly excluded: Bitmap;
  readonly scratch: Scratch;
  readonly partner: ContentHasher;
}

interface Window {
  /** Of its first row. */
  readonly document: number;
  readonly numRows: number;
  /** Fills a reused buffer; u64 columns as 32-bit halves. */
  contentHalves(): Uint32Array;
  sketches(): Uint32Array;
}

/** All documents, some at a time. */
function forEachWindow({ workDir, numbering, scratch }: Corpus, use: (window: Window) => void): void {
  const words = scratch.u64("column", 2 * ROWS_A_WINDOW);
  const values = scratch.u32("documents", SKETCH_SIZE * ROWS_A_WINDOW);
  for (const { id, base, numDocuments } of numbering.blocks) {
    if (numDocuments === 0) continue;
    withSpill(spillPath(workDir, "signatures", id), "signatures", (spill) => {
      for (let row = 0; row < numDocuments; row += ROWS_A_WINDOW) {
        const numRows = Math.min(ROWS_A_WINDOW, numDocuments - row);
        use({
          document: base + row,
          numRows,
          contentHalves() {
            const hashes = spill.readInto("contentHashes", 2 * row, words.subarray(0, 2 * numRows));
            return new Uint32Array(hashes.buffer, hashes.byteOffset, 4 * numRows);
          },
          sketches: () => spill.readInto("sketches", SKETCH_SIZE * row, values.subarray(0, SKETCH_SIZE * numRows)),
        });
      }
    });
  }
}

/** The representatives with the least hashes of their contents. */
function drawSample(corpus: Corpus, order: ContentHasher, numSampled: number): Sample {
  const { excluded, partner } = corpus;
  const least = new LeastKeys(numSampled);
  let representatives = 0;
  forEachWindow(corpus, ({ document, numRows, contentHalves }) => {
    const halves = contentHalves();
    for (let row = 0; row < numRows; row += 1) {
      if (excluded.has(document + row)) continue;
      representatives += 1;
      // 53 bits, so that no two of a corpus are equal, as good as; the lower ones only where the upper ones leave it open.
      const upper = order.upper(halves, 4 * row) * 2 ** 21;
      if (upper > least.cutoff) continue;
      least.add(upper + (order.lower(halves, 4 * row) >>> 11), document + row, partner.upper(halves, 4 * row));
    }
  });
  const { keys, first, second } = least.rows();
  const byDocument = first.map((_, i) => i).sort((a, b) => first[a]! - first[b]!);
  const byKey = byDocument.slice().sort((a, b) => keys[a]! - keys[b]!);
  return {
    documents: byDocument.map((i) => first[i]!),
    hashes: byDocument.map((i) => second[i]!),
    drawn: byKey.map((i) => first[i]!),
    representatives,
  };
}

/** SKETCH_SIZE values a document; `documents` ascending. */
function readSketches({ workDir, numbering }: Corpus, documents: Uint32Array): Uint32Array {
  const sketches = new Uint32Array(documents.length * SKETCH_SIZE);
  let next = 0;
  for (const { id, base, numDocuments } of numbering.blocks) {
    if (next === documents.length || documents[next]! >= base + numDocuments) continue;
    withSpill(spillPath(workDir, "signatures", id), "signatures", (spill) => {
      for (; next < documents.length && documents[next]! < base + numDocuments; next += 1) {
        const target = sketches.subarray(next * SKETCH_SIZE, (next + 1) * SKETCH_SIZE);
        spill.readInto("sketches", (documents[next]! - base) * SKETCH_SIZE, target);
      }
    });
  }
  return sketches;
}

/**
 * How many values any document has in common with the sketches of sampled ones, about: known from the sample, in which a value
 * that n of its documents have meets n - 1 others.
 */
function matchesADocument(sketches: Uint32Array): number {
  const numOthers = sketches.length / SKETCH_SIZE - 1;
  const values = sketches.slice().sort();
  let matches = 0;
  for (let begin = 0; begin < values.length && values[begin] !== 0xffffffff; ) {
    let end = begin + 1;
    while (values[end] === values[begin]) end += 1;
    matches += (end - begin) * (end - begin - 1);
    begin = end;
  }
  return numOthers < 1 ? 0 : matches / numOthers;
}

/** Offers the pool all pairs of sampled documents with documents whose hash is below the limit. */
function joinSample(
  corpus: Corpus,
  sample: Sample,
  engine: DedupEngine,
  index: NativeSketchIndex,
  hashLimit: number,
  pool: CandidatePool,
): void {
  const { excluded, partner } = corpus;
  const taken = new Uint8Array(ROWS_A_WINDOW);
  forEachWindow(corpus, ({ document, numRows, contentHalves, sketches }) => {
    const isThinned = hashLimit < ALL;
    let halves = isThinned ? contentHalves() : undefined;
    for (let row = 0; row < numRows; row += 1) {
      const isPartner = halves === undefined || partner.upper(halves, 4 * row) < hashLimit;
      taken[row] = isPartner && !excluded.has(document + row) ? 1 : 0;
    }
    const matches = engine.matchSketches(index, sketches(), taken.subarray(0, numRows), pool.floor);
    if (matches.length === 0) return;
    halves ??= contentHalves();
    for (let i = 0; i < matches.length; i += 3) {
      const [place, row, level] = [matches[i]!, matches[i + 1]!, matches[i + 2]!];
      if (sample.documents[place] === document + row) continue;
      const hash = hashOfPair(partner.upper(halves, 4 * row), sample.hashes[place]!);
      pool.add(level, hash, place, document + row);
    }
  });
}
