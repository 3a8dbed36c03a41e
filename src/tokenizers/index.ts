// The one door to tokenizers: by name, from files on this machine (names.ts says which); nothing is downloaded.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { invalid } from "../base/errors.js";
import { ByteLevelBpe } from "./byte-level-bpe.js";
import { declaringFiles } from "./end-of-document.js";
import { gpt2File } from "./gpt2.js";
import { loadHuggingFace } from "./hugging-face.js";
import { FOLDER_FILES, sourceOf } from "./names.js";
import { loadSentencePiece, prepareSentencePiece } from "./sentence-piece.js";
import type { Tokenizer } from "./tokenizer.js";
import { WordPiece } from "./word-piece.js";

export { FOLDER_FILES, withEndOfDocument } from "./names.js";
export type { EncodedBlock, TokenBounds, Tokenizer } from "./tokenizer.js";

/** What computes ids: the addon, or for SentencePiece models alone a package that needs none. */
export type TokenizerEngine = "native" | "js";

const END_OF_TEXT = "<|endoftext|>";

function bertConfigFile(vocabFile: string): string {
  return join(dirname(resolve(vocabFile)), "tokenizer_config.json");
}

/** Whether tokenizer_config.json beside the vocabulary says lower case; undefined where it does not say. */
function lowerCaseOf(vocabFile: string): boolean | undefined {
  const file = bertConfigFile(vocabFile);
  if (!existsSync(file)) return undefined;
  const refuse = (message: string, cause?: unknown): never => {
    throw invalid("config-tokenizer", message, { where: { file }, ...(cause === undefined ? {} : { cause }) });
  };
  let config: Record<string, unknown> = {};
  try {
    config = Object(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    refuse("expected JSON for the tokenizer's configuration, got something else", error);
  }
  const { do_lower_case: lower, strip_accents: strip = null, tokenize_chinese_chars: chinese = true } = config;
  if (lower !== undefined && typeof lower !== "boolean") {
    refuse(`expected true or false for do_lower_case, got ${JSON.stringify(lower)}`);
  }
  if (strip !== null) refuse(`expected null for strip_accents, got ${JSON.stringify(strip)}`);
  if (chinese !== true) refuse(`expected true for tokenize_chinese_chars, got ${JSON.stringify(chinese)}`);
  return lower as boolean | undefined;
}

/** The two files that a byte-level BPE is made of; throws `config-tokenizer` for other kinds. */
export function vocabularyFiles(name: string): { vocabFile: string; mergesFile: string } {
  const { source } = sourceOf(name);
  if (source.kind === "gpt2") {
    return { vocabFile: gpt2File("encoder.json").file, mergesFile: gpt2File("vocab.bpe").file };
  }
  if (source.kind === "byte-level") {
    return { vocabFile: resolve(source.vocabFile), mergesFile: resolve(source.mergesFile) };
  }
  if (source.kind === "hugging-face") {
    const [vocabFile, mergesFile] = FOLDER_FILES.map((file) => join(dirname(resolve(source.file)), file));
    if ([vocabFile, mergesFile].every((file) => existsSync(file!)))
      return { vocabFile: vocabFile!, mergesFile: mergesFile! };
    throw invalid("config-tokenizer", `expected ${FOLDER_FILES.join(" and ")} beside ${source.file}, got none`);
  }
  const what = source.kind === "word-piece" ? "WordPiece vocabulary" : "SentencePiece model";
  throw invalid("config-tokenizer", `expected a byte-level BPE for tokenizer, got the ${what} ${name}`);
}

/** Files of a tokenizer whose name does not pin their content, absolute. */
export function tokenizerFiles(name: string): string[] {
  const { source } = sourceOf(name);
  switch (source.kind) {
    case "gpt2":
      return [];
    case "byte-level":
      return [resolve(source.vocabFile), resolve(source.mergesFile)];
    case "word-piece":
      return [source.vocabFile, bertConfigFile(source.vocabFile)]
        .filter((file) => existsSync(file))
        .map((file) => resolve(file));
    case "sentence-piece":
      return [resolve(source.file)];
    case "hugging-face": {
      const declaring = declaringFiles(dirname(resolve(source.file))).filter((file) => existsSync(file));
      return [resolve(source.file), ...declaring];
    }
  }
}

/** Those that a tokenizer may have been loaded by; its fingerprint tells which. */
export function enginesOf(name: string): readonly TokenizerEngine[] {
  return sourceOf(name).source.kind === "sentence-piece" ? ["native", "js"] : ["native"];
}

/** To be awaited in every thread before it loads tokenizers of an engine other than native. */
export async function prepareTokenizers(engine: TokenizerEngine): Promise<void> {
  await prepareSentencePiece(engine);
}

/** Throws `config-tokenizer` when there is no such tokenizer, its files are damaged, or the engine has none of its kind. */
export function loadTokenizer(name: string, engine: TokenizerEngine = "native"): Tokenizer {
  const { source, endOfDocument } = sourceOf(name);
  const refuse = (expected: string, got: string): never => {
    throw invalid("config-tokenizer", `expected ${expected} for tokenizer ${name}, got ${got}`);
  };
  if (source.kind !== "sentence-piece" && engine !== "native") {
    throw invalid("config-tokenizer", `expected a SentencePiece .model for the engine ${engine}, got "${name}"`);
  }
  switch (source.kind) {
    case "hugging-face":
      return loadHuggingFace({ name, file: source.file, endOfDocument });
    case "sentence-piece":
      return loadSentencePiece(name, source.file, { engine, endOfDocument });
    case "word-piece": {
      if (endOfDocument !== undefined && endOfDocument !== "[SEP]") refuse("[SEP] as end of documents", endOfDocument);
      const { vocabFile } = source;
      return new WordPiece({ name, vocab: readFileSync(vocabFile), vocabFile, uncased: lowerCaseOf(vocabFile) });
    }
    case "byte-level": {
      const { vocabFile, mergesFile } = source;
      const [vocab, merges] = [readFileSync(vocabFile), readFileSync(mergesFile)];
      return new ByteLevelBpe({
        name,
        vocab,
        merges,
        vocabFile,
        mergesFile,
        endOfDocument: endOfDocument ?? END_OF_TEXT,
      });
    }
    case "gpt2": {
      if (endOfDocument !== undefined && endOfDocument !== END_OF_TEXT)
        refuse(`${END_OF_TEXT} as end of documents`, endOfDocument);
      const [vocab, merges] = [gpt2File("encoder.json"), gpt2File("vocab.bpe")];
      return new ByteLevelBpe({
        name,
        vocab: vocab.bytes,
        merges: merges.bytes,
        vocabFile: vocab.file,
        mergesFile: merges.file,
        endOfDocument: END_OF_TEXT,
      });
    }
  }
}
