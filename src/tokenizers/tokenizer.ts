// What every kind of tokenizer is to the stages above.
import type { EncodedBlock } from "../native/tokenizer.js";

export type { EncodedBlock };

/** What is certain of the number of a text's tokens before they are made. */
export interface TokenBounds {
  /** At most bytes * mostPerByte + 1. */
  readonly mostPerByte: number;
  /** At least as many as the text has words between white space. */
  readonly onePerWord: boolean;
}

/** Used by one thread; made again in each worker (a few milliseconds). */
export interface Tokenizer {
  /** The name it was loaded by. */
  readonly name: string;
  /** What it is, for people: "byte-level BPE", "WordPiece, uncased". */
  readonly kind: string;
  /** Ids by the names of the tokens that stand for no text: ends, pads, unknown words. */
  readonly specialTokens: ReadonlyMap<string, number>;
  /** True number of ids: 0 .. vocabSize - 1. */
  readonly vocabSize: number;
  /** The id that ends a document. No text encodes to it. */
  readonly endOfDocumentId: number;
  /** "sha256:..." over everything that decides ids: equal fingerprints give equal ids for every text. */
  readonly fingerprint: string;
  /** Absent: nothing is certain. */
  readonly bounds?: TokenBounds;
  /** UTF-8 texts text[offsets[i] .. offsets[i+1]), each by itself. All text is ordinary: nothing in it is a special token. */
  encodeBlock(text: Uint8Array, offsets: Uint32Array): EncodedBlock;
  encode(text: string): Int32Array;
  /** Bytes that are not UTF-8 (ids may cut a character) become U+FFFD. */
  decode(ids: ArrayLike<number>): string;
  decodeBytes(ids: ArrayLike<number>): Uint8Array;
}
