// What shingles are made of (docs/formats/dedup.md), on strings: the words or characters of a text after NFC and full case
// folding, and the normalised text that they make up. The native kernels do the same on bytes; this is the second
// implementation, which the js engine, the audit and the reports use.
//
// JavaScript has no case folding. Per code point, toLowerCase(toUpperCase(c)) equals full folding (CaseFolding.txt, C + F)
// but for the exceptions below, for every character of the Unicode version of this Node.

export type UnitKind = "word" | "char";

/** A text as its shingles see it. `n` consecutive units from i on are text.slice(starts[i], starts[i + n] - gap). */
export interface UnitText {
  /** The words joined by one space; characters: one space where others stood between two words; no word: the folded text. */
  readonly text: string;
  /** UTF-16 position of each unit in `text`, then text.length + gap. A text without a word has no unit: one entry. */
  readonly starts: Uint32Array;
  /** Between two units: 1 for words, 0 for characters. */
  readonly gap: number;
  /** UTF-16 positions of each unit in the text after NFC, [begin, end). */
  readonly begins: Uint32Array;
  readonly ends: Uint32Array;
  /** The text after NFC. */
  readonly composed: string;
}

const WORD = 1;
/** A word by itself, whatever stands beside it. */
const ALONE = 2;
/** Folds to something else. */
const FOLDS = 4;
const KNOWN = 8;

const WORD_CHARACTER = /[\p{L}\p{M}\p{N}]/u;
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
/** Cherokee folds to its older, upper-case letters. */
const CHEROKEE = /[\u13a0-\u13fd\uab70-\uabbf]/;
const EXCEPTIONS: Readonly<Record<string, string>> = { "\u0131": "\u0131", "\u1e9e": "ss" };

const NUM_CODE_POINTS = 0x110000;
const SPACE = 0x20;
const INITIAL_UNITS = 2 ** 14;

/** By code point, found out at its first use. */
const classes = new Uint8Array(NUM_CODE_POINTS);
const folds = new Map<number, readonly number[]>();

function classify(codePoint: number): number {
  const character = String.fromCodePoint(codePoint);
  const folded = foldCharacter(character);
  let found = KNOWN;
  if (WORD_CHARACTER.test(character)) found |= UNSPACED.test(character) ? WORD | ALONE : WORD;
  if (folded !== character) {
    found |= FOLDS;
    folds.set(
      codePoint,
      Array.from(folded, (one) => one.codePointAt(0)!),
    );
  }
  classes[codePoint] = found;
  return found;
}

function classOf(codePoint: number): number {
  return classes[codePoint] || classify(codePoint);
}

function foldCharacter(character: string): string {
  if (CHEROKEE.test(character)) return character.toUpperCase();
  return EXCEPTIONS[character] ?? character.toUpperCase().toLowerCase();
}

export function foldCase(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII is the point
  return /^[\x00-\x7f]*$/.test(text) ? text.toLowerCase() : Array.from(text, foldCharacter).join("");
}

/** Collects units in buffers that every text reuses. */
class UnitSplitter {
  #codes = new Uint16Array(INITIAL_UNITS);
  #bytes: Buffer = Buffer.alloc(INITIAL_UNITS);
  #starts = new Uint32Array(INITIAL_UNITS);
  #begins = new Uint32Array(INITIAL_UNITS);
  #ends = new Uint32Array(INITIAL_UNITS);
  #numUnits = 0;
  #length = 0;
  /** Bits of all code units: says whether one byte each will do. */
  #seen = 0;
  /** The last word goes on. */
  #open = false;
  /** Other characters stand behind the last one. */
  #between = false;

  split(original: string, kind: UnitKind): UnitText {
    const composed = original.normalize("NFC");
    this.#split(composed, kind);
    const gap = kind === "word" ? 1 : 0;
    const numUnits = this.#numUnits;
    if (numUnits === 0) {
      const none = new Uint32Array(0);
      const text = foldCase(composed);
      return { text, starts: Uint32Array.of(text.length + gap), gap, begins: none, ends: none, composed };
    }
    this.#starts[numUnits] = this.#length + gap;
    return {
      text: this.#text(),
      starts: this.#starts.slice(0, numUnits + 1),
      gap,
      begins: this.#begins.slice(0, numUnits),
      ends: this.#ends.slice(0, numUnits),
      composed,
    };
  }

