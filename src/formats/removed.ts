// removed.jsonl (docs/formats/dedup.md): the documents that dedup removed, each with the kept one it resembles. Read as a
// stream and strictly: what is not written as dedup writes it is damage.
import { invalid } from "../base/errors.js";
import { type Line, LineFile } from "../base/lines.js";

export const REMOVED_FILE = "removed.jsonl";

export interface RemovedDocument {
  readonly id: string;
  /** Id of the witness, a document of kept.jsonl. */
  readonly kept: string;
  /** Exact similarity of the two, in (0, 1]. */
  readonly jaccard: number;
}

/** Bytes of its line before the id and behind it: what to look for where a line is found without parsing the others. */
export const REMOVED_LINE_HEAD = '{"id":';
export const REMOVED_LINE_KEPT = ',"kept":';

export function formatRemoved({ id, kept, jaccard }: RemovedDocument): string {
  return `${REMOVED_LINE_HEAD}${JSON.stringify(id)}${REMOVED_LINE_KEPT}${JSON.stringify(kept)},"jaccard":${jaccard}}\n`;
}

/** Undefined when the line is not one that dedup writes. */
export function parseRemoved(line: string): RemovedDocument | undefined {
  let value: RemovedDocument;
  try {
    value = JSON.parse(line) as RemovedDocument;
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { id, kept, jaccard } = value;
  if (typeof id !== "string" || typeof kept !== "string" || typeof jaccard !== "number") return undefined;
  if (!(jaccard > 0 && jaccard <= 1) || formatRemoved(value) !== `${line}\n`) return undefined;
  return value;
}

/** All lines in order. Throws `removed-damaged` with the place of the first that is not as dedup writes it. */
export function* readRemoved(path: string): Generator<RemovedDocument, void, undefined> {
  const file = new LineFile(path);
  try {
    for (let line = file.next(); line !== undefined; line = file.next()) yield parseLine(path, line);
  } finally {
    file.close();
  }
}

function parseLine(path: string, { bytes, offset, number }: Line): RemovedDocument {
  const removed = parseRemoved(bytes!.toString("utf8"));
  if (removed !== undefined) return removed;
  const got = bytes!.toString("utf8", 0, 80);
  throw invalid("removed-damaged", `expected {"id","kept","jaccard"} as dedup writes it, got ${JSON.stringify(got)}`, {
    where: { file: path, line: number, offset },
    hint: "the file has changed since dedup wrote it; remove the stage's folder and run again",
  });
}
