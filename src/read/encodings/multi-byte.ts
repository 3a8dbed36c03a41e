// Encodings of one to four bytes a character, by the decoders of the WHATWG Encoding standard: where sequences begin and end
// is decided here; what a sequence stands for is looked up the first time that it comes.
import { characterOf } from "./iconv.js";
import { behind, MALFORMED, packUtf8, Scratch, type Transcoder } from "./transcoder.js";

/** What a byte from 0x80 on begins. */
const NOTHING = 0;
const SINGLE = 1;
const PAIR = 2;
/** Three bytes: JIS X 0212 in EUC-JP. */
const TRIPLE = 3;
/** A pair, or four bytes where a digit follows: GB 18030. */
const PAIR_OR_FOUR = 4;

type Beginnings = readonly (readonly [first: number, last: number, kind: number])[];

const BEGINNINGS: Readonly<Record<string, Beginnings>> = {
  shift_jis: [
    [0x80, 0x80, SINGLE],
    [0x81, 0x9f, PAIR],
    [0xa1, 0xdf, SINGLE],
    [0xe0, 0xfc, PAIR],
  ],
  "euc-jp": [
    [0x8e, 0x8e, PAIR],
    [0x8f, 0x8f, TRIPLE],
    [0xa1, 0xfe, PAIR],
  ],
  gbk: [
    [0x80, 0x80, SINGLE],
    [0x81, 0xfe, PAIR_OR_FOUR],
  ],
  gb18030: [
    [0x80, 0x80, SINGLE],
    [0x81, 0xfe, PAIR_OR_FOUR],
  ],
  big5: [[0x81, 0xfe, PAIR]],
  "euc-kr": [[0x81, 0xfe, PAIR]],
};

/** What the standard says of single bytes that the tables do not. */
const SINGLES: Readonly<Record<string, string>> = { shift_jis: "\x80", gbk: "\u20ac", gb18030: "\u20ac" };

/** Of the four bytes of GB 18030: where those of the basic plane end, which are looked up, and the others are counted from. */
const BASIC_SEQUENCES = 39_420;
const FIRST_SUPPLEMENTARY = 189_000;
const MAX_CODE_POINT = 0x10ffff;
/** The one that stands for what elsewhere means that there is no character. */
const REPLACEMENT_SEQUENCE = 39_417;

export const MULTI_BYTE_ENCODINGS: readonly string[] = Object.keys(BEGINNINGS);

export class MultiByteTranscoder implements Transcoder {
  readonly #encoding: string;
  readonly #kinds = new Uint8Array(0x100);
  /** Packed UTF-8 by the last two bytes; 0: not looked up yet. */
  readonly #pairs = new Uint32Array(0x10000);
  readonly #triples = new Uint32Array(0x10000);
  readonly #fours = new Uint32Array(BASIC_SEQUENCES);
  readonly #singles = new Uint32Array(0x100);
  readonly #scratch = new Scratch();
  /** The begin of a sequence. */
  #left: Uint8Array = new Uint8Array(0);

