// Takes the fields Millrace knows out of one JSON object and keeps all others as they are written.
//
// Rules, those of native/text/json_record.h: names are compared after unescaping. A name that stands twice in the record's
// object, or in an object that a field's path passes through, makes the record ambiguous: "duplicate-key". A lone surrogate
// is refused where its string is read (text, id, source, and names in those objects) and kept as written everywhere else.
// A source that is not a string is no source and stays among the other fields. Bad syntax anywhere outranks every other
// reason.
import { invariant } from "../../base/errors.js";
import { ByteSink } from "./byte-sink.js";
import { beginsNumber, CLOSE_BRACE, COLON, COMMA, JsonCursor, OPEN_BRACE, QUOTE } from "./json-cursor.js";

export interface RecordFields {
  /** Dotted paths; all but the first may be empty: never looked up. */
  readonly textField: string;
  readonly idField: string;
  readonly sourceField: string;
  readonly scoreField: string;
  /** 0: no limit. */
  readonly maxDocumentBytes: number;
}

export interface RecordFault {
  readonly reason: string;
  readonly detail: string;
}

const TEXT = 0;
const ID = 1;
const SOURCE = 2;
const SCORE = 3;

/** How much of a name a sentence quotes. */
const QUOTED_BYTES = 100;

/** Names as strings of one byte a character, which compare as their UTF-8 does. */
function pathOf(dotted: string): string[] {
  return dotted === "" ? [] : dotted.split(".").map((name) => Buffer.from(name).toString("latin1"));
}

function passesThrough(longer: readonly string[], shorter: readonly string[]): boolean {
  return shorter.every((name, depth) => longer[depth] === name);
}

/** Reads one record at a time into its own buffers, which hold until the next. */
export class RecordReader {
  readonly text = new ByteSink();
  readonly id = new ByteSink();
  readonly source = new ByteSink();
  /** The object without text, id and source, as JSON: "{}" when nothing else was there. */
  readonly meta = new ByteSink();
  hasId = false;
  hasSource = false;
  /** NaN where there is none. */
  score = Number.NaN;
  readonly #paths: readonly (readonly string[])[];
  readonly #maxDocumentBytes: number;
  readonly #name = new ByteSink();
  #hasText = false;
  #problem: RecordFault | undefined;

  constructor({ textField, idField, sourceField, scoreField, maxDocumentBytes }: RecordFields) {
    this.#paths = [textField, idField, sourceField, scoreField].map(pathOf);
    this.#maxDocumentBytes = maxDocumentBytes;
    invariant(textField !== "", "expected a name for textField, got an empty one");
    for (const [i, path] of this.#paths.entries()) {
      invariant(!path.includes(""), "expected names between the dots of a field's path, got an empty one");
      const crossed = this.#paths.some((other, j) => i !== j && other.length > 0 && passesThrough(path, other));
      invariant(!crossed, "expected different paths for the fields, got one inside another");
    }
  }

