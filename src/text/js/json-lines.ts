// Documents back to JSON lines: {"id":...,"text":...,"source":...,<the other fields as they were>}, the bytes that
// native/text/json_lines.h writes.
import { invariant } from "../../base/errors.js";
import type { ScanResult } from "../../native/read.js";
import { ByteSink } from "./byte-sink.js";
import { CLOSE_BRACE, COLON, COMMA, JsonCursor, OPEN_BRACE, QUOTE } from "./json-cursor.js";

export type FormattedBlock = Pick<
  ScanResult,
  "numDocuments" | "text" | "textOffsets" | "id" | "idOffsets" | "meta" | "metaOffsets" | "sources" | "sourceIndex"
>;

interface Member {
  readonly name: string;
  /** Name and value as they are written, without what stands between. */
  readonly rawName: Uint8Array;
  readonly rawValue: Uint8Array;
}

const FIELD_NAMES: readonly string[] = ["id", "text", "source"];
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export function formatJsonl(block: FormattedBlock, keep: Uint8Array): Uint8Array {
  const out = new ByteSink(1 << 16);
  for (let row = 0; row < block.numDocuments; row += 1) {
    if (keep[row] === 0) continue;
    const id = decoder.decode(block.id.subarray(block.idOffsets[row], block.idOffsets[row + 1]));
    const text = decoder.decode(block.text.subarray(block.textOffsets[row], block.textOffsets[row + 1]));
    const source = block.sources[block.sourceIndex[row]!];
    // JSON.stringify escapes what must be escaped and no more: lone surrogates do not come out of UTF-8.
    const fields = JSON.stringify({ id, text, source });
    out.append(Buffer.from(fields.slice(0, -1)));
    appendMembers(splitMembers(block.meta.subarray(block.metaOffsets[row], block.metaOffsets[row + 1])), out);
    out.append(Buffer.from("}\n"));
  }
  return out.copy();
}

function splitMembers(meta: Uint8Array): Member[] {
  const cursor = new JsonCursor(meta, 0, meta.length);
  const members: Member[] = [];
  const name = new ByteSink(64);
  const expect = (condition: boolean): void => invariant(condition, "expected a JSON object as the meta of a document");
  expect(cursor.expect(OPEN_BRACE, ""));
  for (cursor.skipWhitespace(); cursor.peek() !== CLOSE_BRACE; cursor.skipWhitespace()) {
    if (members.length > 0) {
      expect(cursor.expect(COMMA, ""));
      cursor.skipWhitespace();
    }
    expect(cursor.peek() === QUOTE);
    const nameBegin = cursor.position;
    name.length = 0;
    expect(cursor.readString(name));
    const rawName = meta.subarray(nameBegin, cursor.position);
    cursor.skipWhitespace();
    expect(cursor.expect(COLON, ""));
    cursor.skipWhitespace();
    const valueBegin = cursor.position;
    expect(cursor.skipValue(1));
    members.push({ name: decoder.decode(name.view()), rawName, rawValue: meta.subarray(valueBegin, cursor.position) });
  }
  expect(cursor.position + 1 === meta.length);
  return members;
}

/** A field that already bears one of the three names is kept as "original_<name>", longer for as long as that is taken too. */
function appendMembers(members: readonly Member[], out: ByteSink): void {
  const taken = new Set(members.map(({ name }) => name));
  for (const { name, rawName, rawValue } of members) {
    out.push(COMMA);
    if (FIELD_NAMES.includes(name)) {
      let free = `original_${name}`;
      while (taken.has(free)) free = `original_${free}`;
      out.append(Buffer.from(JSON.stringify(free)));
    } else {
      out.append(rawName);
    }
    out.push(COLON);
    out.append(rawValue);
  }
}
