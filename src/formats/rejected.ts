// rejected/rejected.jsonl (docs/formats/rejected.md): the records a stage could not take, one a line in the order of the
// input, and the decision whether they are so many that the corpus must be misread.
import { readFile } from "node:fs/promises";
import { invalid } from "../base/errors.js";
import type { RejectedRecord } from "../records/document-block.js";

export const REJECTED_FILE = "rejected/rejected.jsonl";

/** A line: what an extended record has besides is left out. */
export function formatRejected(record: RejectedRecord): string {
  return joinRejected(JSON.stringify(record.file), record.offset, record.line, rejectedTail(record));
}

/** What of a record's line does not hang on where the record stands. */
export function rejectedTail({ reason, detail, id }: RejectedRecord): string {
  return JSON.stringify({ reason, detail, id });
}

/** The line of a record. `quotedFile`: its file as a JSON string. */
export function joinRejected(quotedFile: string, offset: number, line: number, tail: string): string {
  return `{"file":${quotedFile},"offset":${offset},"line":${line},${tail.slice(1)}\n`;
}

export async function readRejected<R extends RejectedRecord = RejectedRecord>(path: string): Promise<R[]> {
  const lines = (await readFile(path, "utf8")).split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as R);
}

/** Counts are named `rejected_<reason>`. */
export const REJECTED_PREFIX = "rejected_";

/** `rejected_<reason>` for each reason: the names a stage counts them under. */
export function countRejected(records: readonly RejectedRecord[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { reason } of records) counts[REJECTED_PREFIX + reason] = (counts[REJECTED_PREFIX + reason] ?? 0) + 1;
  return counts;
}

export interface RejectedShare {
  readonly stage: string;
  readonly path: string;
  readonly numRead: number;
  /** As countRejected gives them. */
  readonly counts: Readonly<Record<string, number>>;
  readonly maxFraction: number;
}

/** What records are refused for when the fields were named wrongly. */
const MISPLACED: readonly string[] = ["missing-text", "missing-records"];

function percent(fraction: number): string {
  return `${Number((fraction * 100).toPrecision(3))} %`;
}

/** Throws `too-many-rejected`, with the reasons, most frequent first. */
export function checkRejected({ stage, path, numRead, counts, maxFraction }: RejectedShare): void {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  if (total <= numRead * maxFraction) return;
  const reasons = Object.entries(counts)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .map(([name, count]) => `${count} ${name.slice(REJECTED_PREFIX.length)}`)
    .join(", ");
  throw invalid(
    "too-many-rejected",
    `expected at most ${percent(maxFraction)} malformed records for maxRejectedFraction, got ${percent(total / numRead)}: ` +
      `${total} of ${numRead} (${reasons})`,
    {
      stage,
      where: { file: path },
      hint: MISPLACED.some((reason) => `${REJECTED_PREFIX}${reason}` in counts)
        ? `look at ${path}; \`millrace inspect FILE\` shows where a file has its records and texts`
        : `look at ${path}; if the rest of the corpus is good, raise maxRejectedFraction (--max-rejected) and run again`,
    },
  );
}

export interface RefusedShare extends Pick<RejectedShare, "stage" | "path" | "maxFraction"> {
  readonly sizeBytes: number;
  readonly refusedBytes: number;
}

/** The rest of a file behind its damage counts as one record: its bytes tell how much is lost. Throws `too-many-rejected`. */
export function checkRefusedBytes({ stage, path, sizeBytes, refusedBytes, maxFraction }: RefusedShare): void {
  if (refusedBytes <= sizeBytes * maxFraction) return;
  throw invalid(
    "too-many-rejected",
    `expected at most ${percent(maxFraction)} of the bytes without records that can be told apart for ` +
      `maxRejectedFraction, got ${percent(refusedBytes / sizeBytes)}: ${refusedBytes} of ${sizeBytes}`,
    {
      stage,
      where: { file: path },
      hint: `mend the files at the places that ${path} names; if what is lost may be lost, raise maxRejectedFraction (--max-rejected) and run again`,
    },
  );
}
