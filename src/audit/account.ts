// First pass of the audit: every record of the input is exactly one of kept, removed and rejected, and the three files say so of no
// other. Fills the tables that the later passes compare pairs with.
import { REJECTED_FILE } from "../formats/rejected.js";
import { REMOVED_FILE } from "../formats/removed.js";
import { normalizedText } from "../text/units.js";
import { type CorpusRecord, forEachRecord, idOfRecord, readCorpusRecord } from "./corpus.js";
import { type AuditInput, type DedupOutput, outputPath } from "./dedup-output.js";
import { HashTable, hashString } from "./hash-table.js";
import { KeptLines } from "./kept-lines.js";
import { rankOf } from "./order.js";
import { placeOf, type RejectedLine, readRejectedLines, readRemovedTable } from "./output-lines.js";
import { type RecordDocument, readRecord } from "./record.js";
import { DocumentTable, KEPT, LOST, NO_DOCUMENT, REMOVED, type RemovedTable } from "./tables.js";
import { quote, type Violations } from "./violations.js";

export const KEPT_FILE = "kept.jsonl";
const DUPLICATE_ID = "duplicate-id";

export interface Accounts {
  readonly documents: DocumentTable;
  readonly removed: RemovedTable;
  /** Kept documents with the normalised text of a kept one before: pairs of rows (earlier, later). */
  readonly copies: readonly (readonly [number, number])[];
  readonly numRecords: number;
  readonly numKept: number;
  readonly numRejected: number;
  /** By reason. */
  readonly rejectedBy: Readonly<Record<string, number>>;
}

export async function accountFor(
  output: DedupOutput,
  violations: Violations,
  report: (bytes: number) => void,
): Promise<Accounts> {
  const pass = new AccountPass(output, violations);
  try {
    for (const [i, input] of output.inputs.entries()) {
      await forEachRecord(input, i, (record) => {
        pass.visit(record, input);
        report(record.bytes?.length ?? 0);
      });
    }
    return pass.finish();
  } finally {
    pass.close();
  }
}

class AccountPass {
  readonly #output: DedupOutput;
  readonly #violations: Violations;
  readonly #documents = new DocumentTable();
  readonly #removed: RemovedTable;
  /** By file and offset. */
  readonly #rejected: ReadonlyMap<string, RejectedLine>;
  readonly #kept: KeptLines;
  /** Of kept documents alone. */
  readonly #contents = new HashTable();
  #keptRows = new Uint32Array(2 ** 12);
  readonly #copies: [number, number][] = [];
  #numRecords = 0;
  #numKept = 0;
  #lastRemoved = -1;
  #lastRejected = 0;
  readonly #rejectedBy: Record<string, number> = {};

