// UTF-16 of either byte order. Half a surrogate pair becomes the three bytes that it would have if it were a character: they
// are no UTF-8, and tell which half it was.
import { behind, MALFORMED, Scratch, type Transcoder } from "./transcoder.js";

const HIGH = 0xd800;
const LOW = 0xdc00;
const BEHIND_LOW = 0xe000;

export class Utf16Transcoder implements Transcoder {
  /** Of the low byte and of the high byte in a unit. */
  readonly #low: number;
  readonly #high: number;
  readonly #scratch = new Scratch();
  /** Half a unit, or the first half of a pair, or both. */
  #left: Uint8Array = new Uint8Array(0);

  constructor(isBigEndian: boolean) {
    [this.#low, this.#high] = isBigEndian ? [1, 0] : [0, 1];
  }

  push(bytes: Uint8Array): Uint8Array {
    return this.#decode(behind(this.#left, bytes), false);
  }

  end(): Uint8Array {
    const rest = this.#decode(this.#left, true);
    return this.#left.length === 0 ? rest : behind(rest, Uint8Array.of(MALFORMED));
  }

  /** What cannot be decoded yet is left over. */
  #decode(bytes: Uint8Array, isLast: boolean): Uint8Array {
    const [low, high] = [this.#low, this.#high];
    // A unit becomes three bytes at most.
    const out = this.#scratch.take(2 * bytes.length);
    let at = 0;
    let size = 0;
    for (const end = bytes.length - 1; at < end; at += 2) {
      const unit = bytes[at + low]! | (bytes[at + high]! << 8);
      if (unit < 0x80) {
        out[size++] = unit;
      } else if (unit < 0x800) {
        out[size++] = 0xc0 | (unit >> 6);
        out[size++] = 0x80 | (unit & 0x3f);
      } else {
        if (unit >= HIGH && unit < LOW) {
          if (at + 2 >= end && !isLast) break;
          const next = at + 2 >= end ? 0 : bytes[at + 2 + low]! | (bytes[at + 2 + high]! << 8);
          if (next >= LOW && next < BEHIND_LOW) {
            const point = 0x10000 + ((unit - HIGH) << 10) + (next - LOW);
            out[size++] = 0xf0 | (point >> 18);
            out[size++] = 0x80 | ((point >> 12) & 0x3f);
            out[size++] = 0x80 | ((point >> 6) & 0x3f);
            out[size++] = 0x80 | (point & 0x3f);
            at += 2;
            continue;
          }
        }
        out[size++] = 0xe0 | (unit >> 12);
        out[size++] = 0x80 | ((unit >> 6) & 0x3f);
        out[size++] = 0x80 | (unit & 0x3f);
      }
    }
    this.#left = bytes.slice(at);
    return out.slice(0, size);
  }
}
