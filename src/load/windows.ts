// Where the windows of a data set lie. A shard of n tokens has ceil(n / T) windows; window i begins at token i * T and has
// T + 1 tokens (inputs and targets overlap by one). Windows cross documents and record batches, never shards: the last one
// of a shard goes on at the shard's beginning, as often as it takes. This tail rule is "wrap": every token of a shard is an
// input in each epoch, fewer than T of them twice.
//
//   shard   |0 ......... T|T ........ 2T|2T .. n|0 ..         T = sequence length
//   window   0             1             2

export function numWindowsOf(numTokens: number, sequenceLength: number): number {
  return Math.ceil(numTokens / sequenceLength);
}

/** Anything whose tokens can be copied: formats/shard.ts's Shard. */
export interface TokenReader {
  readonly numTokens: number;
  read(start: number, count: number, target: Int32Array, position: number): void;
}

/** Copies window `window` of a shard to `target` at `position`: sequenceLength + 1 tokens. */
export function readWindow(
  shard: TokenReader,
  window: number,
  sequenceLength: number,
  target: Int32Array,
  position: number,
): void {
  let start = window * sequenceLength;
  for (let filled = 0; filled <= sequenceLength; start = 0) {
    const count = Math.min(sequenceLength + 1 - filled, shard.numTokens - start);
    shard.read(start, count, target, position + filled);
    filled += count;
  }
}

/** Windows of several shards numbered through, in the shards' order. */
export class WindowMap {
  readonly numWindows: number;
  /** Windows before each shard, and the total at the end. */
  readonly #starts: Float64Array;

  constructor(tokensOfShards: readonly number[], sequenceLength: number) {
    this.#starts = new Float64Array(tokensOfShards.length + 1);
    tokensOfShards.forEach((tokens, i) => {
      this.#starts[i + 1] = this.#starts[i]! + numWindowsOf(tokens, sequenceLength);
    });
    this.numWindows = this.#starts[tokensOfShards.length]!;
  }

  /** `window` in 0 .. numWindows - 1. */
  locate(window: number): { shard: number; window: number } {
    let low = 0;
    let high = this.#starts.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#starts[middle]! <= window) low = middle;
      else high = middle;
    }
    return { shard: low, window: window - this.#starts[low]! };
  }
}
