// The map task: one block of documents in, one training shard out, with what is held out and what was rejected beside it.
// All of it lies in the work folder under the block's id; numbers and names are given when every block is known (commit.ts).

import { join } from "node:path";
import { writeFileAtomic } from "../base/atomic.js";
import { inputOfBlock, readOptionsOf } from "../formats/corpus.js";
import type { ManifestShard } from "../formats/manifest.js";
import { countRejected, formatRejected } from "../formats/rejected.js";
import { type ShardHeader, tokenTypeOf } from "../formats/shard.js";
import { ShardBuilder } from "../formats/shard-writer.js";
import { writeUnigram } from "../formats/unigram.js";
import type { BlockRef, Payload } from "../records/block-reader.js";
import type { DocumentBlock } from "../records/document-block.js";
import type { FileRef, TaskContext, TaskResult } from "../records/stage.js";
import { loadTokenizer, prepareTokenizers, type Tokenizer, withEndOfDocument } from "../tokenizers/index.js";
import type { ShardConfig } from "./config.js";
import { isHeldOut } from "./held-out.js";

export interface EncodeArgs {
  readonly ref: BlockRef;
  readonly config: ShardConfig;
}

/** What a block came to: files in the work folder, listed only where they hold something. */
export interface EncodedPart {
  /** The number of the input that the block is of, and how many lines it has: rejected records count lines from the block's beginning. */
  readonly input: string;
  readonly numLines: number;
  readonly shards: readonly ManifestShard[];
  readonly unigram: string | null;
  readonly rejected: string | null;
  readonly numRead: number;
}

/** One a worker: the vocabulary is parsed once. */
let loaded: { readonly tokenizer: Tokenizer; readonly engine: ShardConfig["engine"] } | undefined;

export async function tokenizerOf({ tokenizer, endOfDocument, engine }: ShardConfig): Promise<Tokenizer> {
  const name = withEndOfDocument(tokenizer, endOfDocument);
  if (loaded?.tokenizer.name !== name || loaded.engine !== engine) {
    await prepareTokenizers(engine);
    loaded = { tokenizer: loadTokenizer(name, engine), engine };
  }
  return loaded.tokenizer;
}

export function headerOf(tokenizer: Tokenizer): ShardHeader {
  return {
    tokenType: tokenTypeOf(tokenizer.vocabSize),
    tokenizerFingerprint: tokenizer.fingerprint,
    endOfDocumentId: tokenizer.endOfDocumentId,
  };
}

export async function encodeBlock(
  { ref, config }: EncodeArgs,
  context: TaskContext,
  payload?: Payload,
): Promise<TaskResult> {
  const { block, rejected, numLines, note } = await context.reader.read(ref, readOptionsOf(config), payload);
  const { train, heldout, unigram } = splitDocuments(block, config, await tokenizerOf(config));
  const { workDir } = context;
  const outputs: FileRef[] = [];
  const shards: ManifestShard[] = [];
  for (const [split, builder] of [["train", train] as const, ["heldout", heldout] as const]) {
    if (builder.numDocuments === 0) continue;
    const shard = await builder.write(workDir, `${ref.id}-${split}.arrow`, split);
    shards.push(shard);
    outputs.push({ path: join(workDir, shard.file), sizeBytes: shard.bytes, digest: shard.digest });
  }
  const unigramFile = train.numDocuments > 0 ? `${ref.id}-unigram.bin` : null;
  if (unigramFile !== null) outputs.push(await writeUnigram(join(workDir, unigramFile), unigram));
  const rejectedFile = rejected.length > 0 ? `${ref.id}-rejected.jsonl` : null;
  if (rejectedFile !== null) {
    outputs.push(await writeFileAtomic(join(workDir, rejectedFile), rejected.map(formatRejected).join("")));
  }
  const part: EncodedPart = {
    input: inputOfBlock(ref.id),
    numLines,
    shards,
    unigram: unigramFile,
    rejected: rejectedFile,
    numRead: block.numDocuments + rejected.length,
  };
  const counts = {
    documents_read: block.numDocuments + rejected.length,
    documents: block.numDocuments,
    tokens: train.numTokens + heldout.numTokens,
    heldout_documents: heldout.numDocuments,
    heldout_tokens: heldout.numTokens,
    bytes_read: ref.end - ref.start,
    ...countRejected(rejected),
  };
  return { outputs, counts, ...(note === undefined ? {} : { notes: [note] }), data: { ...part } };
}

interface SplitDocuments {
  readonly train: ShardBuilder;
  readonly heldout: ShardBuilder;
  /** Of the training documents, their ends included. */
  readonly unigram: Float64Array;
}

function splitDocuments(block: DocumentBlock, config: ShardConfig, tokenizer: Tokenizer): SplitDocuments {
  const header = headerOf(tokenizer);
  const { ids, offsets } = tokenizer.encodeBlock(block.text, block.textOffsets);
  const [train, heldout] = [new ShardBuilder(header), new ShardBuilder(header)];
  const unigram = new Float64Array(tokenizer.vocabSize);
  const encoder = new TextEncoder();
  const sources = block.sources.map((source) => encoder.encode(source));
  for (let row = 0; row < block.numDocuments; row++) {
    const id = block.id.subarray(block.idOffsets[row]!, block.idOffsets[row + 1]!);
    const source = sources[block.sourceIndex[row]!]!;
    const tokens = ids.subarray(offsets[row]!, offsets[row + 1]!);
    if (isHeldOut(id, config.heldout, config.seed)) {
      heldout.add(id, source, tokens);
      continue;
    }
    train.add(id, source, tokens);
    for (const token of tokens) unigram[token]! += 1;
    unigram[header.endOfDocumentId]! += 1;
  }
  return { train, heldout, unigram };
}
