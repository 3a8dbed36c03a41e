// What many documents repeat: the shingles that most documents of the sample hold, joined to passages where they follow one
// another in a text. Counts hashes of all, makes strings of a few documents alone.
import type { DedupStatistics } from "../formats/dedup-statistics.js";
import type { Shingling } from "../native/dedup.js";
import { Shingler } from "../text/js/shingles.js";
import { unitsOf } from "../text/units.js";
import type { Numbering } from "./numbering.js";
import { findSets, SetReader } from "./set-reader.js";

export interface FrequentShingles {
  /** By name (shingleName): documents that hold it. */
  readonly documents: ReadonlyMap<number, number>;
  /** By name: one of the documents that hold it, of those that may be shown. */
  readonly holders: ReadonlyMap<number, number>;
}

const SLOT_BITS = 18;
/** Shingles counted exactly: those in the fullest of 2^SLOT_BITS counters. */
const MAX_SLOTS = 4096;
const MAX_SHINGLES = 2000;
/** Rarer ones are not boilerplate: of the documents looked at, and at least so many. */
const MIN_SHARE = 0.01;
const MIN_DOCUMENTS = 3;
const MAX_PASSAGES = 20;
const MAX_TEXTS = 40;
const MAX_CHARACTERS = 400;
/** Shorter runs of characters are parts of words and of any text: in sizes of a shingle. */
const MIN_RUN_OF_CHARACTERS = 2;

/** The upper 53 bits of a hash, given as halves: told apart as good as always, and a number. */
function shingleName(low: number, high: number): number {
  return high * 2 ** 21 + (low >>> 11);
}

/** `documents`: with spilled sets, ascending. */
export function frequentShingles(
  workDir: string,
  numbering: Numbering,
  documents: Uint32Array,
  mayBeShown: (document: number) => boolean,
): FrequentShingles {
  const places = findSets(workDir, numbering, documents);
  const reader = new SetReader(workDir, numbering);
  let set = new BigUint64Array(0);
  const forEachSet = (use: (halves: Uint32Array, document: number) => void): void => {
    for (const [place, document] of documents.entries()) {
      const size = places.sizes[place]!;
      if (set.length < size) set = new BigUint64Array(2 * size);
      reader.readInto(places.blocks[place]!, places.offsets[place]!, set.subarray(0, size));
      use(new Uint32Array(set.buffer, 0, 2 * size), document);
    }
  };
  try {
    const slots = new Uint32Array(2 ** SLOT_BITS);
    forEachSet((halves) => {
      for (let i = 1; i < halves.length; i += 2) slots[halves[i]! >>> (32 - SLOT_BITS)]! += 1;
    });
    const least = leastOfFullest(slots, Math.max(MIN_DOCUMENTS, Math.ceil(MIN_SHARE * documents.length)));
    const counts = new Map<number, number>();
    const holders = new Map<number, number>();
    forEachSet((halves, document) => {
      const isShown = mayBeShown(document);
      for (let i = 1; i < halves.length; i += 2) {
        if (slots[halves[i]! >>> (32 - SLOT_BITS)]! < least) continue;
        const name = shingleName(halves[i - 1]!, halves[i]!);
        counts.set(name, (counts.get(name) ?? 0) + 1);
        if (isShown && !holders.has(name)) holders.set(name, document);
      }
    });
    const frequent = [...counts]
      .filter(([, count]) => count >= least)
      .sort(([a, m], [b, n]) => n - m || a - b)
      .slice(0, MAX_SHINGLES);
    return { documents: new Map(frequent), holders };
  } finally {
    reader.close();
  }
}

/** The least count, `floor` or more, that at most MAX_SLOTS of the counters reach. */
function leastOfFullest(slots: Uint32Array, floor: number): number {
  const full = slots.filter((count) => count >= floor).sort();
  return full.length <= MAX_SLOTS ? floor : full[full.length - MAX_SLOTS]! + 1;
}

/** Texts are asked for one at a time, those with the most frequent shingles first. */
export async function passagesOf(
  { documents, holders }: FrequentShingles,
  shingling: Shingling,
  textOf: (document: number) => Promise<string>,
): Promise<DedupStatistics["boilerplate"]["passages"]> {
  const shown = new Set<number>();
  const passages: NamedPassage[] = [];
  let texts = 0;
  for (const name of documents.keys()) {
    const holder = holders.get(name);
    if (shown.has(name) || holder === undefined) continue;
    if (texts === MAX_TEXTS || passages.length >= MAX_PASSAGES) break;
    texts += 1;
    for (const passage of passagesIn(await textOf(holder), shingling, documents)) {
      if (passage.names.every((one) => shown.has(one))) continue;
      for (const one of passage.names) shown.add(one);
      passages.push(passage);
    }
  }
  return withoutParts(passages)
    .sort((a, b) => b.documents - a.documents || b.shingles - a.shingles)
    .slice(0, MAX_PASSAGES)
    .map(({ names: _, ...passage }) => passage);
}

/** Leaves out passages that longer ones contain: they were found first, in other texts. */
function withoutParts(passages: readonly NamedPassage[]): NamedPassage[] {
  const contained = new Set<number>();
  return passages
    .toSorted((a, b) => b.shingles - a.shingles)
    .filter(({ names }) => {
      const isPart = names.every((one) => contained.has(one));
      for (const one of names) contained.add(one);
      return !isPart;
    });
}

type NamedPassage = DedupStatistics["boilerplate"]["passages"][number] & { readonly names: readonly number[] };

/** Longest runs of frequent shingles, cut where one is held by more than twice as many documents as another. */
function passagesIn(text: string, shingling: Shingling, frequent: ReadonlyMap<number, number>): NamedPassage[] {
  const units = unitsOf(text, shingling.unit);
  const hashes = new Shingler(shingling).runs(units);
  const halves = new Uint32Array(hashes.buffer, hashes.byteOffset, 2 * hashes.length);
  const passages: NamedPassage[] = [];
  for (let begin = 0; begin < hashes.length; ) {
    const names: number[] = [];
    let [most, least] = [0, Infinity];
    let end = begin;
    for (; end < hashes.length; end += 1) {
      const name = shingleName(halves[2 * end]!, halves[2 * end + 1]!);
      const count = frequent.get(name);
      if (count === undefined || Math.max(most, count) > 2 * Math.min(least, count)) break;
      [most, least] = [Math.max(most, count), Math.min(least, count)];
      names.push(name);
    }
    if (names.length >= (shingling.unit === "char" ? MIN_RUN_OF_CHARACTERS * shingling.size : 1)) {
      const last = Math.min(end - 1 + shingling.size, units.ends.length) - 1;
      const passage = units.composed.slice(units.begins[begin] ?? 0, units.ends[last] ?? units.composed.length);
      passages.push({
        text: shortened(passage),
        shingles: names.length,
        documents: most,
        least_documents: least,
        names,
      });
    }
    begin = Math.max(end, begin + 1);
  }
  return passages;
}

function shortened(passage: string): string {
  const characters = Array.from(passage.replace(/\s+/g, " ").trim());
  return characters.length <= MAX_CHARACTERS
    ? characters.join("")
    : `${characters.slice(0, MAX_CHARACTERS).join("")} ...`;
}
