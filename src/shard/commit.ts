// The reduce task: gives the training shards their numbers in input order, gathers what the blocks held out into shards of
// its own, sums the unigram counts, puts rejected records together, and writes the manifest last.
import { join } from "node:path";
import { linkFile, syncFolder, type WrittenFile, writeAtomically } from "../base/atomic.js";
import { type ManifestShard, makeManifest, writeManifest } from "../formats/manifest.js";
import { checkRejected, countRejected, formatRejected, REJECTED_FILE, readRejected } from "../formats/rejected.js";
import { openShard, textBytes, tokensOf } from "../formats/shard.js";
import { ShardBuilder } from "../formats/shard-writer.js";
import { readUnigram, UNIGRAM_FILE, writeUnigram } from "../formats/unigram.js";
import { native } from "../native.js";
import type { FileRef, TaskContext, TaskResult } from "../records/stage.js";
import type { ShardConfig } from "./config.js";
import { type EncodedPart, headerOf, tokenizerOf } from "./encode.js";

export interface CommitArgs {
  readonly config: ShardConfig;
  /** In input order. */
  readonly parts: readonly EncodedPart[];
}

/** Held-out documents are gathered in memory: a shard of them ends here (32 MiB of uint16). */
const HELD_OUT_SHARD_TOKENS = 1 << 24;

const numbered = (split: string, number: number): string => `${split}-${String(number).padStart(5, "0")}.arrow`;

/** By a second name, so that a run that is killed here finds the blocks' work in place. */
async function numberTraining(parts: readonly EncodedPart[], { dir, workDir }: TaskContext): Promise<ManifestShard[]> {
  const shards: ManifestShard[] = [];
  for (const shard of parts.flatMap((part) => part.shards).filter(({ split }) => split === "train")) {
    const file = numbered("shard", shards.length);
    await linkFile(join(workDir, shard.file), join(dir, file));
    shards.push({ ...shard, file });
  }
  await syncFolder(dir);
  return shards;
}

async function gatherHeldOut({ config, parts }: CommitArgs, { dir, workDir }: TaskContext): Promise<ManifestShard[]> {
  const header = headerOf(await tokenizerOf(config));
  const shards: ManifestShard[] = [];
  let builder = new ShardBuilder(header);
  const end = async (): Promise<void> => {
    shards.push(await builder.write(dir, numbered("heldout", shards.length), "heldout"));
    builder = new ShardBuilder(header);
  };
  for (const entry of parts.flatMap((part) => part.shards).filter(({ split }) => split === "heldout")) {
    const shard = openShard(workDir, entry, header.tokenType, native().mapFile);
    shard.verify();
    for (const batch of shard.batches) {
      for (let row = 0; row < batch.numDocuments; row++) {
        const tokens = tokensOf(batch, row);
        if (builder.numDocuments > 0 && builder.numTokens + tokens.length > HELD_OUT_SHARD_TOKENS) await end();
        builder.add(textBytes(batch.docId, row), textBytes(batch.source, row), tokens, true);
      }
    }
  }
  if (builder.numDocuments > 0) await end();
  return shards;
}

async function sumUnigram({ config, parts }: CommitArgs, { dir, workDir }: TaskContext): Promise<WrittenFile> {
  const { vocabSize } = await tokenizerOf(config);
  const total = new Float64Array(vocabSize);
  for (const { unigram } of parts) {
    if (unigram === null) continue;
    const counts = await readUnigram(join(workDir, unigram), vocabSize);
    for (let id = 0; id < vocabSize; id++) total[id]! += counts[id]!;
  }
  return writeUnigram(join(dir, UNIGRAM_FILE), total);
}

/** Line numbers of the blocks become those of the files: a file's blocks follow one another. */
async function gatherRejected({ config, parts }: CommitArgs, { dir, workDir }: TaskContext): Promise<WrittenFile> {
  const path = join(dir, REJECTED_FILE);
  const counts: Record<string, number> = {};
  const written = await writeAtomically(path, async (writer) => {
    let input: string | undefined;
    let linesBefore = 0;
    for (const part of parts) {
      if (part.input !== input) linesBefore = 0;
      input = part.input;
      const records = part.rejected === null ? [] : await readRejected(join(workDir, part.rejected));
      for (const record of records) {
        // A file that is one text has no lines.
        const line = record.line === 0 ? 0 : record.line + linesBefore;
        await writer.write(formatRejected({ ...record, line }));
      }
      for (const [name, count] of Object.entries(countRejected(records))) counts[name] = (counts[name] ?? 0) + count;
      linesBefore += part.numLines;
    }
  });
  const numRead = parts.reduce((sum, part) => sum + part.numRead, 0);
  checkRejected({ stage: "shard", path, numRead, counts, maxFraction: config.maxRejectedFraction });
  return written;
}

export async function commitShards(args: CommitArgs, context: TaskContext): Promise<TaskResult> {
  const { config, parts } = args;
  const { dir } = context;
  const tokenizer = await tokenizerOf(config);
  const rejected = await gatherRejected(args, context);
  const shards = [...(await numberTraining(parts, context)), ...(await gatherHeldOut(args, context))];
  const unigram = await sumUnigram(args, context);
  const manifest = await writeManifest(
    dir,
    makeManifest({
      tokenizer: {
        name: tokenizer.name,
        fingerprint: tokenizer.fingerprint,
        vocab_size: tokenizer.vocabSize,
        special_ids: { end_of_document: tokenizer.endOfDocumentId },
      },
      token_type: headerOf(tokenizer).tokenType,
      heldout: { fraction: config.heldout, seed: config.seed },
      unigram: { file: UNIGRAM_FILE, digest: unigram.digest },
      shards,
    }),
  );
  const files: FileRef[] = shards.map(({ file, bytes, digest }) => ({
    path: join(dir, file),
    sizeBytes: bytes,
    digest,
  }));
  return { outputs: [...files, rejected, unigram, manifest], counts: { shards: shards.length } };
}
