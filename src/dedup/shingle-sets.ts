// Phase "shingles" (map over blocks): re-reads the documents that are candidates, and only these, and spills their exact
// shingle sets with what the total order needs.
import { readOptionsOf } from "../formats/read-fields.js";
import { withSpill, writeSpill } from "../formats/spill.js";
import { native, type Shingling } from "../native.js";
import type { BlockRef, ReadOptions } from "../records/block-reader.js";
import type { Phase, PhaseContext, TaskContext, TaskResult } from "../records/stage.js";
import { Bitmap } from "./bitmap.js";
import { type DedupConfig, shinglingOf } from "./config.js";
import { GrowableUint32 } from "./growable.js";
import { type NumberedBlock, type Numbering, numberingOf } from "./numbering.js";
import { CROWDED, readCrowded } from "./pairs.js";
import { BlockSpills, partNames, type SpillKind, spillPath } from "./spills.js";

interface ShingleArgs {
  readonly ref: BlockRef;
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
    const numbering = numberingOf(context);
    const ranges = rangeNames(context);
    const candidates = readCandidates(workDir, numbering.numDocuments, ranges);
    const needed = new Map<string, NumberedBlock>();
    for (const block of numbering.blocks) {
      if (candidates.hasAny(block.base, block.base + block.numDocuments)) needed.set(block.id, block);
    }
    if (needed.size === 0) return;
    const read = readOptionsOf(config);
    for await (const { ref, payload } of reader.plan(inputs, read, (id) => !needed.has(id) || isDone(id))) {
      const block = needed.get(ref.id);
      if (block === undefined) continue;
      const args = {
        ref: { ...ref },
        read: { ...read },
        shingling: { ...shinglingOf(config) },
        block: { ...block },
        ranges,
      };
      yield { id: ref.id, run: "dedup/shingles", args, payload, sizeBytes: ref.end - ref.start };
    }
  },
};

/** Names of the files of candidate pairs. */
export function rangeNames(context: PhaseContext<DedupConfig>): string[] {
  return partNames(context.results("pairs").length);
}

function readCandidates(workDir: string, numDocuments: number, ranges: readonly string[]): Bitmap {
  const candidates = new Bitmap(numDocuments).merge(readCrowded(workDir, numDocuments).bits);
  for (const name of ranges) {
    candidates.merge(withSpill(spillPath(workDir, "pairs", name), "pairs", (spill) => spill.column("members", "u8")));
  }
  return candidates;
}

export async function spillShingles(
  args: ShingleArgs,
  { workDir, reader }: TaskContext,
  payload?: ArrayBuffer,
): Promise<TaskResult> {
  const { ref, read, shingling, block, ranges } = args;
  const rows = candidateRows(workDir, block, ranges);
  const documents = rows.map((row) => block.base + row);
  const { block: texts } = await reader.read(ref, read, payload);
  const { hashes, offsets } = native().shingleSets(texts.text, texts.textOffsets, rows, shingling);
  const order = withSpill(spillPath(workDir, "signatures", block.id), "signatures", (spill) => {
    const normalizedBytes = spill.column("normalizedBytes", "u32");
    const contentHashes = spill.column("contentHashes", "u64");
    return {
      normalizedBytes: rows.map((row) => normalizedBytes[row]!),
      contentHashes: BigUint64Array.from(
        { length: rows.length * 2 },
        (_, i) => contentHashes[2 * rows[i >>> 1]! + (i & 1)]!,
      ),
    };
  });
  const columns = { documents, offsets, hashes, ...order };
  const output = await writeSpill(spillPath(workDir, "shingles", block.id), "shingles", columns);
  return { outputs: [output], counts: {}, data: block.id };
}

/** Rows of the block that are in a candidate pair or in a crowded bucket, ascending. */
function candidateRows(workDir: string, { base, numDocuments }: NumberedBlock, ranges: readonly string[]): Uint32Array {
  const firstByte = base >>> 3;
  const endByte = Math.ceil((base + numDocuments) / 8);
  const bits = new Bitmap(0, new Uint8Array(endByte - firstByte));
  const merge = (kind: SpillKind, name: string, column: string): void => {
    bits.merge(
      withSpill(spillPath(workDir, kind, name), kind, (spill) => spill.range(column, "u8", firstByte, endByte)),
    );
  };
  merge("crowded", CROWDED, "bits");
  for (const name of ranges) merge("pairs", name, "members");
  const rows = new GrowableUint32();
  for (let row = 0; row < numDocuments; row += 1) if (bits.has(base + row - 8 * firstByte)) rows.push(row);
  return rows.view();
}

interface SetTable {
  readonly documents: Uint32Array;
  readonly offsets: Uint32Array;
}

/** Shingle sets of candidates anywhere in the corpus, read one at a time. */
export class ShingleReader {
  static readonly #MAX_TABLES = 128;
  readonly #spills: BlockSpills;
  readonly #tables = new Map<string, SetTable>();

  constructor(workDir: string, numbering: Numbering) {
    this.#spills = new BlockSpills(workDir, "shingles", numbering);
  }

  size(document: number): number {
    const { table, row } = this.#find(document);
    return table.offsets[row + 1]! - table.offsets[row]!;
  }

  set(document: number): BigUint64Array {
    const { table, row } = this.#find(document);
    return this.#spills.of(document).spill.range("hashes", "u64", table.offsets[row]!, table.offsets[row + 1]!);
  }

  close(): void {
    this.#spills.close();
  }

  #find(document: number): { table: SetTable; row: number } {
    const { spill, block } = this.#spills.of(document);
    let table = this.#tables.get(block.id);
    if (table === undefined) {
      if (this.#tables.size === ShingleReader.#MAX_TABLES) this.#tables.delete(this.#tables.keys().next().value!);
      table = { documents: spill.column("documents", "u32"), offsets: spill.column("offsets", "u32") };
      this.#tables.set(block.id, table);
    }
    return { table, row: indexOf(table.documents, document) };
  }
}

/** Index of a value in an ascending array that holds it. */
function indexOf(ascending: Uint32Array, value: number): number {
  let low = 0;
  let high = ascending.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
