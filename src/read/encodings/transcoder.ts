// What turns text of one encoding into UTF-8, chunk by chunk.

/** State between chunks is a few bytes. */
export interface Transcoder {
  /** UTF-8 of all that `bytes` complete, in memory of its own. */
  push(bytes: Uint8Array): Uint8Array;
  /** UTF-8 of what is left when the text ends. */
  end(): Uint8Array;
}

/**
 * Stands in the output where the input is no text: no UTF-8 has this byte, so that who reads on sees the damage where it is,
 * as that of any file, and nothing passes as text that is none.
 */
export const MALFORMED = 0xff;

/** UTF-8 of a character, or two, of at most four bytes, the first one lowest. No UTF-8 but that of NUL has a byte of 0. */
export function packUtf8(text: string): number {
  return Buffer.from(text).reduceRight((packed, byte) => ((packed << 8) | byte) >>> 0, 0);
}

/** Memory that a transcoder writes into again and again. */
export class Scratch {
  #bytes = new Uint8Array(0);

  /** At least `sizeBytes`, with whatever they hold. */
  take(sizeBytes: number): Uint8Array {
    if (this.#bytes.length < sizeBytes) this.#bytes = new Uint8Array(sizeBytes);
    return this.#bytes;
  }
}

/** `left` and then `bytes`. */
export function behind(left: Uint8Array, bytes: Uint8Array): Uint8Array {
  if (left.length === 0) return bytes;
  const joined = new Uint8Array(left.length + bytes.length);
  joined.set(left);
  joined.set(bytes, left.length);
  return joined;
}