  constructor(output: DedupOutput, violations: Violations) {
    this.#output = output;
    this.#violations = violations;
    this.#removed = readRemovedTable(outputPath(output, REMOVED_FILE), violations);
    this.#rejected = readRejectedLines(outputPath(output, REJECTED_FILE), violations);
    this.#kept = new KeptLines(outputPath(output, KEPT_FILE), (row, offset) => {
      this.#documents.keptOffset[row] = offset;
      this.#documents.fate[row] = KEPT;
    });
  }

  visit(record: CorpusRecord, input: AuditInput): void {
    this.#numRecords += 1;
    const { document, faults } = readCorpusRecord(record, input, this.#output.fields);
    const rejected = this.#rejected.get(placeOf(input.path, record.offset));
    if (rejected !== undefined) this.#takeRejected(rejected, record);
    if (document === undefined) {
      this.#checkFault(rejected, faults, record, input);
      return;
    }
    const id = idOfRecord(document.id, input, record.offset);
    const hash = hashString(id);
    const first = this.#documents.ids.find(hash);
    if (first === undefined) this.#takeDocument(id, document, record, input, rejected);
    else this.#checkRepeated(id, first, record, input, rejected);
  }

  /** Of a record that is no document. */
  #checkFault(
    rejected: RejectedLine | undefined,
    faults: readonly string[],
    record: CorpusRecord,
    input: AuditInput,
  ): void {
    const found = faults.join(" and ");
    if (rejected === undefined) {
      this.#violations.add("accounted", () => `${place(input, record)} is ${found}, but is not rejected`);
    } else if (!faults.includes(rejected.reason)) {
      const says = `line ${rejected.number} of ${REJECTED_FILE} says ${rejected.reason}`;
      this.#violations.add("rejected", () => `${says} of ${place(input, record)}, which is ${found}`);
    }
  }

  /** Of a document whose id stood before. */
  #checkRepeated(
    id: string,
    first: number,
    record: CorpusRecord,
    input: AuditInput,
    rejected: RejectedLine | undefined,
  ): void {
    if (rejected?.reason !== DUPLICATE_ID) {
      const but = rejected === undefined ? "is not rejected" : `is rejected as ${rejected.reason}`;
      this.#violations.add("ids", () => {
        const before = `byte ${this.#documents.offset[first]} of ${this.#inputOf(first).path}`;
        return `${quote(id)} at ${place(input, record)} stood before at ${before}, but ${but}`;
      });
    } else if (rejected.id !== id) {
      const says = `line ${rejected.number} of ${REJECTED_FILE} says ${quote(String(rejected.id))}`;
      this.#violations.add("rejected", () => `${says} of ${place(input, record)}, whose id is ${quote(id)}`);
    }
  }

  #takeDocument(
    id: string,
    document: RecordDocument,
    record: CorpusRecord,
    input: AuditInput,
    rejected: RejectedLine | undefined,
  ): void {
    const documents = this.#documents;
    const row = documents.ids.add(hashString(id));
    documents.prepare(row);
    documents.input[row] = record.input;
    documents.offset[row] = record.offset;
    documents.length[row] = record.bytes!.length;
    documents.keptOffset[row] = -1;
    const { policy, shingling } = this.#output;
    const normalized = normalizedText(document.text, shingling.unit);
    const normalizedBytes = Buffer.byteLength(normalized);
    documents.normalizedBytes[row] = normalizedBytes;
    const { source = input.source, score } = document;
    documents.rank[row] = rankOf(policy, { source, score, position: row }, normalizedBytes);

    const line = this.#removed.ids.find(hashString(id));
    if (rejected !== undefined) {
      const says = `line ${rejected.number} of ${REJECTED_FILE} says ${rejected.reason}`;
      this.#violations.add("rejected", () => `${says} of ${place(input, record)}, which is the document ${quote(id)}`);
      if (line !== undefined) this.#violations.add("accounted", `${quote(id)} is both removed and rejected`);
    }
    if (line === undefined) {
      if (rejected === undefined) this.#expectKept(row, id, document, record, input, normalized);
      else documents.fate[row] = LOST;
      return;
    }
    documents.fate[row] = REMOVED;
    this.#removed.document[line] = row;
    if (line < this.#lastRemoved) {
      this.#violations.add(
        "removed-lines",
        `${quote(id)} on line ${this.#removed.line[line]} is not in the order of the input`,
      );
    }
    this.#lastRemoved = line;
  }

  #expectKept(
    row: number,
    id: string,
    document: RecordDocument,
    record: CorpusRecord,
    input: AuditInput,
    normalized: string,
  ): void {
    this.#documents.fate[row] = LOST;
    const { source = input.source } = document;
    const line =
      input.format === "text" ? Buffer.from(JSON.stringify({ id, text: document.text, source })) : record.bytes!;
    this.#kept.expect(row, id, line);
    const kept = this.#contents.add(hashString(normalized));
    if (this.#numKept === this.#keptRows.length) {
      const rows = new Uint32Array(2 * this.#numKept);
      rows.set(this.#keptRows);
      this.#keptRows = rows;
    }
    this.#keptRows[this.#numKept] = row;
    if (kept !== this.#numKept) this.#copies.push([this.#keptRows[kept]!, row]);
    this.#numKept += 1;
  }

  #takeRejected(rejected: RejectedLine, record: CorpusRecord): void {
    rejected.used = true;
    this.#rejectedBy[rejected.reason] = (this.#rejectedBy[rejected.reason] ?? 0) + 1;
    if (rejected.line !== record.line) {
      const says = `line ${rejected.number} of ${REJECTED_FILE} says line ${rejected.line}`;
      this.#violations.add(
        "rejected",
        `${says} of byte ${rejected.offset} of ${rejected.file}, which is line ${record.line}`,
      );
    }
    if (rejected.number < this.#lastRejected) {
      this.#violations.add("rejected", `line ${rejected.number} of ${REJECTED_FILE} is not in the order of the input`);
    }
    this.#lastRejected = rejected.number;
  }

  finish(): Accounts {
    this.#finishKept();
    for (let line = 0; line < this.#removed.numRows; line += 1) {
      if (this.#removed.document[line] !== NO_DOCUMENT) continue;
      const number = this.#removed.line[line];
      this.#violations.add(
        "accounted",
        `line ${number} of ${REMOVED_FILE} removes a document that the input does not have`,
      );
    }
    let numRejected = 0;
    for (const { used, number, file, offset } of this.#rejected.values()) {
      numRejected += 1;
      if (used) continue;
      this.#violations.add(
        "rejected",
        `line ${number} of ${REJECTED_FILE}: no record begins at byte ${offset} of ${file}`,
      );
    }
    return {
      documents: this.#documents,
      removed: this.#removed,
      copies: this.#copies,
      numRecords: this.#numRecords,
      numKept: this.#kept.numLines,
      numRejected,
      rejectedBy: this.#rejectedBy,
    };
  }

  #finishKept(): void {
    const { rows, lines } = this.#kept.finish();
    const rowOf = new Map(rows.map(({ row, id }) => [id, row]));
    for (const line of lines) {
      const id = readRecord(line.bytes, this.#output.fields).document?.id;
      const row = id === undefined ? undefined : rowOf.get(id);
      if (row === undefined || id === undefined) {
        const who = id === undefined ? "" : ` (${quote(id)})`;
        const what = `line ${line.line} of ${KEPT_FILE}${who} is no line that should be there, or one too many`;
        this.#violations.add("kept-lines", what);
        continue;
      }
      this.#violations.add("kept-lines", `line ${line.line} of ${KEPT_FILE} is not the input's line of ${quote(id)}`);
      // Its text may be damaged, its being there is not.
      this.#documents.fate[row] = KEPT;
      rowOf.delete(id);
    }
    for (const [id, row] of rowOf) {
      const where = `byte ${this.#documents.offset[row]} of ${this.#inputOf(row).path}`;
      this.#violations.add("accounted", `${quote(id)} at ${where} is neither kept nor removed nor rejected`);
    }
    this.#checkKeptOrder();
  }

  close(): void {
    this.#kept.close();
  }

  #inputOf(row: number): AuditInput {
    return this.#output.inputs[this.#documents.input[row]!]!;
  }

  #checkKeptOrder(): void {
    const { keptOffset, numRows } = this.#documents;
    let last = -1;
    for (let row = 0; row < numRows; row += 1) {
      const offset = keptOffset[row]!;
      if (offset < 0) continue;
      if (offset < last) {
        const what = `the line at byte ${offset} of ${KEPT_FILE} should come after the one at byte ${last}`;
        this.#violations.add("kept-lines", what);
      }
      last = offset;
    }
  }
}

function place({ path }: AuditInput, { offset, line }: CorpusRecord): string {
  return line === 0 ? path : `${path}:${line} (byte ${offset})`;
}
