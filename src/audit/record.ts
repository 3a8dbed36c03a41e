// One record of a corpus file, read a second time (docs/formats/corpus.md): on strings, with JSON.parse. Says what the document is,
// or everything that is wrong with the record: a reader may name any of its faults.
import { isUtf8 } from "node:buffer";

export interface RecordFields {
  /** Steps of the dotted paths. */
  readonly text: readonly string[];
  readonly id: readonly string[];
  readonly source: readonly string[];
  /** Of the policies highest and lowest; empty: none. */
  readonly score: readonly string[];
  readonly maxDocumentBytes: number;
}

export interface RecordDocument {
  /** Undefined: the record has none, it is named after its place. */
  readonly id: string | undefined;
  readonly text: string;
  readonly source: string | undefined;
  /** NaN: no number stands there. */
  readonly score: number;
}

export type ReadRecord =
  | { readonly document: RecordDocument; readonly faults?: undefined }
  | { readonly document?: undefined; readonly faults: readonly string[] };

/** Levels of objects and arrays, the record's own the first. */
const MAX_LEVELS = 512;

/** `bytes`: one line without its end, or undefined for one that is too long to be read. */
export function readRecord(bytes: Buffer | undefined, fields: RecordFields): ReadRecord {
  if (bytes === undefined) return { faults: ["too-long"] };
  if (!isUtf8(bytes)) return { faults: ["invalid-utf8"] };
  const json = bytes.toString("utf8");
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return { faults: ["invalid-json"] };
  }
  return new RecordWalk(json, fields).read(value);
}

/** UTF-16 or UTF-32 that nobody takes for text, by its begin: NUL in every other byte, or the mark of the latter. */
const FOREIGN = /^(?:(?:[^\0]\0){4}|(?:\0[^\0]){4}|\xff\xfe\0\0|\0\0\xfe\xff)/;
const FOREIGN_BYTES = 8;

/** `bytes`: a whole text file, UTF-8 or, by its byte order mark, UTF-16. */
export function readText(bytes: Buffer, maxDocumentBytes: number): ReadRecord {
  if (FOREIGN.test(bytes.toString("latin1", 0, FOREIGN_BYTES))) return { faults: ["invalid-utf8"] };
  let utf8 = bytes;
  const first = bytes.length < 2 ? 0 : bytes.readUInt16BE();
  if (first === 0xfffe || first === 0xfeff) {
    const decoder = new TextDecoder(first === 0xfffe ? "utf-16le" : "utf-16be", { fatal: true, ignoreBOM: true });
    try {
      utf8 = Buffer.from(decoder.decode(bytes));
    } catch {
      return { faults: ["invalid-encoding"] };
    }
  }
  if (!isUtf8(utf8)) return { faults: ["invalid-utf8"] };
  const text = utf8.toString("utf8");
  // Decoding takes no byte order mark away.
  const begin = text.startsWith("\ufeff") ? 1 : 0;
  if (utf8.length - 3 * begin > maxDocumentBytes) return { faults: ["too-long"] };
  return { document: { id: undefined, text: text.slice(begin), source: undefined, score: Number.NaN } };
}

/** A member's value: where it stands in the JSON text, and what it is. */
interface Found {
  readonly begin: number;
  readonly end: number;
  readonly value: unknown;
}

/**
 * Walks the members of JSON that is known to be valid, because JSON.parse hides three things: names that stand twice,
 * numbers as written, and depth.
 */
class RecordWalk {
  readonly #json: string;
  readonly #fields: RecordFields;
  readonly #faults = new Set<string>();
  readonly #found = new Map<readonly string[], Found>();
  #at = 0;
  /** Values are read from the text, not taken from the parsed record. */
  #repeats = false;

  constructor(json: string, fields: RecordFields) {
    this.#json = json;
    this.#fields = fields;
  }

