// The decision: of all witnesses of a removed document the most similar, the first in the total order among equals; a copy
// goes to its representative or, when that is removed, to its witness. Written by document, with the bytes that are left
// of each block.
import { type SpillWriter, withSpill, writeSpillRows } from "../formats/spill.js";
import type { FileRef } from "../records/stage.js";
import type { DedupEngine } from "../text/engine.js";
import type { Bitmap } from "./bitmap.js";
import type { Limits } from "./limits.js";
import type { Numbering } from "./numbering.js";
import { type RecordShape, RunMerge, RunWriter } from "./runs.js";
import { readBitmap, spillPath } from "./spills.js";
import { WITNESS } from "./star.js";
import { isGreater } from "./threshold.js";

/** Representative and copy. */
const COPY: RecordShape = { keyWords: 1, words: 2 };
/** Document, witness, sizes of intersection and union. */
const REMOVAL: RecordShape = { keyWords: 1, words: 4 };

const ROWS_A_WRITE = 2 ** 15;

export interface DecisionInputs {
  readonly workDir: string;
  readonly numbering: Numbering;
  /** Parts of repeated ids and of copies. */
  readonly parts: readonly string[];
  /** Removed representatives. */
  readonly removed: Bitmap;
  /** A file of runs of WITNESS. */
  readonly witnesses: string;
  readonly limits: Limits;
  readonly engine: DedupEngine;
}

export interface Decision {
  readonly output: FileRef;
  /** By block. */
  readonly keptBytes: readonly number[];
  readonly numNear: number;
  readonly numCopies: number;
  readonly numRepeated: number;
}

export async function writeDecision(inputs: DecisionInputs): Promise<Decision> {
  const { workDir, numbering, parts } = inputs;
  const removals = await openRuns(inputs, "removals", REMOVAL);
  const orphans = await openRuns(inputs, "orphans", COPY);
  let numCopies = 0;
  let numNear = 0;
  try {
    for (const name of parts) numCopies += await splitCopies(inputs, name, removals.writer, orphans.writer);
    await orphans.writer.finish();
    numNear = await joinWitnesses(inputs, orphans.path, removals.writer);
    await removals.writer.finish();
  } catch (error) {
    await orphans.writer.abort();
    await removals.writer.abort();
    throw error;
  }
  const paths = parts.map((name) => spillPath(workDir, "ids", name));
  const repeated = readBitmap(numbering.numDocuments, paths, "ids", "documents");
  const merge = new RunMerge([removals.path], "runs", REMOVAL);
  const keptBytes: number[] = [];
  let numRepeated = 0;
  try {
    const output = await writeSpillRows(spillPath(workDir, "decision", "all"), "decision", async (writer) => {
      const columns = new DecisionColumns(writer);
      for (const { id, base, numDocuments } of numbering.blocks) {
        const lineBytes = withSpill(spillPath(workDir, "signatures", id), "signatures", (spill) =>
          spill.column("lineBytes", "u32"),
        );
        let kept = 0;
        for (let row = 0; row < numDocuments; row += 1) {
          if (repeated.has(base + row)) numRepeated += 1;
          else kept += lineBytes[row]!;
        }
        const end = base + numDocuments;
        for (let removal = merge.peek(); removal !== undefined && removal[0]! < end; removal = merge.peek()) {
          kept -= lineBytes[removal[0]! - base]!;
          await columns.push(removal);
          merge.skip();
        }
        keptBytes.push(kept);
      }
      await columns.flush();
    });
    return { output, keptBytes, numNear, numCopies, numRepeated };
  } finally {
    merge.close();
  }
}

async function openRuns(
  { workDir, limits, engine }: DecisionInputs,
  name: string,
  shape: RecordShape,
): Promise<{ readonly path: string; readonly writer: RunWriter }> {
  const path = spillPath(workDir, "runs", name);
  return { path, writer: await RunWriter.open(path, "runs", shape, limits.recordsARun, engine) };
}