  /** One of MULTI_BYTE_ENCODINGS. */
  constructor(encoding: string) {
    this.#encoding = encoding;
    for (const [first, last, kind] of BEGINNINGS[encoding]!) this.#kinds.fill(kind, first, last + 1);
    for (let byte = 0x80; byte < 0x100; byte += 1) {
      if (this.#kinds[byte] !== SINGLE) continue;
      const own = byte === 0x80 ? SINGLES[encoding] : undefined;
      this.#singles[byte] = own === undefined ? this.#lookUp(byte) : packUtf8(own);
    }
  }

  push(bytes: Uint8Array): Uint8Array {
    return this.#decode(behind(this.#left, bytes), false);
  }

  end(): Uint8Array {
    return this.#decode(this.#left, true);
  }

  /** What cannot be decoded yet is left over; at the last a sequence that is cut off is malformed, and its other bytes text. */
  #decode(bytes: Uint8Array, isLast: boolean): Uint8Array {
    // Two bytes become at most four, so do four; a single one becomes three.
    const out = this.#scratch.take(3 * bytes.length);
    const pairs = this.#pairs;
    const end = bytes.length;
    let [at, size] = [0, 0];
    while (at < end) {
      const lead = bytes[at]!;
      if (lead < 0x80) {
        out[size++] = lead;
        at += 1;
        continue;
      }
      // Most of what comes has come before. Sequences of one, three or four bytes have no entry among the pairs.
      let packed = at + 1 < end ? pairs[(lead << 8) | bytes[at + 1]!]! : 0;
      if (packed !== 0 && packed !== MALFORMED) {
        for (; packed !== 0; packed >>>= 8) out[size++] = packed & 0xff;
        at += 2;
        continue;
      }
      const kind = this.#kinds[lead]!;
      const trail = at + 1 < end ? bytes[at + 1]! : -1;
      let length = 2;
      if (kind <= SINGLE) length = 1;
      else if (kind === TRIPLE) length = trail >= 0xa1 || trail < 0 ? 3 : 2;
      else if (kind === PAIR_OR_FOUR) length = isDigit(trail) ? 4 : 2;
      packed = MALFORMED;
      if (at + length > end) {
        if (!isLast) break;
        length = 1;
      } else if (kind === SINGLE) {
        packed = this.#singles[lead]!;
      } else if (length === 4) {
        packed = this.#four(bytes, at);
        // The digit and what follows it are text of their own, unless the four are a sequence that stands for nothing.
        if (packed === MALFORMED && !(bytes[at + 2]! >= 0x81 && isDigit(bytes[at + 3]!))) length = 1;
      } else if (kind !== NOTHING) {
        const last = bytes[at + length - 1]!;
        packed = length === 3 ? this.#triple(trail, last) : this.#pair(lead, trail);
        // ASCII ends whatever was wrong: it may be the end of the line.
        if (packed === MALFORMED && last < 0x80) length -= 1;
      }
      at += length;
      for (; packed !== 0; packed >>>= 8) out[size++] = packed & 0xff;
    }
    this.#left = bytes.slice(at);
    return out.slice(0, size);
  }

  #pair(lead: number, trail: number): number {
    return this.#pairs[(lead << 8) | trail] || this.#learn(this.#pairs, (lead << 8) | trail, lead, trail);
  }

  #triple(second: number, third: number): number {
    const key = (second << 8) | third;
    return this.#triples[key] || this.#learn(this.#triples, key, 0x8f, second, third);
  }

  #four(bytes: Uint8Array, at: number): number {
    const [first, second, third, fourth] = [bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!];
    if (third < 0x81 || third === 0xff || !isDigit(fourth)) return MALFORMED;
    const number = (((first - 0x81) * 10 + second - 0x30) * 126 + third - 0x81) * 10 + fourth - 0x30;
    if (number >= BASIC_SEQUENCES) {
      const point = number - FIRST_SUPPLEMENTARY + 0x10000;
      return point < 0x10000 || point > MAX_CODE_POINT ? MALFORMED : packUtf8(String.fromCodePoint(point));
    }
    if (number === REPLACEMENT_SEQUENCE) return packUtf8("\ufffd");
    return this.#fours[number] || this.#learn(this.#fours, number, first, second, third, fourth);
  }

  #learn(table: Uint32Array, key: number, ...sequence: number[]): number {
    const packed = this.#lookUp(...sequence);
    table[key] = packed;
    return packed;
  }

  #lookUp(...sequence: number[]): number {
    const [lead, trail] = sequence;
    const own = this.#encoding === "shift_jis" && trail !== undefined ? privateCharacter(lead!, trail) : undefined;
    const character = own ?? characterOf(this.#encoding, Uint8Array.from(sequence));
    return character === undefined ? MALFORMED : packUtf8(character);
  }
}

/** Of Shift_JIS: the rows that every user may fill, which the tables have in part. */
function privateCharacter(lead: number, trail: number): string | undefined {
  if (lead < 0xf0 || lead > 0xf9 || trail < 0x40 || trail === 0x7f || trail > 0xfc) return undefined;
  return String.fromCharCode(0xe000 + (lead - 0xf0) * 188 + trail - (trail < 0x7f ? 0x40 : 0x41));
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}
