// What a JSON file holds, as far as its first bytes show: where its records lie and what fields they have. For people who
// have a file and do not know it; documents are read by other means.
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { parser } from "stream-json";
import type { Token } from "stream-json/core/parser.js";
import disassembler from "stream-json/disassembler.js";
import { encodingOf } from "./encoding.js";
import { type CorpusBytes, storedBytes } from "./stored-bytes.js";

const MAX_BYTES = 8 * 2 ** 20;
const SLICE_BYTES = 2 ** 12;
/** An object that maps ids to texts would otherwise be a field an entry. */
const MAX_FIELDS = 100;
const MAX_PLACES = 20;
const EXAMPLE_CHARACTERS = 60;

export type JsonType = "object" | "array" | "string" | "number" | "boolean" | "null";

export interface FieldLayout {
  /** Dotted, as the options for fields want it. */
  readonly name: string;
  /** How many records have it. */
  records: number;
  readonly types: Partial<Record<JsonType, number>>;
  /** Of all strings together, UTF-16 units. */
  characters: number;
  /** The begin of its first string. */
  example?: string;
}

/** Records that lie side by side. */
export interface RecordsLayout {
  /** Dotted: an array within each value of the file; "": the file's values, or the elements of its array. */
  readonly recordsField: string;
  count: number;
  readonly types: Partial<Record<JsonType, number>>;
  readonly fields: readonly FieldLayout[];
  /** There are fields that are not listed. */
  hasMore: boolean;
}

export interface JsonLayout {
  /** Decompressed. */
  readonly bytesRead: number;
  readonly isWhole: boolean;
  /** Where it is not UTF-8; what was read is counted in the UTF-8 that it became. */
  readonly encoding?: string;
  /** What is no JSON in what was read. */
  readonly fault?: string;
  /** Places that may hold a corpus, the one with most text first. */
  readonly records: readonly RecordsLayout[];
}

/** `maxBytes` of the decompressed file are looked at. Of `jsonl` each line is a value, and a faulty one is passed over. */
export async function readJsonLayout(
  file: CorpusBytes,
  format: "json" | "jsonl",
  maxBytes: number = MAX_BYTES,
): Promise<JsonLayout> {
  const layout = new LayoutOfTokens();
  const { encoding } = await encodingOf(file, file.encoding);
  const begin = new Begin(encoding === undefined ? file : { ...file, encoding }, maxBytes);
  const options = { jsonStreaming: true, streamValues: false };
  let numFaulty = 0;
  let fault: string | undefined;
  const values = async function* (): AsyncIterable<unknown> {
    for await (const line of createInterface({ input: begin.stream(), crlfDelay: Number.POSITIVE_INFINITY })) {
      // A byte order mark is white space to trim().
      const value = line.trim();
      if (value === "") continue;
      try {
        yield [JSON.parse(value)];
      } catch {
        numFaulty += 1;
      }
    }
  };
  const tokens =
    format === "json"
      ? begin.stream().pipe(parser.asStream(options))
      : Readable.from(values()).pipe(disassembler.asStream(options));
  try {
    for await (const token of tokens) layout.take(token as Token);
  } catch (error) {
    // Unless the look ended, in the midst of a value.
    if (begin.isWhole) fault = `${(error as Error).message}; what is behind it is not shown`;
  }
  if (begin.damage !== undefined) throw begin.damage;
  if (numFaulty > (begin.isWhole ? 0 : 1)) fault = `lines that are no JSON: ${numFaulty}`;
  const { bytesRead, isWhole } = begin;
  return {
    bytesRead,
    isWhole,
    ...(encoding === undefined ? {} : { encoding }),
    ...(fault === undefined ? {} : { fault }),
    records: layout.records(),
  };
}

/** The begin of a file, and how much of it that was. */
class Begin {
  bytesRead = 0;
  isWhole = true;
  /** What ended the reading of the file itself. */
  damage: unknown;
  readonly #file: CorpusBytes;
  readonly #maxBytes: number;

  constructor(file: CorpusBytes, maxBytes: number) {
    this.#file = file;
    this.#maxBytes = maxBytes;
  }

