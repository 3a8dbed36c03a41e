// Corpus files (docs/formats/corpus.md): what the ending of a name says, what documents call their source, how large a
// block is. Knows nothing of reading.
import { basename } from "node:path";
import { invalid } from "../base/errors.js";
import type { BlockRef, Compression, CorpusFormat, ReadOptions, TableFormat } from "../records/block-reader.js";
import { UTF_8 } from "./encodings.js";

const ENDINGS: readonly { readonly ending: string; readonly format: CorpusFormat }[] = [
  { ending: ".jsonl", format: "jsonl" },
  { ending: ".ndjson", format: "jsonl" },
  { ending: ".json", format: "json" },
  { ending: ".txt", format: "text" },
  { ending: ".csv", format: "csv" },
  { ending: ".tsv", format: "tsv" },
  { ending: ".parquet", format: "parquet" },
  { ending: ".arrow", format: "arrow" },
  { ending: ".arrows", format: "arrow" },
  { ending: ".feather", format: "arrow" },
];
/** They say what their texts are, have their own compression, and are read in places, not from begin to end. */
const SELF_DESCRIBING: readonly CorpusFormat[] = ["parquet", "arrow"];
const COMPRESSIONS: readonly { readonly ending: string; readonly compression: Compression }[] = [
  { ending: ".gz", compression: "gzip" },
  { ending: ".zst", compression: "zstd" },
];

/** 64 MiB of text: beyond it a document is a mistake of the corpus, such as a missing line end. */
const DEFAULT_MAX_DOCUMENT_BYTES = 64 * 2 ** 20;

/** The names are those of the fields in what Millrace itself writes. */
export const DEFAULT_READ_OPTIONS: ReadOptions = {
  textField: "text",
  idField: "id",
  sourceField: "source",
  maxDocumentBytes: DEFAULT_MAX_DOCUMENT_BYTES,
};

/** The part of a stage's configuration that says how documents are read. */
export function readOptionsOf(config: ReadOptions): ReadOptions {
  const { textField, idField, sourceField, maxDocumentBytes, recordsField, encoding } = config;
  return {
    ...{ textField, idField, sourceField, maxDocumentBytes },
    ...(recordsField ? { recordsField } : {}),
    ...(encoding === undefined ? {} : { encoding }),
  };
}

/** A stage's choices for one of its inputs. */
export function ownFields<O extends ReadOptions>(options: O, { fields }: Pick<BlockRef, "fields">): O {
  return fields === undefined ? options : { ...options, ...fields };
}

/** A record longer than this is rejected unread, so that one missing line end cannot exhaust memory. */
export const MAX_RECORD_BYTES = 256 * 2 ** 20;

const MIN_BLOCK_BYTES = 2 ** 20;
const MAX_BLOCK_BYTES = 64 * 2 ** 20;
/** Enough blocks for every core of a large machine, few enough that each is worth a task. */
const BLOCKS_OF_SMALL_INPUT = 32;

const TABLE_FORMATS: ReadonlySet<CorpusFormat> = new Set<TableFormat>(["csv", "tsv", "parquet", "arrow"]);

export function isTable(format: CorpusFormat): format is TableFormat {
  return TABLE_FORMATS.has(format);
}

export interface CorpusKind {
  readonly format: CorpusFormat;
  readonly compression: Compression;
  /** The file's name without folders and endings. */
  readonly stem: string;
}

/** What the file's name says it is, in letters of any case; undefined when it is no corpus file. */
export function corpusKind(path: string): CorpusKind | undefined {
  const name = basename(path);
  const endsIn = (text: string, ending: string): boolean => text.slice(-ending.length).toLowerCase() === ending;
  const packed = COMPRESSIONS.find(({ ending }) => endsIn(name, ending));
  const inner = packed === undefined ? name : name.slice(0, -packed.ending.length);
  for (const { ending, format } of ENDINGS) {
    if (packed !== undefined && SELF_DESCRIBING.includes(format)) continue;
    if (endsIn(inner, ending) && inner.length > ending.length) {
      return { format, compression: packed?.compression ?? "none", stem: inner.slice(0, -ending.length) };
    }
  }
  return undefined;
}

export function requireCorpusKind(path: string): CorpusKind {
  const kind = corpusKind(path);
  if (kind !== undefined) return kind;
  const endingsOf = (isPacked: boolean): string =>
    ENDINGS.filter(({ format }) => SELF_DESCRIBING.includes(format) !== isPacked)
      .map(({ ending }) => ending)
      .join(", ");
  throw invalid(
    "config-input-format",
    `expected a corpus file (${endingsOf(true)}, or one of these and .gz or .zst; ${endingsOf(false)}), got "${path}"`,
    {
      where: { file: path },
      hint: "name the files or rename them by what they hold",
    },
  );
}

/** Tables that say themselves what their texts are can be told no encoding. */
export function refuseStatedEncoding(path: string, stated: string | undefined): void {
  const format = corpusKind(path)?.format;
  if (format === undefined || !SELF_DESCRIBING.includes(format) || stated === undefined || stated === UTF_8) return;
  throw invalid(
    "input-encoding",
    `expected no encoding for ${path}, got ${stated}: texts of ${format} files are UTF-8`,
    {
      where: { file: path },
      hint: "leave the encoding out of this input",
    },
  );
}

/**
 * Whether a folder stands for the file too. JSON files are read where they are named or match a pattern: in folders they are
 * as often what describes the corpus.
 */
export function isCorpusOfFolder(path: string): boolean {
  const kind = corpusKind(path);
  return kind !== undefined && kind.format !== "json";
}

/** Dedup copies lines as they stand, so it reads files of lines and texts alone. */
export function requireLines(path: string): void {
  const format = corpusKind(path)?.format;
  if (format === undefined || format === "jsonl" || format === "text") return;
  throw invalid("config-input-format", `expected JSON lines or texts for dedup, got "${path}"`, {
    where: { file: path },
    hint: "run `millrace clean` on it first: it writes JSON lines",
  });
}

/**
 * The source each file gives its documents: its stem, and "<stem>~2", "<stem>~3" for later files of the same stem, so that
 * made-up ids differ across files. Depends on names and order, never on where files lie.
 */
export function sourceNames(stems: readonly string[]): string[] {
  const taken = new Set(stems);
  const seen = new Set<string>();
  return stems.map((stem) => {
    if (!seen.has(stem)) {
      seen.add(stem);
      return stem;
    }
    let number = 2;
    while (taken.has(`${stem}~${number}`)) number += 1;
    const name = `${stem}~${number}`;
    taken.add(name);
    return name;
  });
}

/** A function of the total alone, so that blocks do not depend on the machine. */
export function blockBytes(totalInputBytes: number): number {
  const share = Math.ceil(totalInputBytes / BLOCKS_OF_SMALL_INPUT);
  return Math.min(MAX_BLOCK_BYTES, Math.max(MIN_BLOCK_BYTES, share));
}

/** Six digits each: names sort in input order up to a million files of a million blocks. */
export function blockId(input: number, block: number): string {
  return `${String(input).padStart(6, "0")}-${String(block).padStart(6, "0")}`;
}

/** The part of a block's id that names its input. */
export function inputOfBlock(id: string): string {
  return id.slice(0, id.indexOf("-"));
}
