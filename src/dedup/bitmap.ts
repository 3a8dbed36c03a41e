// A set of document numbers as one bit each.

export class Bitmap {
  readonly bits: Uint8Array;

  constructor(numDocuments: number, bits: Uint8Array = new Uint8Array(Math.ceil(numDocuments / 8))) {
    this.bits = bits;
  }

  has(document: number): boolean {
    return ((this.bits[document >>> 3]! >>> (document & 7)) & 1) === 1;
  }

  add(document: number): void {
    this.bits[document >>> 3]! |= 1 << (document & 7);
  }

  addAll(documents: Uint32Array): this {
    for (const document of documents) this.add(document);
    return this;
  }

  /** Adds another set of the same size. */
  merge(bits: Uint8Array): this {
    for (let i = 0; i < bits.length; i += 1) this.bits[i]! |= bits[i]!;
    return this;
  }

  /** Whoever of the documents below numDocuments is not in the set. */
  complement(numDocuments: number): Bitmap {
    const other = new Bitmap(
      numDocuments,
      this.bits.map((byte) => ~byte),
    );
    if (numDocuments % 8 !== 0) other.bits[other.bits.length - 1]! &= (1 << (numDocuments % 8)) - 1;
    return other;
  }

  isEmpty(): boolean {
    return this.bits.every((byte) => byte === 0);
  }

  /** Whether any of [begin, end) is in the set. */
  hasAny(begin: number, end: number): boolean {
    for (let document = begin; document < end; document += 1) {
      if ((document & 7) === 0 && document + 8 <= end && this.bits[document >>> 3] === 0) document += 7;
      else if (this.has(document)) return true;
    }
    return false;
  }
}