  stream(): Readable {
    return Readable.from(this.#slices());
  }

  /** Small ones: of the one that a parser fails in, nothing is seen. */
  async *#slices(): AsyncIterable<Buffer> {
    try {
      for await (const chunk of storedBytes(this.#file)) {
        for (let at = 0; at < chunk.length; at += SLICE_BYTES) {
          const slice = chunk.subarray(at, at + Math.min(SLICE_BYTES, this.#maxBytes - this.bytesRead));
          this.isWhole = slice.length === Math.min(SLICE_BYTES, chunk.length - at);
          this.bytesRead += slice.length;
          yield Buffer.from(slice);
          if (!this.isWhole) return;
        }
      }
    } catch (error) {
      this.damage = error;
    }
  }
}

/** The characters of the field that has most: what a corpus' text is recognized by. */
export function longestField({ fields }: RecordsLayout): FieldLayout | undefined {
  return fields.reduce<FieldLayout | undefined>(
    (best, field) => (field.characters > (best?.characters ?? 0) ? field : best),
    undefined,
  );
}

interface Frame {
  /** Objects of a record alone: the arrays in it have no fields. */
  readonly record: Place | undefined;
  readonly name: string;
  /** From the file's value through objects alone; undefined: through an array. */
  readonly route: string | undefined;
  /** Of an array: its elements are records. */
  readonly elements: Place | undefined;
  readonly isArray: boolean;
  key: string;
}

class Place implements RecordsLayout {
  readonly recordsField: string;
  count = 0;
  readonly types: Partial<Record<JsonType, number>> = {};
  hasMore = false;
  readonly #fields = new Map<string, FieldLayout & { last: number }>();

  constructor(recordsField: string) {
    this.recordsField = recordsField;
  }

  get fields(): readonly FieldLayout[] {
    return [...this.#fields.values()].map(({ last: _, ...field }) => field);
  }

  begin(type: JsonType): void {
    this.count += 1;
    this.types[type] = (this.types[type] ?? 0) + 1;
  }

  note(name: string, type: JsonType, text: string): void {
    let field = this.#fields.get(name);
    if (field === undefined) {
      if (this.#fields.size === MAX_FIELDS) {
        this.hasMore = true;
        return;
      }
      field = { name, records: 0, types: {}, characters: 0, last: 0 };
      this.#fields.set(name, field);
    }
    // A key may stand twice in a record.
    if (field.last !== this.count) field.records += 1;
    field.last = this.count;
    field.types[type] = (field.types[type] ?? 0) + 1;
    field.characters += text.length;
    if (type === "string") field.example ??= text.slice(0, EXAMPLE_CHARACTERS);
  }
}

class LayoutOfTokens {
  readonly #places = new Map<string, Place>();
  readonly #stack: Frame[] = [];
  /** Of the file's values, when they are no arrays. */
  readonly #values = new Place("");

  take(token: Token): void {
    switch (token.name) {
      case "startObject":
        this.#begin("object");
        break;
      case "startArray":
        this.#begin("array");
        break;
      case "endObject":
      case "endArray":
        this.#stack.pop();
        break;
      case "keyValue":
        this.#stack.at(-1)!.key = token.value;
        break;
      case "stringValue":
        this.#slot("string", token.value);
        break;
      case "numberValue":
        this.#slot("number");
        break;
      case "nullValue":
        this.#slot("null");
        break;
      case "trueValue":
      case "falseValue":
        this.#slot("boolean");
        break;
    }
  }

  records(): readonly RecordsLayout[] {
    const places = [this.#values, ...this.#places.values()].filter(({ count }) => count > 0);
    const textOf = (place: RecordsLayout): number => longestField(place)?.characters ?? 0;
    return places.sort((a, b) => textOf(b) - textOf(a));
  }

  #begin(type: "object" | "array"): void {
    const { record, name, route } = this.#slot(type);
    const isArray = type === "array";
    this.#stack.push({
      record: isArray ? undefined : record,
      name,
      route: isArray ? undefined : route,
      elements: isArray && route !== undefined ? this.#placeOf(route) : undefined,
      isArray,
      key: "",
    });
  }

  /** Where the value that begins now stands; it is counted there. */
  #slot(type: JsonType, text = ""): Pick<Frame, "record" | "name" | "route"> {
    const parent = this.#stack.at(-1);
    if (parent === undefined) {
      if (type !== "array") this.#values.begin(type);
      return { record: this.#values, name: "", route: "" };
    }
    if (parent.isArray) {
      parent.elements?.begin(type);
      return { record: parent.elements, name: "", route: undefined };
    }
    const name = joined(parent.name, parent.key);
    parent.record?.note(name, type, text);
    const route = parent.route === undefined ? undefined : joined(parent.route, parent.key);
    return { record: parent.record, name, route };
  }

  #placeOf(route: string): Place | undefined {
    const known = this.#places.get(route);
    if (known !== undefined || this.#places.size === MAX_PLACES) return known;
    const place = new Place(route);
    this.#places.set(route, place);
    return place;
  }
}

function joined(name: string, key: string): string {
  return name === "" ? key : `${name}.${key}`;
}
