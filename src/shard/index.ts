// The shard stage: documents in, Arrow shards of tokens with their manifest out (docs/formats/shard.md). No byte of a text is
// changed and no document dropped; records that are no documents are rejected by the reader, with the reason.

import { basename } from "node:path";
import { readOptionsOf } from "../formats/corpus.js";
import { MANIFEST_FILE } from "../formats/manifest.js";
import type { Json, PhaseContext, Stage, Task } from "../records/stage.js";
import { tokenizerFiles } from "../tokenizers/index.js";
import { type ShardConfig, shardSchema } from "./config.js";
import { type EncodedPart, tokenizerOf } from "./encode.js";

export type { ShardConfig } from "./config.js";

async function* planEncode(
  { config, inputs, reader }: PhaseContext<ShardConfig>,
  isDone: (id: string) => boolean,
): AsyncIterable<Task> {
  // A vocabulary that cannot be loaded is refused before any block is read.
  await tokenizerOf(config);
  for await (const { ref, payload } of reader.plan(inputs, readOptionsOf(config), isDone)) {
    const args = { ref, config } as unknown as Json;
    yield { id: ref.id, run: "shard/encode", args, sizeBytes: ref.end - ref.start, payload };
  }
}

function planCommit(context: PhaseContext<ShardConfig>): Task[] {
  const parts = context.results("encode").map(({ data }) => data as unknown as EncodedPart);
  const args = { config: context.config, parts } as unknown as Json;
  return [{ id: "commit", run: "shard/commit", args }];
}

export const shardStage: Stage<ShardConfig> = {
  name: "shard",
  version: 3,
  schema: shardSchema,
  // A vocabulary that cannot be loaded is refused before anything is read.
  async check(config) {
    await tokenizerOf(config);
  },
  configFiles: ({ tokenizer }) => tokenizerFiles(tokenizer),
  phases: [
    { name: "encode", kind: "map", plan: planEncode },
    { name: "commit", kind: "reduce", plan: planCommit },
  ],
  // It decides whether the run stops, not what it writes.
  runtimeKeys: ["maxRejectedFraction"],
  /** The manifest alone: who reads shards starts from it. */
  dataOutputs: (_dir, outputs) => outputs.filter(({ path }) => basename(path) === MANIFEST_FILE),
};
