// Encodings of one byte a character: a table of what the bytes from 0x80 on stand for. Below is ASCII.
import { characterOf } from "./iconv.js";
import { MALFORMED, packUtf8, Scratch, type Transcoder } from "./transcoder.js";

/** What the standard says otherwise than the tables do. */
const AMENDED: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  macintosh: { 189: "\u03a9", 219: "\u20ac", 240: "\uf8ff" },
  "windows-1255": { 202: "\u05ba" },
  "x-mac-cyrillic": { 162: "\u0490", 182: "\u0491", 255: "\u20ac" },
};

/** Packed UTF-8 by byte - 0x80. */
function tableOf(encoding: string): Uint32Array {
  return Uint32Array.from({ length: 0x80 }, (_, i) => {
    const byte = 0x80 + i;
    const character = AMENDED[encoding]?.[byte] ?? characterOf(encoding, Uint8Array.of(byte));
    if (character !== undefined) return packUtf8(character);
    // What no program ever wrote there is a control character to the standard; elsewhere it is none.
    return byte < 0xa0 ? packUtf8(String.fromCharCode(byte)) : MALFORMED;
  });
}

export class SingleByteTranscoder implements Transcoder {
  readonly #table: Uint32Array;
  readonly #scratch = new Scratch();

  constructor(encoding: string) {
    this.#table = tableOf(encoding);
  }

  push(bytes: Uint8Array): Uint8Array {
    const table = this.#table;
    const out = this.#scratch.take(3 * bytes.length);
    let size = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      const byte = bytes[at]!;
      if (byte < 0x80) {
        out[size++] = byte;
        continue;
      }
      for (let packed = table[byte - 0x80]!; packed !== 0; packed >>>= 8) out[size++] = packed & 0xff;
    }
    return out.slice(0, size);
  }

  end(): Uint8Array {
    return new Uint8Array(0);
  }
}
