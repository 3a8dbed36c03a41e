// A 64-bit unsigned word as two 32-bit halves: BigInt products take over three times as long, and documents are hashed
// word by word. Arithmetic is modulo 2^64; halves are int32, which V8 holds without boxing.

/** The upper half of a 64-bit product of two halves. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  // Neither sum reaches 2^32: (2^16 - 1)^2 + 2^16 - 1 < 2^32.
  const middle = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) | 0;
  const other = (Math.imul(aLow, bHigh) + (middle & 0xffff)) | 0;
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (other >>> 16)) | 0;
}

const TWO_32 = 2 ** 32;

export class Word64 {
  high: number;
  low: number;

  constructor(value: bigint) {
    this.high = Number(BigInt.asIntN(32, value >> 32n));
    this.low = Number(BigInt.asIntN(32, value));
  }

  set(high: number, low: number): this {
    this.high = high | 0;
    this.low = low | 0;
    return this;
  }

  copy(from: Word64): this {
    return this.set(from.high, from.low);
  }

  xor(high: number, low: number): this {
    this.high ^= high;
    this.low ^= low;
    return this;
  }

  add({ high, low }: Word64): this {
    const sum = (this.low >>> 0) + (low >>> 0);
    this.low = sum | 0;
    this.high = (this.high + high + (sum >= TWO_32 ? 1 : 0)) | 0;
    return this;
  }

  /** A count below 2^53. */
  addNumber(count: number): this {
    const sum = (this.low >>> 0) + (count % TWO_32);
    this.low = sum | 0;
    this.high = (this.high + Math.floor(count / TWO_32) + (sum >= TWO_32 ? 1 : 0)) | 0;
    return this;
  }

  subtract({ high, low }: Word64): this {
    const difference = (this.low >>> 0) - (low >>> 0);
    this.low = difference | 0;
    this.high = (this.high - high - (difference < 0 ? 1 : 0)) | 0;
    return this;
  }

  multiply({ high, low }: Word64): this {
    const upper = multiplyHigh(this.low, low) + Math.imul(this.high, low) + Math.imul(this.low, high);
    this.low = Math.imul(this.low, low);
    this.high = upper | 0;
    return this;
  }

  /** The lower half of the 128-bit product stays here, the upper half goes to `upper`. */
  multiplyWide({ high, low }: Word64, upper: Word64): this {
    const { high: thisHigh, low: thisLow } = this;
    const word1 =
      (multiplyHigh(thisLow, low) >>> 0) + (Math.imul(thisLow, high) >>> 0) + (Math.imul(thisHigh, low) >>> 0);
    const word2 =
      (multiplyHigh(thisLow, high) >>> 0) +
      (multiplyHigh(thisHigh, low) >>> 0) +
      (Math.imul(thisHigh, high) >>> 0) +
      Math.floor(word1 / TWO_32);
    upper.low = word2 | 0;
    upper.high = (multiplyHigh(thisHigh, high) + Math.floor(word2 / TWO_32)) | 0;
    this.low = Math.imul(thisLow, low);
    this.high = word1 | 0;
    return this;
  }
}
