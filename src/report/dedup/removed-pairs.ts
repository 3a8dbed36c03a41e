// What removed.jsonl says as a whole, and a sample of its pairs spread over the range of similarity: those nearest to the
// threshold, then of each range the pairs whose ids hash lowest. The choice does not depend on the order of the file.
import { type RemovedDocument, readRemoved } from "../../formats/removed.js";

/** Pairs with from <= jaccard < to; the last bin holds those of similarity 1, from = to = 1. */
export interface SimilarityBin {
  readonly from: number;
  readonly to: number;
  readonly removed: number;
}

export interface RemovedPairs {
  readonly total: number;
  readonly bins: readonly SimilarityBin[];
  /** By rising similarity, so that those nearest to the threshold come first. */
  readonly sample: readonly RemovedDocument[];
}

const SAMPLE_SIZE = 12;
/** Those that the threshold only just removed are the ones to doubt. */
const NEAREST = 2;

/** Bounds of the bins between the threshold and 1: round numbers, about ten bins or fewer. */
export function binBounds(threshold: number): number[] {
  const span = 1 - threshold;
  const width = span > 0.5 ? 0.1 : span > 0.1 ? 0.05 : 0.01;
  const first = Math.floor(threshold / width + 1e-9);
  const last = Math.round(1 / width);
  const bounds = Array.from({ length: last - first + 1 }, (_, index) => (first + index) / last);
  return [threshold, ...bounds.slice(1)];
}

export function readRemovedPairs(path: string, threshold: number): RemovedPairs {
  const bounds = binBounds(threshold);
  const counts = new Array<number>(bounds.length).fill(0);
  const samples = bounds.map(() => new Least(SAMPLE_SIZE, ({ id }) => hashOf(id)));
  const nearest = new Least(NEAREST, ({ jaccard }) => jaccard);
  let total = 0;
  for (const line of readRemoved(path)) {
    const bin = binOf(line.jaccard, bounds);
    total += 1;
    counts[bin]! += 1;
    samples[bin]!.offer(line);
    nearest.offer(line);
  }
  const bins = counts.map((removed, bin) => ({ from: bounds[bin]!, to: bounds[bin + 1] ?? 1, removed }));
  return {
    total,
    bins,
    sample: choose(
      nearest.lines,
      samples.map(({ lines }) => lines),
    ),
  };
}

/** The last bin whose lower bound is not above; rounding may have put a similarity just above the threshold on it. */
function binOf(jaccard: number, bounds: readonly number[]): number {
  let bin = bounds.length - 1;
  while (bin > 0 && jaccard < bounds[bin]!) bin -= 1;
  return bin;
}

/** Takes turns among the samples. */
function choose(
  nearest: readonly RemovedDocument[],
  samples: readonly (readonly RemovedDocument[])[],
): RemovedDocument[] {
  const chosen = new Map(nearest.map((line) => [line.id, line]));
  for (let turn = 0; turn < SAMPLE_SIZE; turn += 1) {
    for (const sample of samples) {
      const line = sample[turn];
      if (line !== undefined && chosen.size < SAMPLE_SIZE) chosen.set(line.id, line);
    }
  }
  return [...chosen.values()].sort((a, b) => a.jaccard - b.jaccard || (a.id < b.id ? -1 : 1));
}

/** The lines with the least keys among all that are offered; of equal keys the least ids. */
class Least {
  readonly #size: number;
  readonly #key: (line: RemovedDocument) => number;
  readonly #rows: { readonly key: number; readonly line: RemovedDocument }[] = [];

  constructor(size: number, key: (line: RemovedDocument) => number) {
    this.#size = size;
    this.#key = key;
  }

  offer(line: RemovedDocument): void {
    const rows = this.#rows;
    const key = this.#key(line);
    const last = rows.at(-1);
    if (rows.length === this.#size && last !== undefined && key > last.key) return;
    const place = rows.findIndex((row) => key < row.key || (key === row.key && line.id < row.line.id));
    rows.splice(place === -1 ? rows.length : place, 0, { key, line });
    if (rows.length > this.#size) rows.pop();
  }

  get lines(): RemovedDocument[] {
    return this.#rows.map(({ line }) => line);
  }
}

/** FNV-1a over UTF-16 units, with a last mixing: ids that count up must not be chosen in their order. */
function hashOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i += 1) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
