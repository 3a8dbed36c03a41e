// From the sample's pairs to recall: what share of the pairs above the threshold the bands find, with an interval, the same by
// similarity beside theory, and what it says in words. Pure.
import type { DedupRecall, DedupStatistics } from "../formats/dedup-statistics.js";
import { chanceBelow } from "./candidate-pool.js";
import { shareOfPairs } from "./interval.js";
import type { MeasuredPairs } from "./measured-pairs.js";
import type { SampleSummary } from "./sample.js";
import { isAbove, isGreater, type Ratio } from "./threshold.js";

export interface RecallInputs {
  readonly sample: SampleSummary;
  /** Sampled documents, ascending. */
  readonly documents: Uint32Array;
  readonly pairs: MeasuredPairs;
  /** 1 for pairs that share a band. */
  readonly shared: Uint8Array;
  readonly isRemoved: (document: number) => boolean;
  readonly threshold: Ratio;
  readonly bands: number;
  readonly rows: number;
  readonly exact: boolean;
  readonly seed: number;
}

/** Classes of the curve. */
const CLASSES = 20;
const CURVE_ABOVE: Ratio = { numerator: 3, denominator: 10 };

/** Pairs are looked at that are above this: those of the curve, and those above the threshold. */
export function leastSimilarity(threshold: Ratio): Ratio {
  return isGreater(threshold.numerator, threshold.denominator, CURVE_ABOVE.numerator, CURVE_ABOVE.denominator)
    ? CURVE_ABOVE
    : threshold;
}

/** Chance that a pair of this similarity shares a band. */
export function theoryAt(similarity: number, bands: number, rows: number): number {
  return 1 - (1 - similarity ** rows) ** bands;
}

export function curveOf({ pairs, shared, bands, rows }: RecallInputs): DedupStatistics["curve"] {
  const classes = Array.from({ length: CLASSES }, () => ({ pairs: 0, found: 0, theory: 0 }));
  for (const [i, intersection] of pairs.intersection.entries()) {
    const union = pairs.union[i]!;
    if (intersection === 0) continue;
    const one = classes[Math.min(CLASSES - 1, Math.floor((CLASSES * intersection) / union))]!;
    one.pairs += 1;
    one.found += shared[i]!;
    one.theory += theoryAt(intersection / union, bands, rows);
  }
  return classes
    .map((one, i) => ({
      from: rounded(i / CLASSES),
      to: rounded((i + 1) / CLASSES),
      pairs: one.pairs,
      found: one.found,
      theory: rounded(one.pairs === 0 ? 0 : one.theory / one.pairs),
    }))
    .filter((one) => one.pairs > 0);
}

export function recallOf(inputs: RecallInputs): DedupRecall {
  const { sample, documents, pairs, shared, isRemoved, threshold, exact, seed } = inputs;
  const placeOf = new Map<number, number>();
  for (const [place, document] of documents.entries()) placeOf.set(document, place);
  // A pair counts for each of its documents that was sampled: so every pair counts alike on average.
  const byDocument = {
    pairs: new Uint32Array(documents.length),
    found: new Uint32Array(documents.length),
    kept: new Uint32Array(documents.length),
  };
  let [numPairs, found, bothKept] = [0, 0, 0];
  for (const [i, intersection] of pairs.intersection.entries()) {
    if (!isAbove(intersection, pairs.union[i]!, threshold)) continue;
    const ends = [pairs.lower[i]!, pairs.higher[i]!];
    const isKept = ends.some(isRemoved) ? 0 : 1;
    numPairs += 1;
    found += shared[i]!;
    bothKept += isKept;
    for (const end of ends) {
      const place = placeOf.get(end);
      if (place === undefined) continue;
      byDocument.pairs[place]! += 1;
      byDocument.found[place]! += shared[i]!;
      byDocument.kept[place]! += isKept;
    }
  }
  const recall =
    exact && numPairs > 0 ? CERTAIN : shareOfPairs({ pairs: byDocument.pairs, hits: byDocument.found, numPairs }, seed);
  const escaped = shareOfPairs({ pairs: byDocument.pairs, hits: byDocument.kept, numPairs }, seed);
  const similarity = threshold.numerator / threshold.denominator;
  const measured = {
    sampled: sample.sampled,
    representatives: sample.representatives,
    join: {
      level: sample.level,
      candidates: sample.candidates,
      compared: pairs.lower.length,
      share_of_documents: rounded(sample.shareOfDocuments),
      share_of_candidates: rounded(sample.candidates === 0 ? 1 : sample.taken / sample.candidates),
      missed_at_threshold: rounded(chanceBelow(sample.level, similarity), 12),
    },
    pairs: numPairs,
    found,
    both_kept: bothKept,
    recall: roundedInterval(recall),
    escaped: roundedInterval(escaped),
  };
  return { ...measured, sentence: sentenceOf(measured, similarity, exact) };
}

const CERTAIN = { estimate: 1, low: 1, high: 1 };

function sentenceOf(recall: Omit<DedupRecall, "sentence">, threshold: number, exact: boolean): string {
  const count = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ",");
  const documents = `${count(recall.sampled)} sampled documents`;
  const kept = recall.both_kept === 0 ? "none" : count(recall.both_kept);
  if (exact) {
    return (
      `recall above ${threshold}: 1 by construction, all pairs were joined exactly; of ${count(recall.pairs)} pairs of ` +
      `${documents} ${count(recall.found)} share a band, and of ${kept} both documents were kept`
    );
  }
  if (recall.recall === null)
    return `recall above ${threshold}: the sample holds no pair above the threshold (${documents})`;
  const { estimate, low, high } = recall.recall;
  return (
    `recall above ${threshold}: ${estimate.toFixed(4)} (95% interval ${low.toFixed(4)} to ${high.toFixed(4)}; ` +
    `${count(recall.pairs)} pairs of ${documents})`
  );
}

function roundedInterval(interval: DedupRecall["recall"] | undefined): DedupRecall["recall"] {
  if (interval === undefined || interval === null) return null;
  return { estimate: rounded(interval.estimate), low: rounded(interval.low), high: rounded(interval.high) };
}

function rounded(value: number, digits = 6): number {
  return Number(value.toFixed(digits));
}
