// BERT's WordPiece: a vocabulary of one token a line in, a Tokenizer over the native kernel out.
import { invalid, toWireError } from "../base/errors.js";
import type { NativeTokenizer, WordPieceOptions } from "../native/tokenizer.js";
import { native } from "../native.js";
import { ByteTokenizer } from "./byte-tokenizer.js";
import { wordPieceFingerprint } from "./fingerprint.js";
import type { EncodedBlock } from "./tokenizer.js";

const UNKNOWN = "[UNK]";
const END_OF_DOCUMENT = "[SEP]";

export interface WordPieceFile {
  readonly name: string;
  readonly vocab: Uint8Array;
  readonly vocabFile: string;
  /** Lower case without accents. Undefined: when no token but those in brackets has a capital letter from A to Z. */
  readonly uncased: boolean | undefined;
}

function tokensOf(file: WordPieceFile): string[] {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(file.vocab);
  } catch (cause) {
    throw invalid("config-tokenizer", "expected UTF-8 for the vocabulary, got other bytes", {
      where: { file: file.vocabFile },
      cause,
    });
  }
  return text.replace(/\r?\n$/, "").split(/\r?\n/);
}

/** A native WordPiece of tokens by id ("" where an id has none); throws `native-invalid-argument`. */
export function createNativeWordPiece(tokens: readonly string[], options: WordPieceOptions): NativeTokenizer {
  const bytes = tokens.map((token) => Buffer.from(token));
  const offsets = new Uint32Array(tokens.length + 1);
  for (const [id, token] of bytes.entries()) offsets[id + 1] = offsets[id]! + token.length;
  return native().createWordPiece(Buffer.concat(bytes), offsets, options);
}

function createNative(file: WordPieceFile, tokens: readonly string[], uncased: boolean): NativeTokenizer {
  try {
    return createNativeWordPiece(tokens, {
      unknown: UNKNOWN,
      prefix: "##",
      mostCharacters: 100,
      split: true,
      clean: true,
      chinese: true,
      stripAccents: uncased,
      lowercase: uncased,
    });
  } catch (error) {
    const wire = toWireError(error);
    if (wire.code !== "native-invalid-argument") throw error;
    throw invalid("config-tokenizer", wire.message, { where: { file: file.vocabFile }, cause: error });
  }
}

/** Those that BERT has for what is no text. */
const SPECIAL: readonly string[] = ["[PAD]", UNKNOWN, "[CLS]", END_OF_DOCUMENT, "[MASK]"];

/** Decodes to words with a space between them: white space, and in uncased vocabularies case and accents, are gone. */
export class WordPiece extends ByteTokenizer {
  readonly name: string;
  readonly kind: string;
  readonly specialTokens: ReadonlyMap<string, number>;
  readonly vocabSize: number;
  readonly endOfDocumentId: number;
  readonly fingerprint: string;
  readonly #native: NativeTokenizer;

  constructor(file: WordPieceFile) {
    super();
    const tokens = tokensOf(file);
    const uncased = file.uncased ?? !tokens.some((token) => /[A-Z]/.test(token) && !/^\[.*\]$/.test(token));
    this.#native = createNative(file, tokens, uncased);
    this.name = file.name;
    this.vocabSize = this.#native.vocabSize;
    this.endOfDocumentId = tokens.lastIndexOf(END_OF_DOCUMENT);
    if (this.endOfDocumentId < 0) {
      throw invalid("config-tokenizer", `expected the token ${END_OF_DOCUMENT} for the vocabulary, got none`, {
        where: { file: file.vocabFile },
      });
    }
    const ids = new Map(tokens.map((token, id) => [token, id]));
    this.kind = `WordPiece, ${uncased ? "uncased" : "cased"}`;
    this.specialTokens = new Map([...ids].filter(([token]) => SPECIAL.includes(token)));
    this.fingerprint = wordPieceFingerprint(ids, uncased, END_OF_DOCUMENT);
  }

  encodeBlock(text: Uint8Array, offsets: Uint32Array): EncodedBlock {
    return native().encodeBlock(this.#native, text, offsets);
  }

  protected decodeIds(ids: Int32Array): Uint8Array {
    return native().decodeIds(this.#native, ids);
  }
}
