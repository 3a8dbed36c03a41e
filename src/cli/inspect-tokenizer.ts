// `millrace inspect` of a tokenizer: a folder or file that --tokenizer takes, perhaps with "#" and the token that ends documents.
import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { FOLDER_FILES, loadTokenizer, type Tokenizer, tokenizerFiles } from "../tokenizers/index.js";

/** Files of other names with these endings are corpus files. */
const TOKENIZER_FILE = /(?:^|[-_.])tokenizer\.json$|(?:^|[-_.])vocab\.txt$|\.model$/;
const BUILT_IN = "gpt2";

/** What --tokenizer would call it; undefined where `path` is no tokenizer by its names. */
function nameOf(path: string): string | undefined {
  if ((path === BUILT_IN || path.startsWith(`${BUILT_IN}#`)) && !existsSync(path)) return path;
  const place = existsSync(path) ? path : path.slice(0, Math.max(0, path.indexOf("#")));
  if (!existsSync(place)) return undefined;
  const isTokenizer = (name: string): boolean => TOKENIZER_FILE.test(name) || isOfFolder(name);
  if (statSync(place).isDirectory()) return readdirSync(place).some(isTokenizer) ? path : undefined;
  if (isOfFolder(basename(place))) return dirname(place) + path.slice(place.length);
  return isTokenizer(basename(place)) ? path : undefined;
}

function isOfFolder(name: string): boolean {
  return (FOLDER_FILES as readonly string[]).includes(name);
}

/** Undefined when the name is no tokenizer's; throws `config-tokenizer` for one that cannot be used. */
export function inspectTokenizer(path: string): Record<string, unknown> | undefined {
  const name = nameOf(path);
  if (name === undefined) return undefined;
  const tokenizer = loadTokenizer(name);
  const { kind, vocabSize, fingerprint, endOfDocumentId, specialTokens } = tokenizer;
  return {
    kind: "tokenizer",
    verified: "all of its files were read, and its vocabulary fits together",
    tokenizer: kind,
    files: tokenizerFiles(name),
    vocabSize,
    endOfDocument: { token: nameOfEnd(tokenizer), id: endOfDocumentId },
    specialTokens: Object.fromEntries([...specialTokens].sort(([, a], [, b]) => a - b)),
    fingerprint,
  };
}

/** Its name among the special tokens; what it decodes to where a vocabulary does not mark it as one. */
function nameOfEnd(tokenizer: Tokenizer): string {
  const { endOfDocumentId, specialTokens } = tokenizer;
  const marked = [...specialTokens].find(([, id]) => id === endOfDocumentId);
  return marked?.[0] ?? tokenizer.decode([endOfDocumentId]);
}
