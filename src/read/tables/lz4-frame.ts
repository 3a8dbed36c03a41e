// LZ4 frames (lz4_Frame_format.md), as Arrow compresses buffers: blocks that may go on from one another. Checksums are not
// looked at; what does not decode is an error.

const MAGIC = 0x184d2204;
const UNCOMPRESSED = 0x8000_0000;

/** All content of one frame. */
export function decodeLz4Frame(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < 7 || view.getUint32(0, true) !== MAGIC) throw new Error("no LZ4 frame begins here");
  const flags = bytes[4]!;
  if (flags >> 6 !== 1) throw new Error("an LZ4 frame of another version");
  const hasBlockChecksum = (flags & 0x10) !== 0;
  const hasSize = (flags & 0x08) !== 0;
  let at = 6 + (hasSize ? 8 : 0) + ((flags & 0x01) !== 0 ? 4 : 0) + 1;
  const output = new Output(hasSize ? Number(view.getBigUint64(6, true)) : bytes.length * 4);
  for (;;) {
    const size = view.getUint32(at, true);
    at += 4;
    if (size === 0) break;
    const length = size % UNCOMPRESSED;
    const block = bytes.subarray(at, at + length);
    if (block.length < length) throw new Error("an LZ4 frame that ends within a block");
    if (size >= UNCOMPRESSED) output.append(block, 0, length);
    else decodeBlock(block, output);
    at += length + (hasBlockChecksum ? 4 : 0);
  }
  return output.bytes();
}

const MAX_BYTES = 2 ** 31 - 1;

/** What has been decoded: matches reach back into it, beyond the block that they stand in. */
class Output {
  #bytes: Uint8Array;
  #size = 0;

  constructor(expectedBytes: number) {
    this.#bytes = new Uint8Array(Math.min(Math.max(64, expectedBytes), MAX_BYTES));
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#size);
  }

  append(from: Uint8Array, start: number, end: number): void {
    if (end > from.length) throw new Error("an LZ4 block that ends within its letters");
    this.#reserve(end - start);
    this.#bytes.set(from.subarray(start, end), this.#size);
    this.#size += end - start;
  }

  /** The match may overlap what it makes. */
  repeat(distance: number, length: number): void {
    if (distance === 0 || distance > this.#size) throw new Error("an LZ4 match before the begin of the frame");
    this.#reserve(length);
    const end = this.#size + length;
    // Each copy doubles what can be copied from.
    for (let done = 0; done < length; ) {
      const part = Math.min(distance + done, length - done);
      const from = this.#size - distance;
      this.#bytes.copyWithin(this.#size + done, from, from + part);
      done += part;
    }
    this.#size = end;
  }

  #reserve(more: number): void {
    const needed = this.#size + more;
    if (needed <= this.#bytes.length) return;
    if (needed > MAX_BYTES) throw new Error(`an LZ4 frame of over ${MAX_BYTES} bytes`);
    const larger = new Uint8Array(Math.min(MAX_BYTES, Math.max(needed, this.#bytes.length * 2)));
    larger.set(this.bytes());
    this.#bytes = larger;
  }
}

/** Lengths of 15 and more go on in bytes of 255. */
function decodeBlock(block: Uint8Array, output: Output): void {
  let at = 0;
  const lengthFrom = (first: number): number => {
    let length = first;
    if (first < 15) return length;
    for (;;) {
      const more = block[at++];
      if (more === undefined) throw new Error("an LZ4 block that ends within a length");
      length += more;
      if (more < 255) return length;
    }
  };
  while (at < block.length) {
    const token = block[at++]!;
    const letters = lengthFrom(token >> 4);
    output.append(block, at, at + letters);
    at += letters;
    if (at === block.length) return;
    if (at + 2 > block.length) throw new Error("an LZ4 block that ends within a match");
    const distance = block[at]! | (block[at + 1]! << 8);
    at += 2;
    output.repeat(distance, lengthFrom(token & 15) + 4);
  }
}
