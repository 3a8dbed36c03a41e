// BPE over characters, for vocabularies that the native kernel does not know: byte fallback, unknown tokens, prefixes and
// suffixes. A piece that was seen is remembered, in a bounded table.
import { invalid } from "../../base/errors.js";
import { type BpeConfig, byteToken, mergedToken } from "./bpe-config.js";
import { BpeMerging } from "./bpe-merging.js";
import type { IdList } from "./id-list.js";
import type { PieceEncoder } from "./piece-encoder.js";

const MOST_REMEMBERED = 1 << 16;
const LONGEST_REMEMBERED = 64;
/** SentencePiece's space. */
const SPACE = "\u2581";

export class BpeModel implements PieceEncoder {
  readonly #config: BpeConfig;
  readonly #vocab: ReadonlyMap<string, number>;
  readonly #merging: BpeMerging;
  readonly #unknownId: number | undefined;
  /** Ids of <0x00> to <0xFF>. */
  readonly #byteIds: readonly (number | undefined)[];
  /** Whether no token goes on over the beginning of a word: then words are merged one by one. */
  readonly #endsAtSpaces: boolean;
  readonly #remembered = new Map<string, Int32Array>();
  #ids = new Int32Array(1 << 10);
  #length = 0;

  /** `unreachable`: a token that no text becomes, although it is in the vocabulary. */
  constructor(config: BpeConfig, unreachable: string | undefined) {
    this.#config = config;
    const reachable = new Map(config.vocab);
    if (unreachable !== undefined) reachable.delete(unreachable);
    this.#vocab = reachable;
    const merges = mergesOf(config, reachable);
    this.#merging = new BpeMerging(merges.map(({ left, right, made }) => [left, right, made]));
    this.#unknownId = config.unknown === undefined ? undefined : config.vocab.get(config.unknown);
    this.#byteIds = Array.from({ length: 256 }, (_, byte) => reachable.get(byteToken(byte)));
    this.#endsAtSpaces =
      reachable.has(SPACE) &&
      config.continuingPrefix === "" &&
      config.endSuffix === "" &&
      !config.ignoresMerges &&
      !merges.some(({ token }) => /[^\u2581]\u2581/.test(token));
  }

  encode(pieces: readonly (string | number)[], out: IdList): void {
    for (const piece of pieces) {
      if (typeof piece === "number") out.push(piece);
      else if (this.#endsAtSpaces) this.#encodeWords(piece, out);
      else this.#encodePiece(piece, out);
    }
  }

  #encodeWords(piece: string, out: IdList): void {
    let begin = 0;
    for (let at = piece.indexOf(SPACE, 1); at >= 0; at = piece.indexOf(SPACE, at + 1)) {
      if (piece[at - 1] === SPACE) continue;
      this.#encodePiece(piece.slice(begin, at), out);
      begin = at;
    }
    this.#encodePiece(begin === 0 ? piece : piece.slice(begin), out);
  }

  #encodePiece(piece: string, out: IdList): void {
    const known = this.#remembered.get(piece);
    if (known !== undefined) {
      out.pushAll(known);
      return;
    }
    const begin = out.length;
    const whole = this.#config.ignoresMerges ? this.#vocab.get(piece) : undefined;
    if (whole !== undefined) out.push(whole);
    else {
      this.#spell(piece);
      const left = this.#merging.apply(this.#ids, this.#length);
      out.pushAll(this.#ids.subarray(0, left));
      if (this.#ids.length > 1 << 20) this.#ids = new Int32Array(1 << 10);
    }
    if (piece.length > LONGEST_REMEMBERED) return;
    if (this.#remembered.size >= MOST_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(piece, out.from(begin));
  }

  /**
   * The ids of the single characters. An unknown token waits for the next known character, so that the tokens of bytes in
   * between come before it: that is how the library does it.
   */
  #spell(piece: string): void {
    this.#length = 0;
    let unknown: number | undefined;
    for (let i = 0; i < piece.length; ) {
      const next = i + (piece.codePointAt(i)! > 0xffff ? 2 : 1);
      const symbol = this.#symbol(piece, i, next);
      i = next;
      const id = this.#vocab.get(symbol);
      if (id !== undefined) {
        if (unknown !== undefined) this.#push(unknown);
        unknown = undefined;
        this.#push(id);
        continue;
      }
      if (this.#config.byteFallback && this.#pushBytes(symbol)) continue;
      if (this.#config.unknown === undefined) continue;
      if (unknown !== undefined && !this.#config.fusesUnknown) this.#push(unknown);
      unknown = this.#unknown();
    }
    if (unknown !== undefined) this.#push(unknown);
  }

  #symbol(piece: string, begin: number, end: number): string {
    const { continuingPrefix, endSuffix } = this.#config;
    const character = piece.slice(begin, end);
    const prefixed = begin > 0 && continuingPrefix !== "" ? continuingPrefix + character : character;
    return end === piece.length && endSuffix !== "" ? prefixed + endSuffix : prefixed;
  }

  #pushBytes(symbol: string): boolean {
    const ids = [...Buffer.from(symbol)].map((byte) => this.#byteIds[byte]);
    if (!ids.every((id) => id !== undefined)) return false;
    for (const id of ids) this.#push(id);
    return true;
  }

  #unknown(): number {
    if (this.#unknownId === undefined) {
      throw invalid(
        "config-tokenizer",
        `expected the unknown token ${this.#config.unknown} for the vocabulary, got none`,
      );
    }
    return this.#unknownId;
  }

  #push(id: number): void {
    if (this.#length === this.#ids.length) {
      const grown = new Int32Array(this.#ids.length * 2);
      grown.set(this.#ids);
      this.#ids = grown;
    }
    this.#ids[this.#length] = id;
    this.#length += 1;
  }
}

interface Merge {
  readonly left: number;
  readonly right: number;
  readonly made: number;
  readonly token: string;
}

/** Those that make a token that texts can become. */
function mergesOf(config: BpeConfig, reachable: ReadonlyMap<string, number>): Merge[] {
  const found: Merge[] = [];
  for (const [left, right] of config.merges) {
    const token = mergedToken(left, right, config.continuingPrefix);
    const made = reachable.get(token);
    if (made !== undefined) found.push({ left: config.vocab.get(left)!, right: config.vocab.get(right)!, made, token });
  }
  return found;
}
