// The record of a document, found by its id in JSON lines: by the bytes of the id as usual writers of JSON put them, then by
// reading the line. Ids that were made up of a place are looked for at that place.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { forEachLine } from "../base/lines.js";
import { REJECTED_FILE } from "../formats/rejected.js";
import type { RewrittenRecord } from "../formats/rewritten.js";
import type { RejectedRecord } from "../records/document-block.js";
import { type FoundLine, lineAt, linesWith } from "./byte-scan.js";
import { type CorpusRecord, forEachRecord, idOfRecord, readCorpusRecord } from "./corpus.js";
import { type AuditInput, isSeekable } from "./dedup-output.js";
import { type RecordDocument, type RecordFields, readRecord } from "./record.js";

export interface FoundDocument {
  readonly id: string;
  readonly document: RecordDocument;
  readonly file: string;
  /** Of its record in the decompressed file. */
  readonly offset: number;
}

/** How an id may stand in JSON: as it is, with all but ASCII escaped, with slashes escaped; a number without quotes. */
function writtenIds(id: string): Buffer[] {
  const plain = JSON.stringify(id);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII is the point
  const ascii = plain.replace(/[^\x00-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  const forms = new Set([plain, ascii, plain.replaceAll("/", "\\/"), ascii.replaceAll("/", "\\/")]);
  if (/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(id)) forms.add(id);
  return [...forms].map((form) => Buffer.from(form));
}

const SPACE_BYTES = new Set([0x20, 0x09, 0x0d]);

/** Whether a member's value may stand at `at`: behind a colon. Text hits that are no value are not worth a look at their line. */
function standsBehindColon(bytes: Buffer, at: number): boolean {
  let before = at - 1;
  while (before >= 0 && SPACE_BYTES.has(bytes[before]!)) before -= 1;
  return before < 0 || bytes[before] === 0x3a;
}

/** The first record of a file of JSON lines with this id of its own. */
export function findInLines(path: string, id: string, fields: RecordFields): FoundDocument | undefined {
  for (const written of writtenIds(id)) {
    for (const { bytes, offset } of linesWith(path, written, { accept: standsBehindColon })) {
      const found = documentIn(bytes, offset, id, fields);
      if (found !== undefined) return { ...found, file: path };
    }
  }
  return undefined;
}

function documentIn(
  line: Buffer,
  offset: number,
  id: string,
  fields: RecordFields,
): Omit<FoundDocument, "file"> | undefined {
  const bytes = line.at(-1) === 0x0d ? line.subarray(0, -1) : line;
  const { document } = readRecord(bytes, fields);
  return document?.id === id ? { id, document, offset } : undefined;
}

/** The first record among the inputs of a stage that goes by this id. */
export async function findInInputs(
  inputs: readonly AuditInput[],
  id: string,
  fields: RecordFields,
): Promise<FoundDocument | undefined> {
  for (const [i, input] of inputs.entries()) {
    const found =
      (await findAtPlace(input, i, id, fields)) ??
      (input.format === "text"
        ? undefined
        : isSeekable(input)
          ? findInLines(input.path, id, fields)
          : await findInStream(input, id, fields));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Of an id `<source>#<offset>` of this input. */
async function findAtPlace(
  input: AuditInput,
  index: number,
  id: string,
  fields: RecordFields,
): Promise<FoundDocument | undefined> {
  const offset = Number(id.slice(input.source.length + 1));
  if (id !== `${input.source}#${offset}`) return undefined;
  let found: FoundDocument | undefined;
  const visit = (record: Pick<CorpusRecord, "bytes">): void => {
    const { document } = readCorpusRecord(record, input, fields);
    if (document !== undefined && idOfRecord(document.id, input, offset) === id) {
      found = { id, document, file: input.path, offset };
    }
  };
  if (input.format === "jsonl" && isSeekable(input)) {
    for (const bytes of lineFrom(input, offset)) visit({ bytes });
  } else {
    await forEachRecord(input, index, (record) => {
      if (record.offset === offset) visit(record);
    });
  }
  return found;
}

function* lineFrom({ path, sizeBytes }: AuditInput, offset: number): Iterable<Buffer> {
  if (offset >= sizeBytes) return;
  const line = lineAt(path, offset);
  yield line.at(-1) === 0x0d ? line.subarray(0, -1) : line;
}

async function findInStream(
  { path, compression, version }: AuditInput,
  id: string,
  fields: RecordFields,
): Promise<FoundDocument | undefined> {
  const forms = writtenIds(id);
  let found: FoundDocument | undefined;
  await forEachLine(
    path,
    ({ bytes, offset }) => {
      if (found !== undefined || bytes === undefined || !forms.some((form) => bytes.includes(form))) return;
      const one = documentIn(bytes, offset, id, fields);
      if (one !== undefined) found = { ...one, file: path };
    },
    { compression: compression === "none" ? undefined : compression, version },
  );
  return found;
}

/** Lines of a stage's rejected file that name this id. */
export function rejectedWith(id: string, dir: string): RejectedRecord[] {
  const path = join(dir, REJECTED_FILE);
  return existsSync(path) ? [...ownLinesWith<RejectedRecord>(path, id)] : [];
}

/** Of the files in which a stage tells what it has rewritten, the lines that name this id. */
export function rewrittenWith(id: string, paths: readonly string[]): RewrittenRecord[] {
  return paths.flatMap((path) => [...ownLinesWith<RewrittenRecord>(path, id)]);
}

/** Lines that the program itself wrote, so that there is one way to write an id. */
function* ownLinesWith<R extends { readonly id?: string | undefined }>(path: string, id: string): Iterable<R> {
  const [written] = writtenIds(id);
  for (const { bytes } of linesWith(path, written!)) {
    const record = JSON.parse(bytes.toString("utf8")) as R;
    if (record.id === id) yield record;
  }
}

/** Up to `limit` ids of their own that begin as this one does, for who has mistyped one. */
export function idsLike(path: string, id: string, fields: RecordFields, limit: number): string[] {
  const found = new Set<string>();
  // With half of the letters wrong it is another id.
  const least = Math.max(Math.ceil(id.length / 2), id.length - 3);
  for (let length = id.length - 1; length >= least && found.size === 0; length -= 1) {
    const beginning = id.slice(0, length);
    const needle = Buffer.from(JSON.stringify(beginning).slice(0, -1));
    for (const { bytes } of takeLines(linesWith(path, needle, { accept: standsBehindColon }), MAX_LOOKED_AT)) {
      const own = readRecord(bytes, fields).document?.id;
      if (own?.startsWith(beginning)) found.add(own);
      if (found.size === limit) break;
    }
  }
  return [...found];
}

const MAX_LOOKED_AT = 100;

function* takeLines(lines: Iterable<FoundLine>, limit: number): Iterable<FoundLine> {
  let taken = 0;
  for (const line of lines) {
    yield line;
    taken += 1;
    if (taken === limit) return;
  }
}