  read(value: unknown): ReadRecord {
    this.#skipSpace();
    if (this.#json[this.#at] !== "{") {
      this.#skipValue(1);
      return { faults: [this.#faults.has("invalid-json") ? "invalid-json" : "not-an-object"] };
    }
    const { text, id, source, score } = this.#fields;
    const paths = [text, id, source, score].filter((path) => path.length > 0);
    const begin = this.#at;
    this.#walkObject(value as Record<string, unknown>, paths, 1);
    if (this.#faults.has("duplicate-key")) {
      // Of members that stand twice JSON.parse has kept the last alone; the faults of all count.
      this.#at = begin;
      this.#repeats = true;
      this.#walkObject({}, paths, 1);
    }
    if (!this.#found.has(text)) this.#faults.add("missing-text");
    if (this.#faults.has("invalid-json")) return { faults: ["invalid-json"] };
    if (this.#faults.size > 0) return { faults: [...this.#faults] };
    const sourceValue = this.#found.get(source)?.value;
    const scoreValue = this.#found.get(score)?.value;
    return {
      document: {
        id: this.#id(),
        text: this.#found.get(text)!.value as string,
        source: typeof sourceValue === "string" ? sourceValue : undefined,
        score: typeof scoreValue === "number" ? scoreValue : Number.NaN,
      },
    };
  }

  #id(): string | undefined {
    const found = this.#found.get(this.#fields.id);
    if (typeof found?.value !== "number") return found?.value as string | undefined;
    // A number counts as written.
    return this.#json.slice(found.begin, found.end);
  }

  /** What is wrong with the value of a field. */
  #judge(path: readonly string[], value: unknown): void {
    const { text, id, source, maxDocumentBytes } = this.#fields;
    if (path === text && typeof value !== "string") this.#faults.add("text-not-a-string");
    if (path === id && typeof value !== "string" && typeof value !== "number")
      this.#faults.add("id-not-a-string-or-number");
    if (typeof value !== "string" || (path !== text && path !== id && path !== source)) return;
    if (path === text && Buffer.byteLength(value) > maxDocumentBytes) this.#faults.add("too-long");
    if (!isWellFormed(value)) this.#faults.add("lone-surrogate");
  }

  /** At "{". `paths` begin in this object. */
  #walkObject(object: Record<string, unknown>, paths: readonly (readonly string[])[], level: number): void {
    const names = new Set<string>();
    this.#at += 1;
    for (this.#skipSpace(); this.#json[this.#at] !== "}"; this.#skipSpace()) {
      if (this.#json[this.#at] === ",") {
        this.#at += 1;
        this.#skipSpace();
      }
      const name = this.#name();
      if (names.has(name)) this.#faults.add("duplicate-key");
      names.add(name);
      this.#skipSpace();
      this.#at += 1;
      this.#skipSpace();
      this.#member(name, object[name], paths, level);
    }
    this.#at += 1;
  }

  #member(name: string, value: unknown, paths: readonly (readonly string[])[], level: number): void {
    const begin = this.#at;
    const here = paths.filter((path) => path[level - 1] === name);
    const inside = here.filter((path) => path.length > level);
    if (inside.length > 0 && this.#json[begin] === "{")
      this.#walkObject(Object(value) as Record<string, unknown>, inside, level + 1);
    else this.#skipValue(level + 1);
    for (const path of here) {
      if (path.length > level) continue;
      const own = this.#repeats ? (JSON.parse(this.#json.slice(begin, this.#at)) as unknown) : value;
      this.#judge(path, own);
      this.#found.set(path, { begin, end: this.#at, value: own });
    }
  }

  #name(): string {
    const begin = this.#at;
    this.#skipString();
    const raw = this.#json.slice(begin, this.#at);
    if (!raw.includes("\\")) return raw.slice(1, -1);
    const name = JSON.parse(raw) as string;
    if (!isWellFormed(name)) this.#faults.add("lone-surrogate");
    return name;
  }

  /** `level`: of the value, were it an object or array. */
  #skipValue(level: number): void {
    const json = this.#json;
    let open = 0;
    do {
      const code = json.charCodeAt(this.#at);
      if (code === 0x22) this.#skipString();
      else if (code === 0x7b || code === 0x5b) {
        open += 1;
        this.#at += 1;
        if (level + open - 1 > MAX_LEVELS) this.#faults.add("invalid-json");
      } else if (code === 0x7d || code === 0x5d) {
        open -= 1;
        this.#at += 1;
      } else if (open > 0) this.#at += 1;
      else this.#skipScalar();
    } while (open > 0);
  }

  /** A number, true, false or null. */
  #skipScalar(): void {
    const end = /[\s,\]}]|$/g;
    end.lastIndex = this.#at;
    this.#at = end.exec(this.#json)!.index;
  }

  /** At a quote; ends behind the closing one, the first before which an even number of backslashes stands. */
  #skipString(): void {
    const json = this.#json;
    let end = this.#at;
    for (;;) {
      end = json.indexOf('"', end + 1);
      let backslashes = 0;
      while (json.charCodeAt(end - 1 - backslashes) === 0x5c) backslashes += 1;
      if (backslashes % 2 === 0) break;
    }
    this.#at = end + 1;
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#json.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x09 && code !== 0x0a && code !== 0x0d) return;
      this.#at += 1;
    }
  }
}

/** Whether every surrogate has its other half. */
function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}
