// Runs the shard stage's tasks one after the other, over a reader that serves documents from memory: a block for each list
// of documents.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { blockId } from "#src/formats/corpus.js";
import type { BlockReader, BlockRef } from "#src/records/block-reader.js";
import type { DocumentBlock, RejectedRecord } from "#src/records/document-block.js";
import type { PhaseContext, TaskResult } from "#src/records/stage.js";
import { type ShardConfig, shardStage } from "#src/shard/index.js";
import { shardTasks } from "#src/shard/tasks.js";

export interface TestDocument {
  readonly id: string;
  readonly text: string;
  readonly source?: string;
}

export interface TestBlock {
  readonly documents: readonly TestDocument[];
  readonly rejected?: readonly RejectedRecord[];
  /** Blocks of one file follow one another. */
  readonly file?: string;
}

function columnOf(values: readonly string[]): { bytes: Uint8Array; offsets: Uint32Array } {
  const parts = values.map((value) => Buffer.from(value));
  const offsets = new Uint32Array(values.length + 1);
  parts.forEach((part, i) => {
    offsets[i + 1] = offsets[i]! + part.length;
  });
  return { bytes: new Uint8Array(Buffer.concat(parts)), offsets };
}

export function blockOf(documents: readonly TestDocument[]): DocumentBlock {
  const text = columnOf(documents.map((document) => document.text));
  const id = columnOf(documents.map((document) => document.id));
  const meta = columnOf(documents.map(() => "{}"));
  const sources = [...new Set(documents.map((document) => document.source ?? "test"))];
  return {
    numDocuments: documents.length,
    text: text.bytes,
    textOffsets: text.offsets,
    id: id.bytes,
    idOffsets: id.offsets,
    sources,
    sourceIndex: Uint32Array.from(documents, (document) => sources.indexOf(document.source ?? "test")),
    meta: meta.bytes,
    metaOffsets: meta.offsets,
    recordOffset: new Float64Array(documents.length),
    recordLength: new Uint32Array(documents.length),
    recordLine: new Float64Array(documents.length),
  };
}

function readerOf(blocks: readonly TestBlock[]): BlockReader {
  return {
    async *plan() {
      const files = blocks.map(({ file = "test.jsonl" }) => file);
      for (const [index, file] of files.entries()) {
        const id = blockId(new Set(files.slice(0, index + 1)).size - 1, index);
        const ref: BlockRef = {
          id,
          file,
          source: "test",
          format: "jsonl",
          compression: "none",
          start: index * 100,
          end: index * 100 + 100,
        };
        yield { ref };
      }
    },
    // Only clean reads documents in pieces, only dedup lines and records.
    documents: () => {
      throw new Error("expected no one to ask for documents in pieces");
    },
    pieces: () => {
      throw new Error("expected no one to ask for pieces");
    },
    records: () => {
      throw new Error("expected no one to ask for records");
    },
    read: async (ref) => {
      const { documents, rejected = [] } = blocks[Number(ref.id.split("-")[1])]!;
      return {
        block: blockOf(documents),
        rejected,
        raw: new Uint8Array(0),
        numLines: documents.length + rejected.length,
      };
    },
  };
}

export interface MadeShards {
  readonly results: readonly TaskResult[];
  readonly counts: Readonly<Record<string, number>>;
}

/** `order`: in which order the tasks of the map phase run. */
export async function makeShards(
  dir: string,
  blocks: readonly TestBlock[],
  config: Partial<ShardConfig> = {},
  order: (ids: string[]) => string[] = (ids) => ids,
): Promise<MadeShards> {
  const resolved = shardStage.schema.parse(config);
  const workDir = join(dir, ".work");
  await mkdir(workDir, { recursive: true });
  const reader = readerOf(blocks);
  const phases = new Map<string, TaskResult[]>();
  const base = { dir, workDir, reader, config: resolved, inputs: [], numWorkers: 1 };
  const context: PhaseContext<ShardConfig> = { ...base, results: (phase) => phases.get(phase)! };
  for (const phase of shardStage.phases) {
    if (phase.kind === "process") continue;
    const tasks = [];
    for await (const task of phase.plan(context, () => false)) tasks.push(task);
    const results = new Map<string, TaskResult>();
    for (const id of order(tasks.map((task) => task.id))) {
      const task = tasks.find((candidate) => candidate.id === id)!;
      results.set(id, await shardTasks[task.run]!(JSON.parse(JSON.stringify(task.args)) as never, context));
    }
    phases.set(
      phase.name,
      tasks.map((task) => results.get(task.id)!),
    );
  }
  const results = [...phases.values()].flat();
  const counts: Record<string, number> = {};
  for (const result of results) {
    for (const [name, count] of Object.entries(result.counts)) counts[name] = (counts[name] ?? 0) + count;
  }
  return { results, counts };
}
