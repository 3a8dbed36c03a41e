// Which token ends a document: the one that is asked for, else the one that a configuration beside the tokenizer declares,
// else the only one of the usual names that it has.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { invalid } from "../base/errors.js";

const USUAL = [
  "<|endoftext|>",
  "<|end_of_text|>",
  "<\uff5cend\u2581of\u2581sentence\uff5c>",
  "</s>",
  "<eos>",
  "[SEP]",
  "[EOS]",
];
/** In this order of files and fields. */
const DECLARING_FILES = ["tokenizer_config.json", "special_tokens_map.json"] as const;
const DECLARING_FIELDS = ["eos_token", "sep_token"] as const;

export interface EndOfDocumentSearch {
  /** What the user asks for. */
  readonly wanted: string | undefined;
  /** Where a configuration may lie. */
  readonly folder: string;
  /** The tokenizer's own file, for errors. */
  readonly file: string;
  has(token: string): boolean;
  /** Tokens that are marked as special. */
  readonly special: readonly string[];
}

const MOST_NAMED = 8;

/** Files that may declare it, whether they exist or not. */
export function declaringFiles(folder: string): string[] {
  return DECLARING_FILES.map((file) => join(folder, file));
}

/** Throws `config-tokenizer` where there is none or more than one. */
export function findEndOfDocument({ wanted, folder, file, has, special }: EndOfDocumentSearch): string {
  if (wanted !== undefined) {
    // A token of ordinary text would end documents anywhere.
    if (has(wanted) && (special.includes(wanted) || USUAL.includes(wanted))) return wanted;
    throw invalid("config-tokenizer", `expected a special token for the end of documents, got "${wanted}"`, {
      where: { file },
      hint: `special are ${special.slice(0, MOST_NAMED).join(", ") || "none"}${special.length > MOST_NAMED ? ", ..." : ""}`,
    });
  }
  for (const field of DECLARING_FIELDS) {
    for (const path of declaringFiles(folder)) {
      const declared = declaredIn(path, field);
      if (declared !== undefined && has(declared)) return declared;
    }
  }
  // One that is merely in the vocabulary may have been learned from texts that spell it.
  const marked = USUAL.filter((token) => special.includes(token));
  const usual = marked.length > 0 ? marked : USUAL.filter(has);
  if (usual.length === 1) return usual[0]!;
  const got = usual.length === 0 ? "none" : usual.join(" and ");
  throw invalid("config-tokenizer", `expected one token that ends documents for the tokenizer, got ${got}`, {
    where: { file },
    hint: "name it with --end-of-document (endOfDocument in a recipe), or as eos_token in a tokenizer_config.json beside it",
  });
}

/** "</s>", or { "content": "</s>", ... }. */
function declaredIn(path: string, field: string): string | undefined {
  if (!existsSync(path)) return undefined;
  let config: unknown;
  try {
    config = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw invalid("config-tokenizer", "expected JSON for the tokenizer's configuration, got something else", {
      where: { file: path },
      cause,
    });
  }
  const value = Object(config)[field];
  const token = typeof value === "object" && value !== null ? Object(value).content : value;
  return typeof token === "string" ? token : undefined;
}
