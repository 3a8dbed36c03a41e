// What a file of text is decoded from: what its input says, or its byte order mark. Text is UTF-8 everywhere else.
import { DamagedStream } from "../base/damaged-stream.js";
import { decompress } from "../base/decompress.js";
import { invalid, type MillraceError } from "../base/errors.js";
import { openStored } from "../base/storage/index.js";
import { UTF_8, UTF_16 } from "../formats/encodings.js";
import type { CorpusBytes } from "./stored-bytes.js";

/** The longer marks first: that of UTF-32LE begins with that of UTF-16LE. */
const MARKS = [
  { encoding: "utf-32le", bytes: [0xff, 0xfe, 0x00, 0x00] },
  { encoding: "utf-32be", bytes: [0x00, 0x00, 0xfe, 0xff] },
  { encoding: "utf-16le", bytes: [0xff, 0xfe] },
  { encoding: "utf-16be", bytes: [0xfe, 0xff] },
  { encoding: UTF_8, bytes: [0xef, 0xbb, 0xbf] },
] as const;

const UTF_32 = ["utf-32le", "utf-32be"];

/** That every other one of so many bytes is NUL, and none between them, is no accident. */
const LOOKED_AT_BYTES = 8;

/** Holds the first block of a Zstandard frame, which is decoded as a whole. */
const STORED_BYTES = 2 ** 18;

export interface FileEncoding {
  /** Undefined: the file is UTF-8, or is to be read as if it were. */
  readonly encoding?: string;
  /** Nobody has stated it: the byte order mark says so. */
  readonly byMark?: true;
  /** The file cannot be read so: the mark says otherwise, or it is in an encoding that nobody stated or that is not read. */
  readonly fault?: { readonly found: string; readonly hint: string };
}

/** What the first bytes of a file say of its encoding, if anything. */
function encodingByMark(begin: Uint8Array): string | undefined {
  return MARKS.find(({ bytes }) => bytes.every((byte, i) => begin[i] === byte))?.encoding;
}

/** UTF-16 without a mark, of a text that begins with a few characters of ASCII, as all records do. */
function looksLikeUtf16(begin: Uint8Array): string | undefined {
  if (begin.length < LOOKED_AT_BYTES) return undefined;
  const nuls = Array.from(begin.subarray(0, LOOKED_AT_BYTES), (byte) => (byte === 0 ? "0" : "x")).join("");
  if (nuls === "x0".repeat(LOOKED_AT_BYTES / 2)) return "utf-16le";
  return nuls === "0x".repeat(LOOKED_AT_BYTES / 2) ? "utf-16be" : undefined;
}

/** What the text that begins so is decoded from. `stated`: by its input, a name of encodingOfLabel. */
export function findEncoding(begin: Uint8Array, stated: string | undefined): FileEncoding {
  const mark = encodingByMark(begin);
  if (stated !== undefined) {
    // Whoever states UTF-16 means a NUL behind its mark, not UTF-32.
    const own = stated.startsWith(UTF_16) && mark === "utf-32le" ? "utf-16le" : mark;
    const fits = stated === UTF_16 ? own?.startsWith(UTF_16) === true : own === stated;
    if (own !== undefined && !fits) return foundMark(own);
    const encoding = stated === UTF_16 ? (own ?? "utf-16le") : stated;
    return encoding === UTF_8 ? {} : { encoding };
  }
  if (mark === "utf-16le" || mark === "utf-16be") return { encoding: mark, byMark: true };
  if (mark !== undefined && UTF_32.includes(mark)) return foundMark(mark);
  const likely = looksLikeUtf16(begin);
  if (likely === undefined) return {};
  const hint = `state it: \`encoding: ${likely}\` beside the path of the input, or \`--encoding ${likely}\``;
  return { fault: { found: `what is ${likely} without a byte order mark`, hint } };
}

function foundMark(mark: string): FileEncoding {
  const hint = UTF_32.includes(mark)
    ? `convert it: \`iconv -f ${mark} -t UTF-8\``
    : `leave the encoding out for this file, or state ${mark}`;
  return { fault: { found: `the byte order mark of ${mark}`, hint } };
}

export function wrongEncoding(
  file: string,
  { found, hint }: NonNullable<FileEncoding["fault"]>,
  stated = UTF_8,
): MillraceError {
  return invalid("input-encoding", `expected ${stated} in ${file}, got ${found}`, { where: { file, offset: 0 }, hint });
}

/** Of a file of records, by its first bytes. Fails as `input-encoding`. */
export async function encodingOf(file: CorpusBytes, stated: string | undefined): Promise<Omit<FileEncoding, "fault">> {
  const { fault, ...found } = findEncoding(await firstBytes(file), stated);
  if (fault !== undefined) throw wrongEncoding(file.file, fault, stated);
  return found;
}

/** What damage there is will be told by who reads the file. */
async function firstBytes({ file, compression, version }: CorpusBytes): Promise<Uint8Array> {
  const stored = await openStored(file, version);
  try {
    if (compression === "none") {
      const begin = new Uint8Array(LOOKED_AT_BYTES);
      return begin.subarray(0, await stored.read(begin, 0));
    }
    const parts: Uint8Array[] = [];
    let sizeBytes = 0;
    try {
      for await (const part of decompress(() => stored.stream(0, STORED_BYTES, STORED_BYTES), compression)) {
        parts.push(part.subarray(0, LOOKED_AT_BYTES));
        sizeBytes += part.length;
        if (sizeBytes >= LOOKED_AT_BYTES) break;
      }
    } catch (error) {
      if (!(error instanceof DamagedStream)) throw error;
    }
    return Buffer.concat(parts);
  } finally {
    await stored.close();
  }
}

/** What the user is told of a file that is decoded without being asked. */
export function noteOf(file: string, encoding: string): string {
  return `${file} is ${encoding} by its byte order mark, and is read as that`;
}

/** How a record is named whose bytes are no text of the encoding that its file is decoded from. */
export function faultOf(
  encoding: string | undefined,
  reason: string,
  detail: string | undefined,
): { readonly reason: string; readonly detail: string | undefined } {
  return encoding === undefined || reason !== "invalid-utf8"
    ? { reason, detail }
    : { reason: "invalid-encoding", detail: `the record has bytes that are no ${encoding}` };
}
