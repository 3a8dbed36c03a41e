// Bytes in the making: a buffer that grows, reused from record to record.
export class ByteSink {
  #bytes: Uint8Array<ArrayBuffer>;
  length = 0;

  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(capacity);
  }

  push(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.length++] = byte;
  }

  append(from: Uint8Array, begin = 0, end = from.length): void {
    this.#reserve(end - begin);
    // A copy of few bytes is faster than a view and set().
    if (end - begin < 32) {
      for (let i = begin; i < end; i += 1) this.#bytes[this.length++] = from[i]!;
      return;
    }
    this.#bytes.set(from.subarray(begin, end), this.length);
    this.length += end - begin;
  }

  appendCodePoint(c: number): void {
    if (c < 0x80) {
      this.push(c);
      return;
    }
    if (c < 0x800) {
      this.push(0xc0 | (c >> 6));
    } else {
      if (c < 0x10000) {
        this.push(0xe0 | (c >> 12));
      } else {
        this.push(0xf0 | (c >> 18));
        this.push(0x80 | ((c >> 12) & 0x3f));
      }
      this.push(0x80 | ((c >> 6) & 0x3f));
    }
    this.push(0x80 | (c & 0x3f));
  }

  /** Valid until the next change. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  copy(): Uint8Array {
    return this.#bytes.slice(0, this.length);
  }

  #reserve(more: number): void {
    if (this.length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(2 * this.#bytes.length, this.length + more));
    grown.set(this.view());
    this.#bytes = grown;
  }
}
