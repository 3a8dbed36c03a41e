// Sets of characters as Hugging Face tokenizers has them, from the tables that were made by asking it: independent of the
// Unicode version of the Node that runs.
import * as tables from "./character-tables.js";
import { PROPERTIES, PROPERTY_ALIASES } from "./property-tables.js";

const NUM_CODE_POINTS = 0x110000;

/** Ascending, none touching another: first and last code point in turn. */
export type Ranges = readonly number[];

class CharacterSet {
  readonly ranges: Ranges;
  readonly #bits = new Uint8Array(NUM_CODE_POINTS >> 3);

  constructor(ranges: Ranges) {
    this.ranges = ranges;
    for (let i = 0; i < ranges.length; i += 2) {
      for (let cp = ranges[i]!; cp <= ranges[i + 1]!; cp += 1) this.#bits[cp >> 3]! |= 1 << (cp & 7);
    }
  }

  has(codePoint: number): boolean {
    return ((this.#bits[codePoint >> 3]! >> (codePoint & 7)) & 1) === 1;
  }
}

/** Made when first asked for, then kept. */
function lazily<Value>(make: () => Value): () => Value {
  let made: Value | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function rangesOf(encoded: string): Ranges {
  const ranges: number[] = [];
  let end = 0;
  const numbers = encoded.split(" ").map((number) => Number.parseInt(number, 36));
  for (let i = 0; i < numbers.length; i += 2) {
    const first = end + numbers[i]!;
    end = first + numbers[i + 1]!;
    ranges.push(first, end - 1);
  }
  return ranges;
}

function setOf(encoded: string): () => CharacterSet {
  return lazily(() => new CharacterSet(rangesOf(encoded)));
}

export const onigurumaWord = setOf(tables.ONIGURUMA_WORD);
export const wordCharacters = setOf(tables.WORD);
export const numericCharacters = setOf(tables.NUMERIC);
export const punctuationCharacters = setOf(tables.PUNCTUATION);
export const combiningMarks = setOf(tables.COMBINING_MARK);
export const nonspacingMarks = setOf(tables.NONSPACING_MARK);
export const controlCharacters = setOf(tables.CONTROL);

/** White_Space has not changed since Unicode 6.3. */
const WHITE_SPACE: Ranges = [
  0x9, 0xd, 0x20, 0x20, 0x85, 0x85, 0xa0, 0xa0, 0x1680, 0x1680, 0x2000, 0x200a, 0x2028, 0x2029, 0x202f, 0x202f, 0x205f,
  0x205f, 0x3000, 0x3000,
];
export const whiteSpace = lazily(() => new CharacterSet(WHITE_SPACE));

const categories = lazily(() => {
  const ranges = new Map<string, number[]>(tables.CATEGORY_NAMES.map((name) => [name, []]));
  let first = 0;
  for (const [, letter, length] of tables.GENERAL_CATEGORIES.matchAll(/([A-Z!#$])([0-9a-z]+)/g)) {
    const place = "ABCDEFGHIJKLMNOPQRSTUVWXYZ!#$".indexOf(letter!);
    const end = first + Number.parseInt(length!, 36);
    ranges.get(tables.CATEGORY_NAMES[place]!)!.push(first, end - 1);
    first = end;
  }
  return ranges;
});

/** Characters of the general categories whose names begin with `prefix` ("L", "Nd"); undefined where there are none such. */
export function charactersOfCategory(prefix: string): Ranges | undefined {
  const pairs: [number, number][] = [];
  for (const [name, ranges] of categories()) {
    if (!name.startsWith(prefix)) continue;
    for (let i = 0; i < ranges.length; i += 2) pairs.push([ranges[i]!, ranges[i + 1]!]);
  }
  if (pairs.length === 0) return undefined;
  pairs.sort((a, b) => a[0] - b[0]);
  const joined: number[] = [];
  for (const [first, last] of pairs) {
    if (joined.length > 0 && joined.at(-1) === first - 1) joined[joined.length - 1] = last;
    else joined.push(first, last);
  }
  return joined;
}

/** Characters of a script or another property, of any spelling of its name; undefined: not among the tables. */
export function charactersOfProperty(name: string): Ranges | undefined {
  const key = name.toLowerCase().replace(/[_\s-]/g, "");
  const table = Object.hasOwn(PROPERTY_ALIASES, key) ? PROPERTY_ALIASES[key]! : key;
  return Object.hasOwn(PROPERTIES, table) ? rangesOf(PROPERTIES[table]!) : undefined;
}

/** No characters yet in the Unicode of the regular expressions, whatever Node's knows. */
export const unassignedCharacters = lazily(() => charactersOfCategory("Cn")!);

/** Characters that a normal form leaves alone and composes with nothing, unassigned ones included. */
export const unknownToForms = lazily(() => {
  const known = setOf(tables.UNKNOWN_TO_FORMS)().ranges;
  return new CharacterSet([...known, ...unassignedCharacters()]);
});

const scriptNumbers = lazily(() => {
  const numbers = new Uint8Array(NUM_CODE_POINTS);
  let first = 0;
  for (const run of tables.SCRIPTS.split(" ").filter((run) => run !== "")) {
    const end = first + Number.parseInt(run.slice(2), 36);
    numbers.fill(Number.parseInt(run.slice(0, 2), 36), first, end);
    first = end;
  }
  return numbers;
});

/** Of UnicodeScripts: a number for each script, 0 for what goes with any. */
export function scriptOf(codePoint: number): number {
  return scriptNumbers()[codePoint]!;
}

/** Inside the brackets of a regular expression's class. */
export function classSource(ranges: Ranges): string {
  let source = "";
  for (let i = 0; i < ranges.length; i += 2) {
    const [first, last] = [ranges[i]!, ranges[i + 1]!];
    source += first === last ? escaped(first) : `${escaped(first)}-${escaped(last)}`;
  }
  return source;
}

function escaped(codePoint: number): string {
  return `\\u{${codePoint.toString(16)}}`;
}
