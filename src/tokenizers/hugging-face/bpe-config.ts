// The model part of a tokenizer.json of type BPE, checked.
import type { JsonNode } from "./json-node.js";

/** More tokens than any vocabulary has; arrays by id are made up to here. */
const MOST_TOKENS = 1 << 24;

export interface BpeConfig {
  /** Ids by token; two tokens may share one. */
  readonly vocab: ReadonlyMap<string, number>;
  /** Left and right token, by rank. */
  readonly merges: readonly (readonly [string, string])[];
  /** Of a character that is no token; undefined: it is left out. */
  readonly unknown: string | undefined;
  /** Unknown characters in a row are one token. */
  readonly fusesUnknown: boolean;
  /** Unknown characters become the tokens <0x00> to <0xFF> of their bytes, where all of these exist. */
  readonly byteFallback: boolean;
  /** Before a character that does not begin a piece. */
  readonly continuingPrefix: string;
  /** Behind the last character of a piece. */
  readonly endSuffix: string;
  /** A piece that is a token becomes it, whatever the merges say. */
  readonly ignoresMerges: boolean;
}

export function readBpe(node: JsonNode): BpeConfig {
  node.only(
    "type",
    "dropout",
    "unk_token",
    "continuing_subword_prefix",
    "end_of_word_suffix",
    "fuse_unk",
    "byte_fallback",
    "ignore_merges",
    "vocab",
    "merges",
  );
  const dropout = node.field("dropout");
  if (!dropout.isAbsent && dropout.value !== 0) {
    throw dropout.refusal("null", "with dropout a text has no certain ids: set it to null in a copy of the file");
  }
  const flag = (name: string): boolean => !node.field(name).isAbsent && node.field(name).boolean();
  const text = (name: string): string => (node.field(name).isAbsent ? "" : node.field(name).string());
  const unknown = node.field("unk_token");
  const vocab = readVocab(node.field("vocab"));
  const merges = readMerges(node.field("merges"));
  const continuingPrefix = text("continuing_subword_prefix");
  for (const [rank, [left, right]] of merges.entries()) {
    const missing = [left, right, mergedToken(left, right, continuingPrefix)].find((token) => !vocab.has(token));
    if (missing === undefined) continue;
    throw mergeOf(node.field("merges"), rank).refusal(`tokens of the vocabulary (${JSON.stringify(missing)} is none)`);
  }
  return {
    vocab,
    merges,
    unknown: unknown.isAbsent ? undefined : unknown.string(),
    fusesUnknown: flag("fuse_unk"),
    byteFallback: flag("byte_fallback"),
    continuingPrefix,
    endSuffix: text("end_of_word_suffix"),
    ignoresMerges: flag("ignore_merges"),
  };
}

/**
 * Refuses an unknown token that the vocabulary has not: the official library fails at the first text that needs it, after
 * hours it may be.
 */
export function refuseMissingUnknown(model: JsonNode, { vocab, unknown }: Pick<BpeConfig, "vocab" | "unknown">): void {
  if (unknown === undefined || vocab.has(unknown)) return;
  const hint =
    model.field("type").value === "WordPiece"
      ? "every WordPiece model needs one: name the token that stands for unknown words"
      : "set it to null in a copy of the file: unknown characters are left out then, and all other ids stay as they are";
  throw model.field("unk_token").refusal("a token of the model's own vocabulary", hint);
}

/** Whether every character that the model can meet is spelled by tokens of its bytes. */
export function fallsBackToBytes({ vocab, byteFallback }: BpeConfig): boolean {
  return byteFallback && Array.from({ length: 256 }, (_, byte) => byteToken(byte)).every((token) => vocab.has(token));
}

/** Of byte fallback. */
export function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
}

/** The prefix of the right token, whatever it is, is cut off by its length in bytes. */
export function mergedToken(left: string, right: string, continuingPrefix: string): string {
  if (continuingPrefix === "") return left + right;
  return left + Buffer.from(right).subarray(Buffer.byteLength(continuingPrefix)).toString();
}

export function readVocab(node: JsonNode): Map<string, number> {
  const vocab = new Map<string, number>();
  for (const [token, id] of node.entries()) {
    if (typeof id !== "number" || !Number.isInteger(id) || id < 0 || id >= MOST_TOKENS) {
      throw node.field(token).refusal(`an id from 0 to ${MOST_TOKENS - 1}`);
    }
    vocab.set(token, id);
  }
  if (vocab.size === 0) throw node.refusal("tokens");
  return vocab;
}

/** Each as "left right" or, in newer files, as ["left", "right"]. */
function readMerges(node: JsonNode): (readonly [string, string])[] {
  const { value } = node;
  if (!Array.isArray(value)) throw node.refusal("a list");
  if (value.every((merge) => typeof merge === "string")) {
    return value.filter(isMerge).map((line, rank) => {
      const [left, right, ...more] = line.split(" ");
      if (right === undefined || more.length > 0) throw mergeOf(node, rank).refusal("two tokens with a space between");
      return [left!, right];
    });
  }
  const isPair = (merge: unknown): merge is [string, string] =>
    Array.isArray(merge) && merge.length === 2 && merge.every((token) => typeof token === "string");
  const odd = value.findIndex((merge) => !isPair(merge));
  if (odd >= 0) throw node.array()[odd]!.refusal("two tokens, all merges being written alike");
  return value;
}

/** Lines of a merges.txt may begin with its version. */
const isMerge = (merge: unknown): boolean => typeof merge !== "string" || !merge.startsWith("#version");

/** The element of the list that has this rank. */
function mergeOf(list: JsonNode, rank: number): JsonNode {
  return list.array().filter(({ value }) => isMerge(value))[rank]!;
}
