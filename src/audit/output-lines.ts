// removed.jsonl and rejected.jsonl as the audit reads them: a line that is not as it should be is a violation, not an error.
import { existsSync } from "node:fs";
import { type Line, LineFile } from "../base/lines.js";
import { REJECTED_FILE } from "../formats/rejected.js";
import { parseRemoved, REMOVED_FILE } from "../formats/removed.js";
import type { RejectedRecord } from "../records/document-block.js";
import { hashString } from "./hash-table.js";
import { NO_DOCUMENT, RemovedTable } from "./tables.js";
import { quote, type Violations } from "./violations.js";

export function readRemovedTable(path: string, violations: Violations): RemovedTable {
  const table = new RemovedTable();
  forEachOutputLine(path, (line) => {
    const removed = parseRemoved(line.bytes!.toString("utf8"));
    if (removed === undefined) {
      violations.add("removed-lines", `line ${line.number} of ${REMOVED_FILE} is not as dedup writes it`);
      return;
    }
    const hash = hashString(removed.id);
    if (table.ids.find(hash) !== undefined) {
      violations.add("removed-lines", `${quote(removed.id)} on line ${line.number} of ${REMOVED_FILE} stood before`);
      return;
    }
    const row = table.ids.add(hash);
    table.prepare(row);
    const kept = hashString(removed.kept);
    table.keptLow[row] = kept.low;
    table.keptHigh[row] = kept.high;
    table.jaccard[row] = removed.jaccard;
    table.offset[row] = line.offset;
    table.line[row] = line.number;
    table.document[row] = NO_DOCUMENT;
  });
  return table;
}

export interface RejectedLine extends RejectedRecord {
  /** Of its line, from 1. */
  readonly number: number;
  /** A record stands where it says. */
  used: boolean;
}

export function placeOf(file: string, offset: number): string {
  return `${offset} ${file}`;
}

/** By placeOf. Held in memory, some 300 bytes a line: rejected records are few. */
export function readRejectedLines(path: string, violations: Violations): ReadonlyMap<string, RejectedLine> {
  const lines = new Map<string, RejectedLine>();
  forEachOutputLine(path, (line) => {
    const rejected = parseRejected(line);
    if (rejected === undefined) {
      violations.add("rejected", `line ${line.number} of ${REJECTED_FILE} is not as dedup writes it`);
      return;
    }
    const place = placeOf(rejected.file, rejected.offset);
    if (lines.has(place)) violations.add("rejected", `line ${line.number} of ${REJECTED_FILE} rejects a record again`);
    else lines.set(place, { ...rejected, number: line.number, used: false });
  });
  return lines;
}

function parseRejected({ bytes }: Line): RejectedRecord | undefined {
  let value: Partial<RejectedRecord> | null;
  try {
    value = JSON.parse(bytes!.toString("utf8")) as Partial<RejectedRecord> | null;
  } catch {
    return undefined;
  }
  const { file, offset, line, reason } = Object(value) as Partial<RejectedRecord>;
  const wellFormed =
    typeof file === "string" && typeof offset === "number" && typeof line === "number" && typeof reason === "string";
  return wellFormed ? (value as RejectedRecord) : undefined;
}

/** A file that is not there has no lines: stage.json, which names it, tells the difference. */
function forEachOutputLine(path: string, visit: (line: Line) => void): void {
  if (!existsSync(path)) return;
  const file = new LineFile(path);
  try {
    for (let line = file.next(); line !== undefined; line = file.next()) visit(line);
  } finally {
    file.close();
  }
}
