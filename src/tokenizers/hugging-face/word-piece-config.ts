// The model part of a tokenizer.json of type WordPiece, checked, and its native tokenizers.
import { invalid, toWireError } from "../../base/errors.js";
import type { WordPieceOptions } from "../../native/tokenizer.js";
import { createNativeWordPiece } from "../word-piece.js";
import { readVocab, refuseMissingUnknown } from "./bpe-config.js";
import type { JsonNode } from "./json-node.js";
import { NativePieceEncoder } from "./piece-encoder.js";

export interface WordPieceConfig {
  readonly vocab: ReadonlyMap<string, number>;
  readonly unknown: string;
  readonly prefix: string;
  readonly mostCharacters: number;
}

export function readWordPiece(node: JsonNode): WordPieceConfig {
  node.only("type", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word", "vocab");
  const [vocab, unknown] = [readVocab(node.field("vocab")), node.field("unk_token").string()];
  refuseMissingUnknown(node, { vocab, unknown });
  return {
    vocab,
    unknown,
    prefix: node.field("continuing_subword_prefix").string(),
    mostCharacters: node.field("max_input_chars_per_word").wholeNumber(),
  };
}

/** How texts become words; null: every piece is one. */
export type WordSplitting = Pick<WordPieceOptions, "clean" | "chinese" | "stripAccents" | "lowercase"> | null;

/** `unreachable`: a token that no text becomes. */
export function wordPieceEncoder(
  config: WordPieceConfig,
  splitting: WordSplitting,
  unreachable: string | undefined,
  file: string,
): NativePieceEncoder {
  const tokens: string[] = [];
  for (const [token, id] of config.vocab) {
    if (tokens[id] !== undefined) {
      throw invalid("config-tokenizer", `expected one token for id ${id}, got "${tokens[id]}" and "${token}"`, {
        where: { file },
      });
    }
    tokens[id] = token;
  }
  const reachable = Array.from(tokens, (token) => (token === undefined || token === unreachable ? "" : token));
  const split = { clean: false, chinese: false, stripAccents: false, lowercase: false, ...splitting };
  try {
    return new NativePieceEncoder(
      createNativeWordPiece(reachable, {
        ...split,
        split: splitting !== null,
        unknown: config.unknown,
        prefix: config.prefix,
        mostCharacters: config.mostCharacters,
      }),
    );
  } catch (error) {
    const wire = toWireError(error);
    if (wire.code !== "native-invalid-argument") throw error;
    throw invalid("config-tokenizer", wire.message, { where: { file }, cause: error });
  }
}