  /** One line, bytes[begin, end), without its line end; valid UTF-8. */
  read(bytes: Uint8Array, begin: number, end: number): RecordFault | undefined {
    this.hasId = this.hasSource = this.#hasText = false;
    this.score = Number.NaN;
    this.meta.length = 0;
    this.#problem = undefined;
    const cursor = new JsonCursor(bytes, begin, end);
    cursor.skipWhitespace();
    let parsed: boolean;
    if (cursor.peek() === OPEN_BRACE) {
      const fields = [...this.#paths.keys()].filter((field) => this.#paths[field]!.length > 0);
      parsed = this.#readObject(cursor, 0, fields);
    } else {
      parsed = cursor.skipValue(0);
      this.#objectTo("not-an-object", "expected an object as the record");
    }
    if (parsed) {
      cursor.skipWhitespace();
      parsed = cursor.position === end || cursor.fail("expected the end of the record after its value");
    }
    if (!parsed) {
      const detail = `${cursor.fault} at byte ${cursor.position - begin} of the record`;
      return { reason: "invalid-json", detail };
    }
    if (!this.#hasText) this.#objectTo("missing-text");
    return this.#problem;
  }

  /** `fields`: those whose path goes on inside this object. */
  #readObject(cursor: JsonCursor, depth: number, fields: readonly number[]): boolean {
    const names: string[] = [];
    let isFirst = true;
    this.meta.push(OPEN_BRACE);
    cursor.position += 1;
    cursor.skipWhitespace();
    if (cursor.peek() !== CLOSE_BRACE) {
      for (;;) {
        if (cursor.peek() !== QUOTE) return cursor.fail("expected a name in quotes");
        const begin = cursor.position;
        const name = this.#readName(cursor);
        if (name === undefined) return false;
        names.push(name);
        cursor.skipWhitespace();
        if (!cursor.expect(COLON, "expected a colon after a name")) return false;
        cursor.skipWhitespace();
        const kept = this.#readMember(cursor, depth, fields, begin, name, isFirst);
        if (kept === undefined) return false;
        isFirst &&= !kept;
        cursor.skipWhitespace();
        if (cursor.peek() === CLOSE_BRACE) break;
        if (!cursor.expect(COMMA, "expected a comma or } after a member")) return false;
        cursor.skipWhitespace();
      }
    }
    cursor.position += 1;
    this.meta.push(CLOSE_BRACE);
    this.#checkNames(names);
    return true;
  }

  /** Stands at the value. Whether the member stays among the other fields; undefined: a fault. */
  #readMember(
    cursor: JsonCursor,
    depth: number,
    fields: readonly number[],
    begin: number,
    name: string,
    isFirst: boolean,
  ): boolean | undefined {
    const { bytes, position: value } = cursor;
    const inside: number[] = [];
    let isRead = false;
    for (const field of fields) {
      const path = this.#paths[field]!;
      if (path[depth] !== name) continue;
      if (path.length > depth + 1) {
        inside.push(field);
        continue;
      }
      const taken = this.#readField(cursor, field);
      if (taken === undefined) return undefined;
      if (taken) return false;
      isRead = true;
    }
    if (!isFirst) this.meta.push(COMMA);
    if (inside.length > 0 && cursor.peek() === OPEN_BRACE) {
      this.meta.append(bytes, begin, value);
      return this.#readObject(cursor, depth + 1, inside) ? true : undefined;
    }
    if (!isRead && !cursor.skipValue(depth + 1)) return undefined;
    this.meta.append(bytes, begin, cursor.position);
    return true;
  }

  /** Whether the value is one of the field and leaves the others; undefined: a fault. */
  #readField(cursor: JsonCursor, field: number): boolean | undefined {
    const { position: begin } = cursor;
    const next = cursor.peek();
    const depth = this.#paths[field]!.length;
    if (next === QUOTE && field !== SCORE) return this.#readStringField(cursor, field) ? true : undefined;
    if (!cursor.skipValue(depth)) return undefined;
    if (field === TEXT) {
      this.#hasText = true;
      this.#objectTo("text-not-a-string");
      return true;
    }
    const isNumber = beginsNumber(next);
    if (field === ID) {
      if (!isNumber) this.#objectTo("id-not-a-string-or-number");
      this.id.length = 0;
      this.id.append(cursor.bytes, begin, cursor.position);
      this.hasId = isNumber;
      return isNumber;
    }
    if (field === SCORE && isNumber) this.score = Number(latin1(cursor.bytes, begin, cursor.position));
    return false;
  }

  #readStringField(cursor: JsonCursor, field: number): boolean {
    const value = field === TEXT ? this.text : field === ID ? this.id : this.source;
    value.length = 0;
    if (!cursor.readString(value)) return false;
    if (cursor.loneSurrogate) this.#objectTo("lone-surrogate", "an escape names half a surrogate pair");
    if (field === ID) this.hasId = true;
    if (field === SOURCE) this.hasSource = true;
    if (field !== TEXT) return true;
    this.#hasText = true;
    if (this.#maxDocumentBytes !== 0 && value.length > this.#maxDocumentBytes) {
      this.#objectTo("too-long", `${value.length} bytes of text`);
    }
    return true;
  }

  #readName(cursor: JsonCursor): string | undefined {
    const { position: begin } = cursor;
    if (!cursor.skipString()) return undefined;
    if (!cursor.escaped) return latin1(cursor.bytes, begin + 1, cursor.position - 1);
    cursor.position = begin;
    this.#name.length = 0;
    cursor.readString(this.#name);
    if (cursor.loneSurrogate) this.#objectTo("lone-surrogate", "an escape in a name is half a surrogate pair");
    return latin1(this.#name.view(), 0, this.#name.length);
  }

  #checkNames(names: readonly string[]): void {
    if (new Set(names).size === names.length) return;
    const sorted = [...names].sort();
    const twice = sorted.find((name, i) => name === sorted[i + 1])!;
    this.#objectTo("duplicate-key", Buffer.from(twice.slice(0, QUOTED_BYTES), "latin1").toString());
  }

  /** Remembers the first thing that is wrong with the record besides its syntax. */
  #objectTo(reason: string, detail = ""): void {
    this.#problem ??= { reason, detail };
  }
}

function latin1(bytes: Uint8Array, begin: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + begin, end - begin).toString("latin1");
}
