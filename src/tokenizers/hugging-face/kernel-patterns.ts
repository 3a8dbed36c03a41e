// Regular expressions of well-known tokenizers that the native kernel has, as their files spell them.
import type { ByteLevelBpeOptions } from "../../native/tokenizer.js";

const CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const O200K_ENDS = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
const O200K_BEGINS = "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
const TAIL = "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** The expressions of native/text/pretokenizer.h as the files spell them. */
export const KERNEL_PATTERNS: ReadonlyMap<string, ByteLevelBpeOptions["pattern"]> = new Map([
  ["'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", "gpt2"],
  ["'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", "gpt2"],
  [`${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${TAIL}`, "llama3"],
  [`${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${TAIL}`, "qwen2"],
  [
    `${O200K_BEGINS}*${O200K_ENDS}+${CONTRACTIONS}?|${O200K_BEGINS}+${O200K_ENDS}*${CONTRACTIONS}?` +
      `|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${TAIL}`,
    "o200k",
  ],
  [
    `${O200K_BEGINS}*${O200K_ENDS}+|${O200K_BEGINS}+${O200K_ENDS}*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${TAIL}`,
    "tekken",
  ],
]);
