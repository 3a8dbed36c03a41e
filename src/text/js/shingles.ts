// Shingles of a document as 64-bit hashes, its content hash and its normalised length: what native/text/shingles.h gives, on
// the units of text/units.ts.
import type { Shingling } from "../../native/dedup.js";
import { type UnitText, unitsOf } from "../units.js";
import { A, B, hashBytes, hashUnit, mix, newHash, SequenceHash } from "./hashes.js";
import { dropRepeats } from "./sets.js";
import { Word64 } from "./word64.js";

/** Keeps a wordless document's hashes apart from those of words. */
const W = new Word64(0x452821e638d01377n);

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function numUtf8Bytes(text: string, begin: number, end: number): number {
  let bytes = 0;
  for (let i = begin; i < end; i += 1) {
    const code = text.charCodeAt(i);
    // Half a surrogate pair is half of four bytes.
    bytes += code < 0x80 ? 1 : code < 0x800 || (code >= 0xd800 && code < 0xe000) ? 2 : 3;
  }
  return bytes;
}

/** One document at a time. */
export class Shingler {
  /** Of the document last shingled. */
  readonly content = newHash();
  normalizedBytes = 0;
  readonly #shingling: Shingling;
  readonly #sequence = new SequenceHash();
  readonly #unit = newHash();
  /** A^(size - 1): the weight of the oldest unit in a full run. */
  readonly #topPower = new Word64(1n);
  readonly #sum = new Word64(0n);
  readonly #word = new Word64(0n);
  #units = new Int32Array(0);

  constructor(shingling: Shingling) {
    this.#shingling = shingling;
    for (let i = 1; i < shingling.size; i += 1) this.#topPower.multiply(A);
  }

  /** The set of the document's shingles: ascending, each once, at least one. */
  shingle(utf8: Uint8Array): BigUint64Array<ArrayBuffer> {
    const hashes = this.runs(unitsOf(decoder.decode(utf8), this.#shingling.unit)).sort();
    return hashes.slice(0, dropRepeats(hashes));
  }

  /** The hash of the shingle that begins at each unit, in order; a text of fewer units has one. */
  runs(units: UnitText): BigUint64Array<ArrayBuffer> {
    const normalized = Buffer.from(units.text);
    this.normalizedBytes = normalized.length;
    if (units.starts.length === 1) return this.#wordless(normalized);
    this.#hashUnits(units, normalized);
    return this.#hashRuns(units.starts.length - 1);
  }

  #wordless(folded: Uint8Array): BigUint64Array<ArrayBuffer> {
    hashBytes(folded, 0, folded.length, this.content);
    this.content.low.xor(W.high, W.low);
    const set = new BigUint64Array(1);
    mix(this.#word.copy(this.content.low));
    new Int32Array(set.buffer).set([this.#word.low, this.#word.high]);
    return set;
  }

  #hashUnits({ text, starts, gap }: UnitText, utf8: Uint8Array): void {
    const count = starts.length - 1;
    const isAscii = utf8.length === text.length;
    if (this.#units.length < 2 * count) this.#units = new Int32Array(4 * count);
    this.#sequence.begin();
    let begin = 0;
    for (let i = 0; i < count; i += 1) {
      const [from, to] = [starts[i]!, starts[i + 1]! - gap];
      const end = begin + (isAscii ? to - from : numUtf8Bytes(text, from, to));
      hashUnit(utf8, begin, end, this.#unit);
      const { low, high } = this.#unit;
      this.#sequence.add(low, high);
      this.#units[2 * i] = low.low;
      this.#units[2 * i + 1] = low.high;
      begin = end + gap;
    }
    this.#sequence.finish(count, this.content);
  }

  /** One hash a position: the weighted sum of a run rolls along the units. */
  #hashRuns(count: number): BigUint64Array<ArrayBuffer> {
    const [sum, word] = [this.#sum.set(0, 0), this.#word];
    const length = Math.min(this.#shingling.size, count);
    const runs = new BigUint64Array(count - length + 1);
    const halves = new Int32Array(runs.buffer);
    const lengthTerm = new Word64(BigInt(length)).multiply(B);
    for (let i = 0; i < count; i += 1) {
      if (i >= length) sum.subtract(this.#unitAt(i - length).multiply(this.#topPower));
      sum.multiply(A).add(this.#unitAt(i));
      const run = i + 1 - length;
      if (run < 0) continue;
      mix(word.copy(sum).add(lengthTerm));
      halves[2 * run] = word.low;
      halves[2 * run + 1] = word.high;
    }
    return runs;
  }

  #unitAt(i: number): Word64 {
    return this.#word.set(this.#units[2 * i + 1]!, this.#units[2 * i]!);
  }
}
