// Phase "verify" (partition, one task a file of candidate pairs): exact Jaccard of every pair, decided in integers. Edges,
// the pairs above the threshold, are written in the order in which the star is decided: by their earlier document's
// place in the total order. Sets are loaded for a batch of pairs at a time.
import { Spill } from "../formats/spill.js";
import type { Phase, TaskContext, TaskResult } from "../records/stage.js";
import { type DedupEngine, type EngineName, engineOf } from "../text/engine.js";
import type { DedupConfig } from "./config.js";
import { GrowableUint32 } from "./growable.js";
import { type Limits, limitsOf } from "./limits.js";
import { type Numbering, numberingOf } from "./numbering.js";
import { rangeNames } from "./pairs.js";
import { type RecordShape, RunWriter } from "./runs.js";
import { Scratch } from "./scratch.js";
import { compareKeys, findSets, KEY_WORDS, type SetPlaces, SetReader } from "./set-reader.js";
import { thresholdOf } from "./settings.js";
import { spillPath } from "./spills.js";
import { isAbove, type Ratio } from "./threshold.js";

/** Key of the earlier document, the earlier and the later document, sizes of intersection and union. */
export const EDGE: RecordShape = { keyWords: KEY_WORDS, words: KEY_WORDS + 4 };

/** Candidate pairs whose documents are looked up at a time. */
const PAIRS_A_CHUNK = 2 ** 16;

interface VerifyArgs {
  readonly numbering: Numbering;
  readonly name: string;
  readonly threshold: Ratio;
  readonly shinglesABatch: number;
  readonly recordsARun: number;
  readonly engine: EngineName;
}

export const verifyPhase = (overrides: Partial<Limits>): Phase<DedupConfig> => ({
  name: "verify",
  kind: "partition",
  plan(context) {
    const { engine } = context.config;
    const { shinglesABatch, recordsARun } = limitsOf(context.config, overrides);
    const numbering = numberingOf(context);
    const threshold = thresholdOf(context.config);
    return rangeNames(context).map((name) => ({
      id: name,
      run: "dedup/verify",
      args: { numbering, name, threshold, shinglesABatch, recordsARun, engine } satisfies VerifyArgs as never,
    }));
  },
});

export async function verifyPairs(args: VerifyArgs, { workDir }: TaskContext): Promise<TaskResult> {
  const { numbering, name, threshold, shinglesABatch, recordsARun } = args;
  const engine = engineOf(args.engine);
  const sets = new SetReader(workDir, numbering);
  const edges = await RunWriter.open(spillPath(workDir, "edges", name), "edges", EDGE, recordsARun, engine);
  const spill = Spill.open(spillPath(workDir, "pairs", name), "pairs");
  const numPairs = spill.length("pairs");
  try {
    await Scratch.use(async (scratch) => {
      for (let begin = 0; begin < numPairs; begin += PAIRS_A_CHUNK) {
        const pairs = spill.range("pairs", "u64", begin, Math.min(begin + PAIRS_A_CHUNK, numPairs));
        const halves = new Uint32Array(pairs.buffer);
        const places = findSets(workDir, numbering, distinct(halves));
        const batch = new SetBatch(sets, places, threshold, engine, scratch.u64("sets", shinglesABatch));
        for (let i = 0; i < halves.length; i += 2) {
          if (!batch.add(halves[i + 1]!, halves[i]!)) {
            await batch.flush(edges);
            batch.add(halves[i + 1]!, halves[i]!);
          }
        }
        await batch.flush(edges);
      }
    });
    const output = await edges.finish();
    return { outputs: [output], counts: { verified_pairs: numPairs } };
  } catch (error) {
    await edges.abort();
    throw error;
  } finally {
    spill.close();
    sets.close();
  }
}

/** Values of an array, ascending, each once. */
function distinct(values: Uint32Array): Uint32Array {
  return values
    .slice()
    .sort()
    .filter((value, i, all) => i === 0 || value !== all[i - 1]);
}

