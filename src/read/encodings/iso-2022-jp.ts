// ISO-2022-JP: escape sequences switch between ASCII, JIS X 0201 and pairs of JIS X 0208.
import { characterOf } from "./iconv.js";
import { behind, MALFORMED, packUtf8, Scratch, type Transcoder } from "./transcoder.js";

const ESCAPE = 0x1b;
const ASCII = "(B";
const ROMAN = "(J";
const KATAKANA = "(I";
const PAIRS = ["$@", "$B"];
const SWITCHES = [ASCII, ROMAN, KATAKANA, ...PAIRS];

/** What is no letter of the set that is switched to is kept where it ends a line. */
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

export class Iso2022JpTranscoder implements Transcoder {
  readonly #pairs = new Uint32Array(0x10000);
  readonly #scratch = new Scratch();
  #set = ASCII;
  #left: Uint8Array = new Uint8Array(0);

  push(bytes: Uint8Array): Uint8Array {
    return this.#decode(behind(this.#left, bytes), false);
  }

  end(): Uint8Array {
    return this.#decode(this.#left, true);
  }

  #decode(bytes: Uint8Array, isLast: boolean): Uint8Array {
    const out = this.#scratch.take(3 * bytes.length);
    const end = bytes.length;
    let [at, size] = [0, 0];
    while (at < end) {
      const byte = bytes[at]!;
      let packed = MALFORMED;
      let length = 1;
      if (byte === ESCAPE) {
        if (at + 2 >= end && !isLast) break;
        const to = String.fromCharCode(bytes[at + 1] ?? 0, bytes[at + 2] ?? 0);
        if (SWITCHES.includes(to)) {
          this.#set = to;
          at += 3;
          continue;
        }
      } else if (PAIRS.includes(this.#set) && byte >= 0x21 && byte <= 0x7e) {
        if (at + 1 >= end && !isLast) break;
        const trail = bytes[at + 1] ?? 0;
        packed = this.#pair(byte, trail);
        if (trail >= 0x21 && trail <= 0x7e) length = 2;
      } else if (byte === 0) {
        out[size++] = 0;
        at += 1;
        continue;
      } else {
        packed = this.#single(byte);
        if (packed === MALFORMED && (byte === LINE_FEED || byte === CARRIAGE_RETURN)) packed = MALFORMED | (byte << 8);
      }
      at += length;
      for (; packed !== 0; packed >>>= 8) out[size++] = packed & 0xff;
    }
    this.#left = bytes.slice(at);
    return out.slice(0, size);
  }

  #single(byte: number): number {
    if (byte === 0x0e || byte === 0x0f || byte >= 0x80 || PAIRS.includes(this.#set)) return MALFORMED;
    if (this.#set === KATAKANA) {
      return byte >= 0x21 && byte <= 0x5f ? packUtf8(String.fromCharCode(0xff61 - 0x21 + byte)) : MALFORMED;
    }
    if (this.#set === ROMAN && byte === 0x5c) return packUtf8("\u00a5");
    return this.#set === ROMAN && byte === 0x7e ? packUtf8("\u203e") : byte;
  }

  /** The same pairs are in EUC-JP, with the high bits set. */
  #pair(lead: number, trail: number): number {
    if (trail < 0x21 || trail > 0x7e) return MALFORMED;
    const key = (lead << 8) | trail;
    const found = this.#pairs[key]!;
    if (found !== 0) return found;
    const character = characterOf("euc-jp", Uint8Array.of(lead | 0x80, trail | 0x80));
    this.#pairs[key] = character === undefined ? MALFORMED : packUtf8(character);
    return this.#pairs[key]!;
  }
}
