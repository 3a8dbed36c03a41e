// The fingerprint of a tokenizer.json: that of vocab.json with merges.txt, or of vocab.txt, where the ids are the same for
// every text, and else over all parts of the file that can decide an id, as they stand there.
import { createHash } from "node:crypto";
import { byteLevelFingerprint, wordPieceFingerprint } from "../fingerprint.js";
import type { AddedTokenList } from "./added-token-list.js";
import { byteLevelTail, stepsOf } from "./byte-level.js";
import type { JsonNode } from "./json-node.js";
import type { ModelConfig } from "./pipeline.js";

/** Part of the fingerprint: raised when the same file would give other ids. */
const KIND = "hugging-face/2";

/**
 * `ids`: of all tokens, added ones too. `isNative`: pieces are encoded as those of vocab.json with merges.txt, so that what the
 * file says of unknown tokens decides nothing.
 */
export function fingerprintOf(
  root: JsonNode,
  model: ModelConfig,
  added: AddedTokenList,
  ids: ReadonlyMap<string, number>,
  endOfDocument: string,
  isNative: boolean,
): string {
  if (!added.isMatched) {
    if (isNative && isGpt2Like(root, model)) return byteLevelFingerprint(ids, model.config.merges, endOfDocument);
    if (isBertLike(root, model)) {
      const uncased = root.field("normalizer").field("lowercase").boolean();
      return wordPieceFingerprint(ids, uncased, endOfDocument);
    }
  }
  const { vocab, ...settings } = model.config;
  const decisive = {
    type: model.type,
    settings,
    vocab: [...vocab].sort(([a, aId], [b, bId]) => aId - bId || (a < b ? -1 : 1)),
    added: [...added.byId.values()],
    normalizer: root.field("normalizer").value ?? null,
    preTokenizer: root.field("pre_tokenizer").value ?? null,
    endOfDocument,
  };
  return `sha256:${createHash("sha256")
    .update(`${KIND}\n${JSON.stringify(decisive)}`)
    .digest("hex")}`;
}

/** As vocab.json and merges.txt are read. */
function isGpt2Like(root: JsonNode, model: ModelConfig): model is Extract<ModelConfig, { type: "BPE" }> {
  if (model.type !== "BPE" || !root.field("normalizer").isAbsent) return false;
  const tail = byteLevelTail(stepsOf(root.field("pre_tokenizer"), "pretokenizers"));
  if (tail?.pattern !== "gpt2" || tail.prefixSpace || tail.before.length > 0) return false;
  const { continuingPrefix, endSuffix, ignoresMerges } = model.config;
  return continuingPrefix === "" && endSuffix === "" && !ignoresMerges;
}

/** As vocab.txt is read. */
function isBertLike(root: JsonNode, model: ModelConfig): model is Extract<ModelConfig, { type: "WordPiece" }> {
  const [normalizer, preTokenizer] = [root.field("normalizer"), root.field("pre_tokenizer")];
  if (model.type !== "WordPiece" || preTokenizer.field("type").value !== "BertPreTokenizer") return false;
  if (normalizer.field("type").value !== "BertNormalizer") return false;
  const setting = (name: string): unknown => normalizer.field(name).value ?? null;
  const { unknown, prefix, mostCharacters } = model.config;
  return (
    setting("clean_text") === true &&
    setting("handle_chinese_chars") === true &&
    (setting("strip_accents") === null || setting("strip_accents") === setting("lowercase")) &&
    unknown === "[UNK]" &&
    prefix === "##" &&
    mostCharacters === 100
  );
}
