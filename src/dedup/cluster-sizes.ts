// How large the clusters are: a kept document with all those it is the witness of. Counted for a range of kept documents at
// a time, so that memory does not depend on how many documents there are.
import type { DedupStatistics } from "../formats/dedup-statistics.js";
import type { Spill } from "../formats/spill.js";

const KEPT_A_RANGE = 2 ** 20;
const ROWS_A_READ = 2 ** 16;
const NUM_LARGEST = 10;

export interface ClusterSizes {
  readonly clusters: number;
  readonly sizes: DedupStatistics["clusters"]["sizes"];
  /** Largest first; columns. */
  readonly largest: { readonly kept: Uint32Array; readonly documents: Uint32Array };
}

export function clusterSizes(decision: Spill, numDocuments: number): ClusterSizes {
  const numRemoved = decision.length("witness");
  const window = new Uint32Array(Math.min(ROWS_A_READ, numRemoved));
  const counts = new Uint32Array(Math.min(KEPT_A_RANGE, numDocuments));
  const tally = new ClusterTally();
  for (let first = 0; numRemoved > 0 && first < numDocuments; first += KEPT_A_RANGE) {
    counts.fill(0);
    for (let row = 0; row < numRemoved; row += ROWS_A_READ) {
      const witnesses = decision.readInto("witness", row, window.subarray(0, Math.min(ROWS_A_READ, numRemoved - row)));
      for (let i = 0; i < witnesses.length; i += 1) {
        const place = witnesses[i]! - first;
        if (place >= 0 && place < counts.length) counts[place]! += 1;
      }
    }
    for (let place = 0; place < counts.length; place += 1) {
      if (counts[place]! > 0) tally.add(first + place, counts[place]! + 1);
    }
  }
  return tally.result();
}

class ClusterTally {
  /** By the power of two below the size. */
  readonly #classes: { clusters: number; documents: number }[] = [];
  #largest: { kept: number; documents: number }[] = [];
  #clusters = 0;

  /** Kept documents come ascending. */
  add(kept: number, documents: number): void {
    this.#clusters += 1;
    const power = 31 - Math.clz32(documents);
    this.#classes[power] ??= { clusters: 0, documents: 0 };
    this.#classes[power].clusters += 1;
    this.#classes[power].documents += documents;
    const least = this.#largest[NUM_LARGEST - 1];
    if (least !== undefined && documents <= least.documents) return;
    // Stable: among equals the first stays first.
    this.#largest = [...this.#largest, { kept, documents }]
      .sort((a, b) => b.documents - a.documents)
      .slice(0, NUM_LARGEST);
  }

  result(): ClusterSizes {
    return {
      clusters: this.#clusters,
      sizes: this.#classes.flatMap((one, power) => [{ from: 2 ** power, to: 2 ** (power + 1) - 1, ...one }]),
      largest: {
        kept: Uint32Array.from(this.#largest, ({ kept }) => kept),
        documents: Uint32Array.from(this.#largest, ({ documents }) => documents),
      },
    };
  }
}
