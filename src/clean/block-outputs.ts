// The files that a block leaves, written as its pieces come: all of them, or after `abort` none.
import { join } from "node:path";
import { rewrittenPath } from "../formats/rewritten.js";
import { native } from "../native.js";
import type { BlockRef } from "../records/block-reader.js";
import type { DocumentBlock, RejectedRecord } from "../records/document-block.js";
import type { FileRef } from "../records/stage.js";
import { IdTableWriter } from "./id-table.js";
import { OptionalFile } from "./optional-file.js";
import { formatLine } from "./rejected-lines.js";
import { rewrittenLines } from "./rewritten.js";
import type { RuleOutcome } from "./rules.js";
import { idsPath, partPath, rejectedPath } from "./work-files.js";

export class BlockOutputs {
  readonly #ref: BlockRef;
  readonly #idsPath: string;
  readonly #part: OptionalFile;
  readonly #rejected: OptionalFile;
  readonly #rewritten: OptionalFile;
  #ids: IdTableWriter | undefined;
  #numKept = 0;

  constructor(ref: BlockRef, dir: string, workDir: string) {
    this.#ref = ref;
    this.#idsPath = join(workDir, idsPath(ref.id));
    // The part becomes final by a second name.
    this.#part = new OptionalFile(join(workDir, partPath(ref.id)), { durable: true });
    this.#rejected = new OptionalFile(join(workDir, rejectedPath(ref.id)), { durable: false });
    this.#rewritten = new OptionalFile(join(dir, rewrittenPath(ref.id)), { durable: true });
  }

  get numKept(): number {
    return this.#numKept;
  }

  /** `asRead`: the piece before its rules; `records`: those rejected of it, by offset. */
  async add(
    { block, keep, rewritten }: RuleOutcome,
    asRead: DocumentBlock,
    records: readonly RejectedRecord[],
  ): Promise<void> {
    if (keep.includes(1)) {
      await this.#part.write(native().formatJsonl(block, keep));
      await this.#addIds(block, keep);
    }
    await this.#rejected.write(records.map((record) => formatLine(record)).join(""));
    await this.#rewritten.write(rewrittenLines(this.#ref, asRead, rewritten));
  }

  async commit(): Promise<FileRef[]> {
    const files: FileRef[] = [];
    try {
      for (const file of [this.#part, this.#ids, this.#rejected, this.#rewritten]) {
        const written = await file?.commit();
        if (written !== undefined) files.push(written);
      }
    } catch (error) {
      await this.abort();
      throw error;
    }
    return files;
  }

  async abort(): Promise<void> {
    for (const file of [this.#part, this.#ids, this.#rejected, this.#rewritten]) await file?.abort();
  }

  async #addIds({ id, idOffsets, recordOffset, recordLine }: DocumentBlock, keep: Uint8Array): Promise<void> {
    this.#ids ??= await IdTableWriter.open(this.#idsPath);
    for (let row = 0; row < keep.length; row += 1) {
      if (keep[row] === 0) continue;
      this.#numKept += 1;
      await this.#ids.add(id, idOffsets[row]!, idOffsets[row + 1]!, recordOffset[row]!, recordLine[row]!);
    }
  }
}
