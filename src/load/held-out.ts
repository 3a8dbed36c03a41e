// Held-out windows in the shards' order, each held-out token a target once (a shard's first token has no context and is
// none). Not shuffled, not repeated: where a shard's last window ends early, the rest is -1, which no loss counts. When
// fewer tokens are wanted than there are, the windows are spread evenly over all: the first ones would be a few documents.
import { invalid } from "../base/errors.js";
import type { HeldOutBatch, HeldOutOptions } from "../records/batch.js";
import type { ShardSource } from "./source.js";

const NOT_COUNTED = -1;

/** Where a window begins and how many tokens it has, T + 1 at most and 2 at least: one input, one target. */
interface HeldOutWindow {
  readonly source: ShardSource;
  readonly shard: number;
  readonly start: number;
  readonly count: number;
}

function* windowsOf(sources: readonly ShardSource[], sequenceLength: number): Generator<HeldOutWindow> {
  for (const source of sources) {
    for (let shard = 0; shard < source.numShards; shard++) {
      const { numTokens } = source.shard(shard);
      for (let start = 0; start + 1 < numTokens; start += sequenceLength) {
        yield { source, shard, start, count: Math.min(sequenceLength + 1, numTokens - start) };
      }
    }
  }
}

/** Of `total` things in order, `wanted` spread evenly: whether the one at `index` is among them. */
function isPicked(index: number, total: number, wanted: number): boolean {
  return wanted >= total || Math.floor(((index + 1) * wanted) / total) > Math.floor((index * wanted) / total);
}

/** The array of a batch is used again for the next. */
export async function* heldOutBatches(
  sources: readonly ShardSource[],
  options: HeldOutOptions,
): AsyncGenerator<HeldOutBatch> {
  const { sequenceLength, maxTokens, sequencesPerBatch } = options;
  for (const [name, value] of Object.entries({ sequenceLength, sequencesPerBatch })) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw invalid("config-loader", `expected a whole number from 1 for ${name}, got ${value}`);
  }
  const width = sequenceLength + 1;
  const tokens = new Int32Array(sequencesPerBatch * width);
  let rows = 0;
  let total = 0;
  for (const _ of windowsOf(sources, sequenceLength)) total += 1;
  const wanted = Math.floor(maxTokens / sequenceLength);
  let index = 0;
  for (const { source, shard, start, count } of windowsOf(sources, sequenceLength)) {
    if (!isPicked(index++, total, wanted)) continue;
    source.shard(shard).read(start, count, tokens, rows * width);
    tokens.fill(NOT_COUNTED, rows * width + count, (rows + 1) * width);
    rows += 1;
    if (rows < sequencesPerBatch) continue;
    yield { tokens, numSequences: rows };
    rows = 0;
  }
  if (rows > 0) yield { tokens: tokens.subarray(0, rows * width), numSequences: rows };
}
