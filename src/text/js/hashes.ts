// The hashes of docs/formats/dedup.md, section "Hashes": the bits of the native kernels.
import { Word64 } from "./word64.js";

export const A = new Word64(0x243f6a8885a308d3n);
export const B = new Word64(0x13198a2e03707345n);
export const C = new Word64(0xa4093822299f31d1n);
const D = new Word64(0x082efa98ec4e6c89n);

/** A bijection of 64 bits in which every input bit reaches every output bit. In place. */
export function mix(x: Word64): Word64 {
  x.low ^= x.high;
  x.multiply(C);
  x.low ^= (x.high << 3) | (x.low >>> 29);
  x.high ^= x.high >>> 29;
  x.multiply(D);
  x.low ^= x.high;
  return x;
}

/** Two words of 128 bits. */
export interface Hash128 {
  readonly low: Word64;
  readonly high: Word64;
}

export function newHash(): Hash128 {
  return { low: new Word64(0n), high: new Word64(0n) };
}

/** The hash of a sequence of words, of which each place may give the two halves different ones. */
export class SequenceHash {
  readonly #low = newSum(A);
  readonly #high = newSum(B);

  begin(): void {
    for (const lane of [this.#low, this.#high]) {
      lane.sum.set(0, 0);
      lane.place.set(0, 0);
    }
  }

  add(low: Word64, high: Word64): void {
    addTerm(this.#low, low);
    addTerm(this.#high, high);
  }

  /** `count`: of units or bytes. */
  finish(count: number, out: Hash128): void {
    mix(out.low.copy(this.#low.sum).addNumber(count));
    mix(out.high.copy(this.#high.sum).addNumber(count));
  }
}

interface Sum {
  readonly sum: Word64;
  /** The step, once for each word so far. */
  readonly place: Word64;
  readonly step: Word64;
}

function newSum(step: Word64): Sum {
  return { sum: new Word64(0n), place: new Word64(0n), step };
}

const term = new Word64(0n);

function addTerm({ sum, place, step }: Sum, word: Word64): void {
  place.add(step);
  sum.add(mix(term.copy(word).add(place)));
}

function half(bytes: Uint8Array, at: number, end: number): number {
  if (at + 4 <= end) return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  let value = 0;
  for (let i = at, shift = 0; i < end; i += 1, shift += 8) value |= bytes[i]! << shift;
  return value;
}

/** The 8 bytes at `at`, little-endian, filled up with zeros from `end` on. */
function load(word: Word64, bytes: Uint8Array, at: number, end: number): Word64 {
  return word.set(half(bytes, at + 4, end), half(bytes, at, end));
}

const bytesHash = new SequenceHash();
const chunk = new Word64(0n);

/** Of a text as it is, of an id: bytes[begin, end). */
export function hashBytes(bytes: Uint8Array, begin: number, end: number, out: Hash128): void {
  bytesHash.begin();
  for (let at = begin; at < end; at += 8) {
    load(chunk, bytes, at, end);
    bytesHash.add(chunk, chunk);
  }
  bytesHash.finish(end - begin, out);
}

const a = new Word64(0n);
const b = new Word64(0n);
const s = new Word64(0n);

/** Of a word or character: bytes[begin, end), at least one. */
export function hashUnit(bytes: Uint8Array, begin: number, end: number, out: Hash128): void {
  s.copy(C).addNumber(2 * (end - begin));
  for (let at = begin; ; at += 16) {
    load(a, bytes, at, end).xor(A.high, A.low);
    load(b, bytes, at + 8, end).xor(s.high, s.low);
    a.multiplyWide(b, s);
    if (end - at <= 16) break;
    s.xor(a.high, a.low);
  }
  out.low.copy(a).xor(s.high, s.low);
  out.high.copy(a);
}
