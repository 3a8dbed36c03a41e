// Made-up statistics of a dedup, sound in themselves, for tests of the page to change.
import type { DedupStatistics } from "#src/formats/dedup-statistics.js";

export const statistics: DedupStatistics = {
  format: "millrace-dedup-statistics",
  version: 1,
  shingling: { unit: "word", size: 5, sentence: "Sets of runs of five words." },
  threshold: 0.7,
  keep: "longest",
  engine: "native",
  exact: false,
  bands: 30,
  rows: 5,
  theory_at_threshold: 0.99599,
  funnel: {
    records_read: 20_011,
    bytes_read: 61_500_000,
    rejected: { "invalid-json": 1_101, "missing-text": 203 },
    documents: 18_707,
    exact_copies: 3_017,
    candidate_pairs: 41_017,
    verified_pairs: 40_019,
    pairs_above: 9_043,
    near_duplicates: 2_029,
    removed: 5_046,
    kept: 13_661,
    bytes_kept: 42_700_000,
  },
  clusters: {
    clusters: 1_213,
    sizes: [
      { from: 2, to: 2, clusters: 907, documents: 1_814 },
      { from: 3, to: 4, clusters: 301, documents: 1_009 },
      { from: 129, to: 256, clusters: 5, documents: 733 },
    ],
    largest: [
      { kept: "star-1", documents: 211 },
      { kept: "star-2", documents: 181 },
    ],
  },
  sources: {
    sources: 3,
    list: [
      { source: "web", read: 15_007, rejected: 3, exact_copies: 2_711, near_duplicates: 1_301, kept: 10_992 },
      { source: "books", read: 3_001, rejected: 0, exact_copies: 101, near_duplicates: 323, kept: 2_577 },
      { source: "mirror", read: 702, rejected: 0, exact_copies: 205, near_duplicates: 405, kept: 92 },
    ],
    alarms: [{ source: "mirror", documents: 702, removed: 610 }],
    num_alarms: 1,
    witnesses: [
      { removed: "web", witness: "web", documents: 4_003 },
      { removed: "mirror", witness: "web", documents: 607 },
      { removed: "books", witness: "books", documents: 424 },
      { removed: "web", witness: "books", documents: 9 },
      { removed: "mirror", witness: "mirror", documents: 3 },
    ],
  },
  recall: {
    sampled: 1_999,
    representatives: 15_690,
    join: {
      level: 4,
      candidates: 5_011,
      compared: 5_009,
      share_of_documents: 1,
      share_of_candidates: 0.9996,
      missed_at_threshold: 0.00031,
    },
    pairs: 1_607,
    found: 1_601,
    both_kept: 7,
    recall: { estimate: 1_601 / 1_607, low: 0.9911, high: 0.9987 },
    escaped: { estimate: 7 / 1_607, low: 0.0018, high: 0.0093 },
    sentence: "Of 1,607 pairs above the threshold 1,601 share a band.",
  },
  curve: [
    { from: 0.5, to: 0.55, pairs: 0, found: 0, theory: 0 },
    { from: 0.55, to: 0.6, pairs: 811, found: 709, theory: 0.8719 },
    { from: 0.7, to: 0.75, pairs: 401, found: 400, theory: 0.9981 },
    { from: 0.95, to: 1, pairs: 1_206, found: 1_206, theory: 1 },
  ],
  boilerplate: {
    documents: 1_500,
    passages: [
      { text: "all rights reserved by the authors", shingles: 2, documents: 619, least_documents: 617 },
      { text: "subscribe to our newsletter now", shingles: 1, documents: 53, least_documents: 53 },
    ],
  },
  unreadable: { files: 0, list: [] },
};

export const withoutAlarm: DedupStatistics = {
  ...statistics,
  sources: {
    ...statistics.sources,
    list: statistics.sources.list.map((source) =>
      source.source === "mirror" ? { ...source, exact_copies: 0, near_duplicates: 351, kept: 351 } : source,
    ),
    alarms: [],
    num_alarms: 0,
  },
};

export const withoutPairs: DedupStatistics = {
  ...statistics,
  recall: {
    ...statistics.recall,
    pairs: 0,
    found: 0,
    both_kept: 0,
    recall: null,
    escaped: null,
    sentence: "The sample holds no pair.",
  },
  curve: [],
};
