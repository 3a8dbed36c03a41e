// How long a consumer waited: percentiles of any number of waits in fixed memory, each within 5 %.

const GROWTH = 1.05;
const FIRST_MS = 0.001;
/** The last bucket begins above an hour. */
const NUM_BUCKETS = Math.ceil(Math.log(3_600_000 / FIRST_MS) / Math.log(GROWTH)) + 1;

export interface WaitSummary {
  readonly count: number;
  readonly totalMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export class WaitStatistics {
  readonly #buckets = new Float64Array(NUM_BUCKETS);
  #count = 0;
  #totalMs = 0;
  #maxMs = 0;

  add(ms: number): void {
    const bucket = ms <= FIRST_MS ? 0 : Math.ceil(Math.log(ms / FIRST_MS) / Math.log(GROWTH));
    this.#buckets[Math.min(bucket, NUM_BUCKETS - 1)]! += 1;
    this.#count += 1;
    this.#totalMs += ms;
    this.#maxMs = Math.max(this.#maxMs, ms);
  }

  summary(): WaitSummary {
    return {
      count: this.#count,
      totalMs: this.#totalMs,
      p50Ms: this.#percentile(0.5),
      p99Ms: this.#percentile(0.99),
      maxMs: this.#maxMs,
    };
  }

  /** The upper end of the bucket that holds it, or the largest wait where that is less. */
  #percentile(share: number): number {
    let left = Math.ceil(share * this.#count);
    for (let bucket = 0; bucket < NUM_BUCKETS && left > 0; bucket++) {
      left -= this.#buckets[bucket]!;
      if (left <= 0) return Math.min(FIRST_MS * GROWTH ** bucket, this.#maxMs);
    }
    return 0;
  }
}
