// Phase "shingles" (map over blocks): re-reads the documents whose exact sets are asked for, and only these, and spills
// the sets with what the total order needs.
import { readOptionsOf } from "../formats/corpus.js";
import { withSpill, writeSpillRows } from "../formats/spill.js";
import type { Shingling } from "../native/dedup.js";
import type { BlockRef, Payload, ReadOptions } from "../records/block-reader.js";
import type { Phase, TaskContext, TaskResult } from "../records/stage.js";
import { type DedupEngine, type EngineName, engineOf } from "../text/engine.js";
import { Bitmap } from "./bitmap.js";
import type { DedupConfig } from "./config.js";
import { GrowableUint32 } from "./growable.js";
import { toDoubles } from "./halves.js";
import { type NumberedBlock, numberingOf } from "./numbering.js";
import { CROWDED, rangeNames } from "./pairs.js";
import { SAMPLE } from "./sample.js";
import { shinglingOf } from "./settings.js";
import { type SpillKind, spillPath } from "./spills.js";

interface ShingleArgs {
  readonly ref: BlockRef;
  readonly engine: EngineName;
  readonly read: ReadOptions;
  readonly shingling: Shingling;
  readonly block: NumberedBlock;
  readonly ranges: readonly string[];
}

export const shinglesPhase: Phase<DedupConfig> = {
  name: "shingles",
  kind: "map",
  async *plan(context, isDone) {
    const { config, reader, inputs, workDir } = context;
    const { engine } = config;
    const { blocks, numDocuments } = numberingOf(context);
    const ranges = rangeNames(context);
    const members = readMembers(workDir, numDocuments, ranges);
    const needed = new Map<string, NumberedBlock>();
    for (const block of blocks) {
      if (members.hasAny(block.base, block.base + block.numDocuments)) needed.set(block.id, block);
    }
    if (needed.size === 0) return;
    const read = readOptionsOf(config);
    const shingling = shinglingOf(config);
    for await (const { ref, payload } of reader.plan(inputs, read, (id) => !needed.has(id) || isDone(id))) {
      const block = needed.get(ref.id);
      if (block === undefined) continue;
      const args = { ref, engine, read, shingling, block, ranges } satisfies ShingleArgs;
      yield { id: ref.id, run: "dedup/shingles", args: args as never, payload, sizeBytes: ref.end - ref.start };
    }
  },
};

/** Files whose bitmaps name the documents that are shingled, all together. */
function memberColumns(ranges: readonly string[]): { kind: SpillKind; name: string; column: string }[] {
  return [
    { kind: "crowded", name: CROWDED, column: "bits" },
    { kind: "sample", name: SAMPLE, column: "members" },
    ...ranges.map((name) => ({ kind: "pairs" as const, name, column: "members" })),
  ];
}

function readMembers(workDir: string, numDocuments: number, ranges: readonly string[]): Bitmap {
  const members = new Bitmap(numDocuments);
  for (const { kind, name, column } of memberColumns(ranges)) {
    members.merge(withSpill(spillPath(workDir, kind, name), kind, (spill) => spill.column(column, "u8")));
  }
  return members;
}

/** Rows of the block that are members, ascending. */
function memberRows(workDir: string, { base, numDocuments }: NumberedBlock, ranges: readonly string[]): Uint32Array {
  const firstByte = base >>> 3;
  const endByte = Math.ceil((base + numDocuments) / 8);
  const bits = new Bitmap(0, new Uint8Array(endByte - firstByte));
  for (const { kind, name, column } of memberColumns(ranges)) {
    bits.merge(
      withSpill(spillPath(workDir, kind, name), kind, (spill) => spill.range(column, "u8", firstByte, endByte)),
    );
  }
  const rows = new GrowableUint32();
  for (let row = 0; row < numDocuments; row += 1) if (bits.has(base + row - 8 * firstByte)) rows.push(row);
  return rows.view();
}

export async function spillShingles(
  args: ShingleArgs,
  { workDir, reader }: TaskContext,
  payload?: Payload,
): Promise<TaskResult> {
  const { ref, read, shingling, block } = args;
  const engine = engineOf(args.engine);
  const rows = memberRows(workDir, block, args.ranges);
  const { recordOffsets, recordLengths, ...order } = readRows(workDir, block, rows);
  const documents = rows.map((row) => block.base + row);
  const output = await writeSpillRows(spillPath(workDir, "shingles", block.id), "shingles", async (writer) => {
    await writer.append({ documents, ...order, offsets: Uint32Array.of(0) });
    let numHashes = 0;
    const append = async ({ hashes, offsets }: ReturnType<DedupEngine["shingleLines"]>): Promise<void> => {
      await writer.append({ hashes, offsets: offsets.subarray(1).map((offset) => numHashes + offset) });
      numHashes += hashes.length;
    };
    if (ref.format === "text") {
      const { text, textOffsets } = (await reader.read(ref, read, payload)).block;
      await append(engine.shingleSets(text, textOffsets, rows, shingling));
    } else {
      const scan = { ...read, scoreField: "", source: ref.source, baseOffset: 0, baseLine: 0 };
      for await (const { bytes, begins, lengths } of reader.records(ref, recordOffsets, recordLengths, payload)) {
        await append(engine.shingleLines(bytes, begins, lengths, scan, shingling));
      }
    }
  });
  return { outputs: [output], counts: {}, data: block.id };
}

/** What the signatures say of the rows. */
function readRows(workDir: string, { id }: NumberedBlock, rows: Uint32Array) {
  return withSpill(spillPath(workDir, "signatures", id), "signatures", (spill) => {
    const lengths = spill.column("recordLengths", "u32");
    return {
      recordOffsets: toDoubles(pick(spill.column("recordOffsets", "u64"), rows, 1)),
      recordLengths: rows.map((row) => lengths[row]!),
      orderKeys: pick(spill.column("orderKeys", "u64"), rows, 1),
      contentHashes: pick(spill.column("contentHashes", "u64"), rows, 2),
    };
  });
}

/** `words` 64-bit words of each of the rows. */
function pick(values: BigUint64Array, rows: Uint32Array, words: 1 | 2): BigUint64Array {
  const from = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
  const to = new Uint32Array(rows.length * words * 2);
  let filled = 0;
  for (const row of rows) {
    for (let half = row * words * 2; half < (row + 1) * words * 2; half += 1) {
      to[filled] = from[half]!;
      filled += 1;
    }
  }
  return new BigUint64Array(to.buffer);
}
