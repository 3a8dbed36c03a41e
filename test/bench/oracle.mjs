// The truth that dedup is judged by: all pairs of a corpus with an exact Jaccard similarity above 0.7 in the word 5-grams of
// docs/formats/dedup.md, found by a join over all documents (no bands, no signatures), and what the removals of a tool make of
// them.
import { readFileSync } from "node:fs";
import { native } from "../../dist/native.js";
import { shinglesOf as stringShingles } from "./peers/npm-minhash.mjs";
import { pairsAbove } from "./set-join.mjs";

export const SHINGLING = { unit: "word", size: 5 };
export const THRESHOLD = { numerator: 7, denominator: 10 };
const isAbove = (common, union) => THRESHOLD.denominator * common > THRESHOLD.numerator * union;
const DOCUMENTS_A_CALL = 4096;
const NEWLINE = 0x0a;

/** {id, text} of each line. */
export function* readDocuments(path) {
  const bytes = readFileSync(path);
  for (let begin = 0; begin < bytes.length; ) {
    const found = bytes.indexOf(NEWLINE, begin);
    const end = found < 0 ? bytes.length : found;
    const { id, text } = JSON.parse(bytes.toString("utf8", begin, end));
    yield { id, text };
    begin = end + 1;
  }
}

/** UTF-8 of texts one after another, as the native functions take them. */
export function packTexts(texts) {
  const chunks = texts.map((text) => Buffer.from(text));
  const offsets = new Uint32Array(texts.length + 1);
  for (const [i, chunk] of chunks.entries()) offsets[i + 1] = offsets[i] + chunk.length;
  return { text: new Uint8Array(Buffer.concat(chunks)), offsets };
}

/** The shingle set of each text, ascending hashes; one view a text. */
export function shingleSetsOf(texts) {
  const { text, offsets } = packTexts(texts);
  const rows = Uint32Array.from(texts.keys());
  const found = native().shingleSets(text, offsets, rows, SHINGLING);
  return texts.map((_, row) => found.hashes.subarray(found.offsets[row], found.offsets[row + 1]));
}

/** The oracle's pairs of a JSONL file, [id, id, similarity]. */
export function oracleOfFile(path) {
  const [ids, sets] = [[], []];
  let texts = [];
  const flush = () => {
    sets.push(...shingleSetsOf(texts));
    texts = [];
  };
  for (const { id, text } of readDocuments(path)) {
    ids.push(id);
    texts.push(text);
    if (texts.length === DOCUMENTS_A_CALL) flush();
  }
  flush();
  const pairs = pairsAbove(sets, THRESHOLD);
  return { ids, pairs: pairs.map(([i, j, similarity]) => [ids[i], ids[j], similarity]) };
}

/** Throws unless the join found what comparing all pairs of the file finds, on strings. */
export function checkOracle(path, { pairs }) {
  const documents = Array.from(readDocuments(path), ({ id, text }) => ({
    id,
    shingles: new Set(stringShingles(text)),
  }));
  const found = new Set(pairs.map(([a, b]) => `${a} ${b}`));
  let count = 0;
  for (const [j, b] of documents.entries()) {
    for (const a of documents.slice(0, j)) {
      let common = 0;
      for (const shingle of a.shingles) if (b.shingles.has(shingle)) common += 1;
      if (!isAbove(common, a.shingles.size + b.shingles.size - common)) continue;
      count += 1;
      if (!found.has(`${a.id} ${b.id}`)) throw new Error(`the oracle misses ${a.id} and ${b.id}`);
    }
  }
  if (count !== pairs.length) throw new Error(`the oracle finds ${pairs.length} pairs, there are ${count}`);
}

/**
 * Pair recall: oracle pairs of which at least one document was removed. Removal precision: removed documents that have an
 * oracle partner among the kept.
 */
export function judge({ ids, pairs }, keptIds) {
  const kept = new Set(keptIds);
  const missed = pairs.filter(([a, b]) => kept.has(a) && kept.has(b)).length;
  const justified = new Set();
  for (const [a, b] of pairs) {
    if (kept.has(a) && !kept.has(b)) justified.add(b);
    if (kept.has(b) && !kept.has(a)) justified.add(a);
  }
  const removed = ids.length - kept.size;
  return {
    oraclePairs: pairs.length,
    missedPairs: missed,
    removed,
    unjustified: removed - justified.size,
    recall: pairs.length === 0 ? 1 : 1 - missed / pairs.length,
    precision: removed === 0 ? 1 : justified.size / removed,
  };
}
