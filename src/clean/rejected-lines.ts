// Rejected records between phases, one a line in the order of their offsets, so that the final file is merged from them
// without holding any:  <offset> TAB <line, counted from the block's begin> TAB <row of the part, or -1> TAB <tail> LF
// The tail is the record's final line from `{"reason"` on. Bytes stand for characters here: tails pass through undecoded.
import { LineFile } from "../base/lines.js";
import { rejectedTail } from "../formats/rejected.js";
import type { RejectedRecord } from "../records/document-block.js";

/** Many such files are read side by side. */
const PIECE_BYTES = 2 ** 16;

export interface RejectedLine {
  readonly offset: number;
  readonly line: number;
  /** Line of the block's part, from 0, that the record was to be; -1: it never was one. */
  readonly row: number;
  /** UTF-8, one character a byte. */
  readonly tail: string;
}

export function formatLine(record: RejectedRecord, row = -1): string {
  return `${record.offset}\t${record.line}\t${row}\t${rejectedTail(record)}\n`;
}

/** In order; blocks while it reads. */
export function* readLines(path: string): Iterable<RejectedLine> {
  const file = new LineFile(path, Number.POSITIVE_INFINITY, PIECE_BYTES);
  try {
    for (let next = file.next(); next !== undefined; next = file.next()) {
      const text = next.bytes!.toString("latin1");
      const first = text.indexOf("\t");
      const second = text.indexOf("\t", first + 1);
      const third = text.indexOf("\t", second + 1);
      yield {
        offset: Number(text.slice(0, first)),
        line: Number(text.slice(first + 1, second)),
        row: Number(text.slice(second + 1, third)),
        tail: text.slice(third + 1),
      };
    }
  } finally {
    file.close();
  }
}

/** Lines of several files by their offsets. */
export function* mergeLines(paths: readonly string[]): Iterable<RejectedLine> {
  if (paths.length === 1) {
    yield* readLines(paths[0]!);
    return;
  }
  const sources: { readonly rest: Iterator<RejectedLine>; head: RejectedLine }[] = [];
  for (const path of paths) {
    const rest = readLines(path)[Symbol.iterator]();
    const first = rest.next();
    if (first.done !== true) sources.push({ rest, head: first.value });
  }
  try {
    while (sources.length > 0) {
      let least = 0;
      for (let i = 1; i < sources.length; i += 1) if (sources[i]!.head.offset < sources[least]!.head.offset) least = i;
      const source = sources[least]!;
      yield source.head;
      const next = source.rest.next();
      if (next.done === true) sources.splice(least, 1);
      else source.head = next.value;
    }
  } finally {
    for (const { rest } of sources) rest.return?.();
  }
}
