// What a training loop sees of the loader: batches in the dataset's order from any global sample on, and the held-out
// windows. The implementation is the `load` stage's; whoever starts a training process hands it to the loop.

/** What a checkpoint must agree with to be continued on a dataset. */
export interface DatasetIdentity {
  /** Digest over the content of all shards; where they lie does not matter. */
  readonly identity: string;
  /** Version of the pure function from global sample number to window. */
  readonly orderVersion: number;
  readonly tokenizer: { readonly name: string; readonly fingerprint: string };
  readonly vocabSize: number;
}

/** One global batch in a slot that is the consumer's until `release`. */
export interface Batch {
  /** (globalBatch, T + 1) ids, rows back to back: inputs are [:, :T], targets [:, 1:]. */
  readonly tokens: Int32Array;
  /** (globalBatch) global sample numbers. */
  readonly samples: BigInt64Array;
  /** Gives the slot back; the arrays must not be touched afterwards. */
  release(): void;
}

export interface BatchOptions {
  /** T. */
  readonly sequenceLength: number;
  readonly globalBatch: number;
  readonly seed: number;
  /** Global sample number of the first row: 0, or where a checkpoint left off. */
  readonly firstSample: number;
}

/** Endless: epochs are derived from the sample number. One consumer; `next` is awaited before it is called again. */
export interface BatchSource {
  next(): Promise<Batch>;
  close(): Promise<void>;
}

export interface HeldOutOptions {
  readonly sequenceLength: number;
  /** At most this many targets are read, in whole windows spread evenly over the held-out tokens, always the same. */
  readonly maxTokens: number;
  /** Windows handed out at a time. */
  readonly sequencesPerBatch: number;
}

/** (numSequences, T + 1) ids; a target that is not to be counted is -1. Valid until the next one is asked for. */
export interface HeldOutBatch {
  readonly tokens: Int32Array;
  readonly numSequences: number;
}

export interface TokenDataset extends DatasetIdentity {
  readonly numTrainTokens: number;
  /** 0 when nothing is held out. */
  readonly numHeldOutTokens: number;
  openBatches(options: BatchOptions): Promise<BatchSource>;
  heldOut(options: HeldOutOptions): AsyncIterable<HeldOutBatch>;
  /** Nats a token: cross entropy of the held-out tokens under the training tokens' unigram counts plus one. */
  unigramEntropy(): Promise<number>;
  close(): Promise<void>;
}
