// Documents by row, read again where they lie: in their input, or, where that is compressed or remote, in kept.jsonl.
import { closeSync, openSync, readFileSync } from "node:fs";
import { decompressFileSync } from "../base/decompress.js";
import { readAt } from "./byte-scan.js";
import { idOfRecord, readCorpusRecord } from "./corpus.js";
import { type AuditInput, type DedupOutput, isSeekable, outputPath } from "./dedup-output.js";
import type { Ordered } from "./order.js";
import type { RecordDocument } from "./record.js";
import type { DocumentTable } from "./tables.js";

export class DocumentFetcher {
  readonly #output: DedupOutput;
  readonly #documents: DocumentTable;
  readonly #files = new Map<string, number>();

  constructor(output: DedupOutput, documents: DocumentTable) {
    this.#output = output;
    this.#documents = documents;
  }

  /** Undefined: it cannot be reached, being in a compressed or remote file and not in kept.jsonl. */
  fetch(row: number): Ordered | undefined {
    const { input: inputs, offset, length, keptOffset } = this.#documents;
    const input = this.#output.inputs[inputs[row]!]!;
    let bytes: Buffer;
    if (input.format === "text") {
      bytes =
        input.compression === "none" ? readFileSync(input.path) : decompressFileSync(input.path, input.compression);
    } else if (isSeekable(input)) {
      bytes = this.#read(input.path, offset[row]!, length[row]!);
    } else if (keptOffset[row]! >= 0) {
      bytes = this.#read(outputPath(this.#output, "kept.jsonl"), keptOffset[row]!, length[row]!);
    } else {
      return undefined;
    }
    const { document } = readCorpusRecord({ bytes }, input, this.#output.fields);
    return document === undefined ? undefined : orderedOf(row, document, input, offset[row]!);
  }

  close(): void {
    for (const file of this.#files.values()) closeSync(file);
  }

  #read(path: string, offset: number, length: number): Buffer {
    let file = this.#files.get(path);
    if (file === undefined) {
      file = openSync(path, "r");
      this.#files.set(path, file);
    }
    return readAt(file, offset, length);
  }
}

export function orderedOf(row: number, document: RecordDocument, input: AuditInput, offset: number): Ordered {
  const { id, text, source = input.source, score } = document;
  return { id: idOfRecord(id, input, offset), text, source, score, position: row };
}