/** Pairs whose sets are in memory together. */
class SetBatch {
  readonly #sets: SetReader;
  readonly #places: SetPlaces;
  readonly #threshold: Ratio;
  readonly #engine: DedupEngine;
  #hashes: BigUint64Array;
  /** By place: one more than the number of the set in the batch, 0 for none. */
  readonly #inBatch: Uint32Array;
  readonly #loaded = new GrowableUint32();
  readonly #offsets = new GrowableUint32();
  readonly #pairs = new GrowableUint32();
  readonly #record = new Uint32Array(EDGE.words);

  constructor(sets: SetReader, places: SetPlaces, threshold: Ratio, engine: DedupEngine, hashes: BigUint64Array) {
    this.#sets = sets;
    this.#places = places;
    this.#threshold = threshold;
    this.#engine = engine;
    this.#hashes = hashes;
    this.#inBatch = new Uint32Array(places.documents.length);
    this.#offsets.push(0);
  }

  /** False when the batch has no room for the pair's sets: flush, and add it again. */
  add(lower: number, higher: number): boolean {
    const [a, b] = [this.#placeOf(lower), this.#placeOf(higher)];
    const { sizes } = this.#places;
    const [sizeA, sizeB] = [sizes[a]!, sizes[b]!];
    if (!isAbove(Math.min(sizeA, sizeB), Math.max(sizeA, sizeB), this.#threshold)) return true;
    const more = (this.#inBatch[a] === 0 ? sizeA : 0) + (this.#inBatch[b] === 0 ? sizeB : 0);
    const used = this.#offsets.view()[this.#offsets.length - 1]!;
    if (used + more > this.#hashes.length) {
      if (used > 0) return false;
      this.#hashes = new BigUint64Array(more);
    }
    this.#pairs.push(this.#load(a));
    this.#pairs.push(this.#load(b));
    return true;
  }

  async flush(edges: RunWriter): Promise<void> {
    const pairs = this.#pairs.view();
    const loaded = this.#loaded.view();
    const { documents, sizes, keys } = this.#places;
    const offsets = this.#offsets.view();
    const { numerator, denominator } = this.#threshold;
    const common = this.#engine.intersectAbove(this.#hashes, offsets, pairs, numerator, denominator);
    const record = this.#record;
    for (let i = 0; i < common.length; i += 1) {
      const intersection = common[i]!;
      if (intersection === 0) continue;
      let [earlier, later] = [loaded[pairs[2 * i]!]!, loaded[pairs[2 * i + 1]!]!];
      if (compareKeys(keys, later, keys, earlier) < 0) [earlier, later] = [later, earlier];
      for (let word = 0; word < KEY_WORDS; word += 1) record[word] = keys[earlier * KEY_WORDS + word]!;
      record[KEY_WORDS] = documents[earlier]!;
      record[KEY_WORDS + 1] = documents[later]!;
      record[KEY_WORDS + 2] = intersection;
      record[KEY_WORDS + 3] = sizes[earlier]! + sizes[later]! - intersection;
      edges.push(record);
      if (edges.isFull) await edges.flush();
    }
    for (const place of loaded) this.#inBatch[place] = 0;
    this.#loaded.clear();
    this.#offsets.clear();
    this.#offsets.push(0);
    this.#pairs.clear();
  }

  #placeOf(document: number): number {
    const { documents } = this.#places;
    let low = 0;
    let high = documents.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (documents[middle]! < document) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The set's number in the batch. */
  #load(place: number): number {
    if (this.#inBatch[place] === 0) {
      const { blocks, offsets, sizes } = this.#places;
      const begin = this.#offsets.view()[this.#offsets.length - 1]!;
      const end = begin + sizes[place]!;
      this.#sets.readInto(blocks[place]!, offsets[place]!, this.#hashes.subarray(begin, end));
      this.#offsets.push(end);
      this.#loaded.push(place);
      this.#inBatch[place] = this.#loaded.length;
    }
    return this.#inBatch[place]! - 1;
  }
}
