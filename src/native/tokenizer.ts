// native/addon/tokenizer.cc: byte-level BPE and WordPiece, and what all tokenizers do.

/** An opaque native tokenizer; garbage collection frees it. Not shared between threads. */
export interface NativeTokenizer {
  readonly vocabSize: number;
}

export interface EncodedBlock {
  /** Concatenated ids of all rows. */
  readonly ids: Int32Array;
  /** Number of rows + 1 offsets into ids. */
  readonly offsets: Uint32Array;
}

/** Where a byte-level vocabulary differs from GPT-2's: see native/include/millrace/tokenizer.h. */
export interface ByteLevelBpeOptions {
  /** How texts are cut into pieces: native/text/pretokenizer.h. "whole": the caller cuts, every row is a piece. */
  readonly pattern: "gpt2" | "llama3" | "qwen2" | "o200k" | "tekken" | "whole";
  /** A piece that is a token becomes it, whatever the merges say. */
  readonly ignoreMerges: boolean;
  /** A text that is not empty and does not begin with a space gets one. */
  readonly prefixSpace: boolean;
  /** {"token": id} of tokens that no text becomes and that decode to their own UTF-8. */
  readonly addedJson: Uint8Array;
}

/** Of WordPiece. BERT's uncased: "[UNK]", "##", 100, and true for all the others. */
export interface WordPieceOptions {
  /** The token of a word that no tokens make up; must be in the vocabulary. */
  readonly unknown: string;
  /** Before a token that does not begin a word. */
  readonly prefix: string;
  /** A longer word is unknown. */
  readonly mostCharacters: number;
  /** false: every text is one word as it is, and what follows is not looked at. */
  readonly split: boolean;
  /** Control characters go, white space becomes spaces. */
  readonly clean: boolean;
  /** Ideographs are words by themselves. */
  readonly chinese: boolean;
  /** Canonical decomposition without nonspacing marks. */
  readonly stripAccents: boolean;
  readonly lowercase: boolean;
}

export interface NativeTokenizers {
  /** vocabJson: {"token": id} in GPT-2's byte-to-unicode alphabet; mergesText: vocab.bpe. With options, ids may be missing. */
  createByteLevelBpe(vocabJson: Uint8Array, mergesText: Uint8Array, options?: ByteLevelBpeOptions): NativeTokenizer;
  /** Token i is tokens[offsets[i] .. offsets[i+1]) in UTF-8; empty: an id without a token. Of equal tokens the last counts. */
  createWordPiece(tokens: Uint8Array, offsets: Uint32Array, options: WordPieceOptions): NativeTokenizer;
  encodeBlock(tokenizer: NativeTokenizer, text: Uint8Array, offsets: Uint32Array): EncodedBlock;
  decodeIds(tokenizer: NativeTokenizer, ids: Int32Array): Uint8Array;
}
