// BERT's WordPiece: a vocabulary of one token a line, words cut into the longest tokens from left to right.
import { createHash } from "node:crypto";
import { invalid } from "../base/errors.js";
import { splitBertWords } from "./bert-text.js";
import type { EncodedBlock, Tokenizer } from "./tokenizer.js";

/** Part of the fingerprint: raised when the same file would give other ids. */
const KIND = "word-piece/1";
const UNKNOWN = "[UNK]";
const END_OF_DOCUMENT = "[SEP]";
const CONTINUATION = "##";
/** A word of more characters is unknown as a whole. */
const MAX_WORD_CHARACTERS = 100;
/** Cut words are kept up to this many. */
const MAX_CACHED_WORDS = 65_536;

export interface WordPieceFile {
  readonly name: string;
  readonly vocab: Uint8Array;
  readonly vocabFile: string;
  /** Lower case without accents. Undefined: when no token but those in brackets has a capital letter from A to Z. */
  readonly uncased: boolean | undefined;
}

function idsOf(file: WordPieceFile): { ids: Map<string, number>; tokens: string[] } {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(file.vocab);
  } catch (cause) {
    throw invalid("config-tokenizer", "expected UTF-8 for the vocabulary, got other bytes", {
      where: { file: file.vocabFile },
      cause,
    });
  }
  const tokens = text.replace(/\r?\n$/, "").split(/\r?\n/);
  const ids = new Map(tokens.map((token, id) => [token, id]));
  for (const token of [UNKNOWN, END_OF_DOCUMENT]) {
    if (ids.has(token)) continue;
    throw invalid("config-tokenizer", `expected the token ${token} for the vocabulary, got none`, {
      where: { file: file.vocabFile },
    });
  }
  return { ids, tokens };
}

export class WordPiece implements Tokenizer {
  readonly name: string;
  readonly vocabSize: number;
  readonly endOfDocumentId: number;
  readonly fingerprint: string;
  readonly #uncased: boolean;
  readonly #ids: Map<string, number>;
  readonly #tokens: string[];
  readonly #unknown: readonly number[];
  readonly #longest: number;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  readonly #cache = new Map<string, readonly number[]>();

  constructor(file: WordPieceFile) {
    const { ids, tokens } = idsOf(file);
    this.name = file.name;
    this.vocabSize = tokens.length;
    this.endOfDocumentId = ids.get(END_OF_DOCUMENT)!;
    this.#unknown = [ids.get(UNKNOWN)!];
    this.#uncased = file.uncased ?? !tokens.some((token) => /[A-Z]/.test(token) && !/^\[.*\]$/.test(token));
    this.#ids = ids;
    this.#tokens = tokens;
    this.#longest = tokens.reduce((longest, token) => Math.max(longest, token.length), 0);
    const digest = createHash("sha256").update(file.vocab).digest("hex");
    const parts = [KIND, digest, this.#uncased ? "uncased" : "cased"].join("\n");
    this.fingerprint = `sha256:${createHash("sha256").update(parts).digest("hex")}`;
  }

  encodeBlock(text: Uint8Array, offsets: Uint32Array): EncodedBlock {
    const ids: number[] = [];
    const ends = new Uint32Array(offsets.length);
    for (let row = 0; row + 1 < offsets.length; row += 1) {
      const chosen = this.#decoder.decode(text.subarray(offsets[row]!, offsets[row + 1]!));
      splitBertWords(chosen, this.#uncased, (word) => {
        for (const id of this.#idsOfWord(word)) ids.push(id);
      });
      ends[row + 1] = ids.length;
    }
    return { ids: Int32Array.from(ids), offsets: ends };
  }

  encode(text: string): Int32Array {
    const bytes = new TextEncoder().encode(text);
    return this.encodeBlock(bytes, Uint32Array.of(0, bytes.length)).ids;
  }

  /** Words with a space between them: white space, and in uncased vocabularies case and accents, are gone. */
  decode(ids: ArrayLike<number>): string {
    let text = "";
    for (let i = 0; i < ids.length; i += 1) {
      const token = this.#tokens[ids[i]!];
      if (token === undefined) {
        throw invalid(
          "config-tokenizer",
          `expected ids from 0 to ${this.vocabSize - 1} for decoding, got ${ids[i]} at position ${i}`,
        );
      }
      if (token.startsWith(CONTINUATION) && i > 0) text += token.slice(CONTINUATION.length);
      else text += i > 0 ? ` ${token}` : token;
    }
    return text;
  }

  decodeBytes(ids: ArrayLike<number>): Uint8Array {
    return new TextEncoder().encode(this.decode(ids));
  }

  #idsOfWord(word: string): readonly number[] {
    const known = this.#cache.get(word);
    if (known !== undefined) return known;
    // A code point is at most two code units.
    const long = word.length > 2 * MAX_WORD_CHARACTERS || Array.from(word).length > MAX_WORD_CHARACTERS;
    if (long) return this.#unknown;
    const ids = this.#cut(word) ?? this.#unknown;
    if (this.#cache.size >= MAX_CACHED_WORDS) this.#cache.clear();
    this.#cache.set(word, ids);
    return ids;
  }

  #cut(word: string): number[] | undefined {
    const ids: number[] = [];
    for (let begin = 0; begin < word.length; ) {
      const prefix = begin > 0 ? CONTINUATION : "";
      let end = Math.min(word.length, begin + this.#longest);
      let id: number | undefined;
      for (; end > begin; end -= 1) {
        id = this.#ids.get(prefix + word.slice(begin, end));
        if (id !== undefined) break;
      }
      if (id === undefined) return undefined;
      ids.push(id);
      begin = end;
    }
    return ids;
  }
}
