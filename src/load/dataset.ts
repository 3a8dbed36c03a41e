// A data set for training: one folder of shards, or several mixed by integer weights. What it hands out depends on the
// shards' content, the weights, the seed and the sample number, never on paths, ranks or workers.
import { digestJson } from "../base/digest.js";
import { invalid } from "../base/errors.js";
import type { Manifest } from "../formats/manifest.js";
import type { BatchOptions, HeldOutBatch, HeldOutOptions, TokenDataset } from "../records/batch.js";
import { Gatherer } from "./gather.js";
import { heldOutBatches } from "./held-out.js";
import { Loader, type LoaderOptions } from "./loader.js";
import { ORDER_VERSION } from "./order.js";
import { ShardSource } from "./source.js";
import { unigramEntropy } from "./unigram-entropy.js";

export interface WeightedFolder {
  readonly dir: string;
  /** Share of the samples, a whole number; the weights' sum is at most 65,536. */
  readonly weight: number;
}

export class ShardDataset implements TokenDataset {
  readonly identity: string;
  readonly orderVersion = ORDER_VERSION;
  readonly tokenizer: { readonly name: string; readonly fingerprint: string };
  readonly vocabSize: number;
  readonly numTrainTokens: number;
  readonly numHeldOutTokens: number;
  /** Of each folder, in the order given. */
  readonly manifests: readonly Manifest[];
  readonly #folders: readonly WeightedFolder[];
  readonly #train: readonly ShardSource[];
  readonly #heldOut: readonly ShardSource[];
  readonly #loaders = new Set<Loader>();

  private constructor(folders: readonly WeightedFolder[], train: readonly ShardSource[]) {
    this.#folders = folders;
    this.#train = train;
    this.#heldOut = train.map(({ dir, manifest }) => new ShardSource(dir, manifest, "heldout"));
    this.manifests = train.map(({ manifest }) => manifest);
    const [first, ...others] = this.manifests.map(({ tokenizer }) => tokenizer) as [
      Manifest["tokenizer"],
      ...Manifest["tokenizer"][],
    ];
    const other = others.findIndex(({ fingerprint }) => fingerprint !== first.fingerprint);
    if (other !== -1) {
      const { dir } = folders[other + 1]!;
      throw invalid(
        "config-shards",
        `expected the tokenizer of ${folders[0]!.dir} (${first.name}) for all shards, got another in ${dir}`,
      );
    }
    const parts = folders.map(({ weight }, i) => ({ identity: this.manifests[i]!.identity, weight }));
    this.identity = parts.length === 1 ? parts[0]!.identity : digestJson({ mixture: parts });
    this.tokenizer = { name: first.name, fingerprint: first.fingerprint };
    this.vocabSize = first.vocab_size;
    this.numTrainTokens = this.#train.reduce((sum, source) => sum + source.numTokens, 0);
    this.numHeldOutTokens = this.#heldOut.reduce((sum, source) => sum + source.numTokens, 0);
  }

  static async open(shards: string | readonly WeightedFolder[]): Promise<ShardDataset> {
    const folders = typeof shards === "string" ? [{ dir: shards, weight: 1 }] : shards;
    if (folders.length === 0) throw invalid("config-shards", "expected at least one folder for the shards, got none");
    return new ShardDataset(folders, await Promise.all(folders.map(({ dir }) => ShardSource.open(dir, "train"))));
  }

  /** Windows of one epoch of every source. */
  numWindows(sequenceLength: number): number {
    return this.#train.reduce((sum, source) => sum + source.windows(sequenceLength).numWindows, 0);
  }

  async openBatches(options: BatchOptions | LoaderOptions): Promise<Loader> {
    // The worker would refuse the same only after it has started.
    new Gatherer(
      this.#train,
      this.#folders.map(({ weight }) => weight),
      options.sequenceLength,
      options.seed,
    );
    const loader = new Loader(this.#folders, options);
    this.#loaders.add(loader);
    return loader;
  }

  heldOut(options: HeldOutOptions): AsyncIterable<HeldOutBatch> {
    return heldOutBatches(this.#heldOut, options);
  }

  /** Of a mixture: the mean over its held-out tokens, each under the counts of its own folder. */
  async unigramEntropy(): Promise<number> {
    let sum = 0;
    for (const { dir, numTokens } of this.#heldOut) if (numTokens > 0) sum += numTokens * (await unigramEntropy(dir));
    if (this.numHeldOutTokens === 0)
      throw invalid("shards-heldout", "expected held-out documents for the unigram entropy, got none");
    return sum / this.numHeldOutTokens;
  }

  /** Ends every loader that it opened. */
  async close(): Promise<void> {
    await Promise.all([...this.#loaders].map((loader) => loader.close()));
    this.#loaders.clear();
  }
}
