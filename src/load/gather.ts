// From sample numbers to tokens: the order says which window, the source copies it. The same in every thread.
import { invalid } from "../base/errors.js";
import { SampleOrder } from "./order.js";
import { ShardSource, type SourceWindows } from "./source.js";

/** Plain data: crosses to the worker that fills the ring. */
export interface GatherPlan {
  readonly sources: readonly { readonly dir: string; readonly weight: number }[];
  readonly sequenceLength: number;
  readonly seed: number;
}

export class Gatherer {
  readonly #order: SampleOrder;
  readonly #windows: readonly SourceWindows[];
  readonly #width: number;

  constructor(sources: readonly ShardSource[], weights: readonly number[], sequenceLength: number, seed: number) {
    this.#windows = sources.map((source) => source.windows(sequenceLength));
    sources.forEach((source, i) => {
      if (this.#windows[i]!.numWindows === 0)
        throw invalid("config-shards", `expected training tokens for the shards in ${source.dir}, got none`);
    });
    this.#order = new SampleOrder(
      sources.map((source, i) => ({
        identity: source.identity,
        numWindows: this.#windows[i]!.numWindows,
        weight: weights[i]!,
      })),
      seed,
    );
    this.#width = sequenceLength + 1;
  }

  static async open({ sources, sequenceLength, seed }: GatherPlan): Promise<Gatherer> {
    const opened = await Promise.all(sources.map(({ dir }) => ShardSource.open(dir, "train")));
    const weights = sources.map(({ weight }) => weight);
    return new Gatherer(opened, weights, sequenceLength, seed);
  }

  get numWindows(): number {
    return this.#windows.reduce((sum, windows) => sum + windows.numWindows, 0);
  }

  /** Rows firstSample .. firstSample + samples.length - 1. */
  fill(firstSample: number, tokens: Int32Array, samples: BigInt64Array): void {
    for (let row = 0; row < samples.length; row++) {
      const { source, window } = this.#order.at(firstSample + row);
      this.#windows[source]!.read(window, tokens, row * this.#width);
      samples[row] = BigInt(firstSample + row);
    }
  }
}
