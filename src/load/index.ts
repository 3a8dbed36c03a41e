// The streaming loader: deterministic, resumable batches of token windows from folders of shards.
export { ShardDataset, type WeightedFolder } from "./dataset.js";
export { Loader, type LoaderOptions } from "./loader.js";
export { ORDER_VERSION, type OrderedWindow, type OrderSource, SampleOrder } from "./order.js";
export { unigramEntropy } from "./unigram-entropy.js";
export type { WaitSummary } from "./wait-statistics.js";
