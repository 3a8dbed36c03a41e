// native/addon/sentence_piece.cc: SentencePiece models.
import type { NativeTokenizer } from "./tokenizer.js";

export interface NativeSentencePieces {
  /** model: the bytes of a .model file, unigram or BPE. Encodes and decodes as those of tokenizer.ts do. */
  createSentencePiece(model: Uint8Array): NativeTokenizer;
}