/** Copies of kept representatives are decided, those of removed ones must be told their witness. Returns how many there are. */
async function splitCopies(
  { workDir, removed }: DecisionInputs,
  name: string,
  removals: RunWriter,
  orphans: RunWriter,
): Promise<number> {
  const { documents, representatives } = withSpill(spillPath(workDir, "copies", name), "copies", (spill) => ({
    documents: spill.column("documents", "u32"),
    representatives: spill.column("representatives", "u32"),
  }));
  const [removal, orphan] = [new Uint32Array(REMOVAL.words), new Uint32Array(COPY.words)];
  for (let i = 0; i < documents.length; i += 1) {
    const [copy, representative] = [documents[i]!, representatives[i]!];
    if (removed.has(representative)) {
      orphan[0] = representative;
      orphan[1] = copy;
      await push(orphans, orphan);
    } else {
      removal[0] = copy;
      removal[1] = representative;
      removal[2] = 1;
      removal[3] = 1;
      await push(removals, removal);
    }
  }
  return documents.length;
}

/** The best witness of each removed representative, for it and its copies. Returns how many representatives that are. */
async function joinWitnesses(inputs: DecisionInputs, orphansPath: string, removals: RunWriter): Promise<number> {
  const orphans = new RunMerge([orphansPath], "runs", COPY);
  const witnesses = new RunMerge([inputs.witnesses], "runs", WITNESS);
  const best = new Uint32Array(WITNESS.words);
  const removal = new Uint32Array(REMOVAL.words);
  let count = 0;
  try {
    for (let witness = witnesses.peek(); witness !== undefined; witness = witnesses.peek()) {
      best.set(witness);
      witnesses.skip();
      for (let other = witnesses.peek(); other !== undefined && other[0] === best[0]; other = witnesses.peek()) {
        if (isBetter(other, best)) best.set(other);
        witnesses.skip();
      }
      removal.set(best.subarray(0, REMOVAL.words));
      await push(removals, removal);
      for (let orphan = orphans.peek(); orphan !== undefined && orphan[0] === best[0]; orphan = orphans.peek()) {
        removal[0] = orphan[1]!;
        await push(removals, removal);
        orphans.skip();
      }
      count += 1;
    }
  } finally {
    orphans.close();
    witnesses.close();
  }
  return count;
}

function isBetter(a: Uint32Array, b: Uint32Array): boolean {
  const [intersectionA, unionA, intersectionB, unionB] = [a[2]!, a[3]!, b[2]!, b[3]!];
  if (isGreater(intersectionA, unionA, intersectionB, unionB)) return true;
  return !isGreater(intersectionB, unionB, intersectionA, unionA) && a[4]! < b[4]!;
}

async function push(runs: RunWriter, record: Uint32Array): Promise<void> {
  runs.push(record);
  if (runs.isFull) await runs.flush();
}

/** Gathers rows into the columns of decision/all. */
class DecisionColumns {
  static readonly #NAMES = ["documents", "witness", "intersection", "union"] as const;
  readonly #writer: SpillWriter;
  readonly #columns = DecisionColumns.#NAMES.map(() => new Uint32Array(ROWS_A_WRITE));
  #count = 0;

  constructor(writer: SpillWriter) {
    this.#writer = writer;
  }

  async push(removal: Uint32Array): Promise<void> {
    for (const [i, column] of this.#columns.entries()) column[this.#count] = removal[i]!;
    this.#count += 1;
    if (this.#count === ROWS_A_WRITE) await this.flush();
  }

  /** The columns are there even when there is no row. */
  async flush(): Promise<void> {
    const rows = this.#columns.map(
      (column, i) => [DecisionColumns.#NAMES[i], column.subarray(0, this.#count)] as const,
    );
    await this.#writer.append(Object.fromEntries(rows));
    this.#count = 0;
  }
}