  /** The normalised text alone. */
  normalized(original: string, kind: UnitKind): string {
    const composed = original.normalize("NFC");
    this.#split(composed, kind);
    return this.#numUnits === 0 ? foldCase(composed) : this.#text();
  }

  #split(composed: string, kind: UnitKind): void {
    this.#numUnits = 0;
    this.#length = 0;
    this.#seen = 0;
    this.#open = false;
    this.#between = false;
    const words = kind === "word";
    for (let at = 0; at < composed.length; ) {
      const begin = at;
      let code = composed.charCodeAt(at);
      at += 1;
      if (code >= 0xd800 && code < 0xe000) {
        code = composed.codePointAt(begin)!;
        if (code >= 0x10000) at += 1;
      }
      const found = classOf(code);
      if ((found & FOLDS) !== 0) {
        for (const one of folds.get(code)!) {
          if (words) this.#joinWord(one, classOf(one), begin, at);
          else this.#addCharacter(one, classOf(one), begin, at);
        }
      } else if (words) this.#joinWord(code, found, begin, at);
      else this.#addCharacter(code, found, begin, at);
    }
  }

  #text(): string {
    const codes = this.#codes.subarray(0, this.#length);
    if (this.#seen > 0xff) return Buffer.from(codes.buffer, 0, 2 * this.#length).toString("utf16le");
    if (this.#bytes.length < codes.length) this.#bytes = Buffer.alloc(this.#codes.length);
    this.#bytes.set(codes);
    return this.#bytes.toString("latin1", 0, codes.length);
  }

  #joinWord(code: number, found: number, begin: number, end: number): void {
    if ((found & WORD) === 0) {
      this.#open = false;
      return;
    }
    const alone = (found & ALONE) !== 0;
    if (!this.#open || alone) {
      if (this.#numUnits > 0) this.#put(SPACE);
      this.#begin(begin);
    }
    this.#put(code);
    this.#ends[this.#numUnits - 1] = end;
    this.#open = !alone;
  }

  #addCharacter(code: number, found: number, begin: number, end: number): void {
    if ((found & WORD) === 0) {
      this.#between = this.#numUnits > 0;
      return;
    }
    if (this.#between) {
      this.#begin(this.#ends[this.#numUnits - 1]!);
      this.#put(SPACE);
      this.#ends[this.#numUnits - 1] = begin;
      this.#between = false;
    }
    this.#begin(begin);
    this.#put(code);
    this.#ends[this.#numUnits - 1] = end;
  }

  #begin(position: number): void {
    if (this.#numUnits + 1 >= this.#starts.length) this.#growUnits();
    this.#starts[this.#numUnits] = this.#length;
    this.#begins[this.#numUnits] = position;
    this.#numUnits += 1;
  }

  #growUnits(): void {
    this.#starts = grown(this.#starts);
    this.#begins = grown(this.#begins);
    this.#ends = grown(this.#ends);
  }

  #put(code: number): void {
    if (this.#length + 2 >= this.#codes.length) this.#codes = grown(this.#codes);
    if (code < 0x10000) {
      this.#codes[this.#length++] = code;
      this.#seen |= code;
      return;
    }
    this.#codes[this.#length++] = 0xd800 | ((code - 0x10000) >> 10);
    this.#codes[this.#length++] = 0xdc00 | (code & 0x3ff);
    this.#seen |= 0xd800;
  }
}

function grown<A extends Uint16Array | Uint32Array>(array: A): A {
  const larger = new (array.constructor as new (length: number) => A)(2 * array.length);
  larger.set(array);
  return larger;
}

const splitter = new UnitSplitter();

export function unitsOf(text: string, kind: UnitKind): UnitText {
  return splitter.split(text, kind);
}

/** What documents with equal content have in common, and whose bytes of UTF-8 "longest" compares. */
export function normalizedText(text: string, kind: UnitKind): string {
  return splitter.normalized(text, kind);
}
