// What a model that knows only how often each token occurs would reach: the number a trained model has to beat.
import { join } from "node:path";
import { invalid } from "../base/errors.js";
import { readManifest } from "../formats/manifest.js";
import { readUnigram } from "../formats/unigram.js";
import { ShardSource } from "./source.js";

/**
 * Nats a token: cross entropy of all held-out tokens under the training tokens' unigram counts plus one, over the true
 * vocabulary. Every held-out page is read and checked; memory does not depend on how many there are.
 */
export async function unigramEntropy(dir: string): Promise<number> {
  const manifest = await readManifest(dir);
  const { vocab_size: vocabSize } = manifest.tokenizer;
  const counts = await readUnigram(join(dir, manifest.unigram.file), vocabSize, manifest.unigram.digest);
  const source = new ShardSource(dir, manifest, "heldout");
  if (source.numTokens === 0) {
    throw invalid("shards-heldout", `expected held-out documents for the unigram entropy, got none in ${dir}`, {
      hint: "shard with a larger `heldout` fraction",
    });
  }
  const total = counts.reduce((sum, count) => sum + count, vocabSize);
  const logTotal = Math.log(total);
  const nats = counts.map((count) => logTotal - Math.log(count + 1));
  let sum = 0;
  for (let index = 0; index < source.numShards; index++) {
    const shard = source.shard(index);
    shard.verify();
    for (const { values } of shard.batches) {
      for (let i = 0; i < values.length; i++) {
        const id = values[i]!;
        if (id < 0 || id >= vocabSize) {
          throw invalid("shard-damaged", `expected ids under ${vocabSize} for shard ${shard.entry.file}, got ${id}`, {
            where: { file: shard.path },
          });
        }
        sum += nats[id]!;
      }
    }
  }
  return sum / source.numTokens;
}
