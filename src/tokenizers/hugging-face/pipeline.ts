// A tokenizer.json as a pipeline: normalizer, pre-tokenizer and model, of which the native kernels do as much as they have.
import type { TokenBounds } from "../tokenizer.js";
import type { AddedTokenList } from "./added-token-list.js";
import { type BpeConfig, fallsBackToBytes, refuseMissingUnknown } from "./bpe-config.js";
import { BpeModel } from "./bpe-model.js";
import { type ByteLevelTail, byteLevelEncoder, byteLevelTail, spellsBytes, stepsOf } from "./byte-level.js";
import type { JsonNode } from "./json-node.js";
import { type Normalizer, readNormalizer } from "./normalizers.js";
import type { PieceEncoder } from "./piece-encoder.js";
import { inSequence, type PreTokenizer, readPreTokenizer } from "./pre-tokenizers.js";
import { type WordPieceConfig, type WordSplitting, wordPieceEncoder } from "./word-piece-config.js";

export type ModelConfig =
  | { readonly type: "BPE"; readonly config: BpeConfig }
  | { readonly type: "WordPiece"; readonly config: WordPieceConfig };

export interface Pipeline {
  readonly normalize: Normalizer | undefined;
  readonly preTokenize: PreTokenizer | undefined;
  readonly encoder: PieceEncoder;
  /** Texts for which the encoder alone, which is native then, does everything. */
  readonly direct: "all" | "ascii" | "none";
  readonly bounds: TokenBounds | undefined;
}

const NORMAL_FORMS: readonly unknown[] = ["NFC", "NFD", "NFKC", "NFKD"];

export function pipelineOf(root: JsonNode, model: ModelConfig, added: AddedTokenList, endOfDocument: string): Pipeline {
  const normalizers = stepsOf(root.field("normalizer"), "normalizers");
  const preTokenizers = stepsOf(root.field("pre_tokenizer"), "pretokenizers");
  const normalize = root.field("normalizer").isAbsent ? undefined : readNormalizer(root.field("normalizer"));
  // Read in any case: what the kernels take over is checked too.
  const steps = preTokenizers.map(readPreTokenizer);
  const preTokenize = steps.length === 0 ? undefined : inSequence(steps);
  const { file } = root;

  if (model.type === "WordPiece") {
    const splitting = bertSplitting(normalizers, preTokenizers, added);
    const encoder = wordPieceEncoder(model.config, splitting ?? null, endOfDocument, file);
    if (splitting === undefined) return { normalize, preTokenize, encoder, direct: "none", bounds: undefined };
    const direct = added.isMatched ? "none" : "all";
    return { normalize: undefined, preTokenize: undefined, encoder, direct, bounds: undefined };
  }
  const isByteLevel = normalizers.every((node) => node.field("type").value !== "ByteLevel");
  const tail = isByteLevel ? byteLevelTail(preTokenizers) : undefined;
  const encoder = tail === undefined ? undefined : byteLevelEncoder(model.config, tail, endOfDocument, file);
  if (tail === undefined || encoder === undefined) {
    if (!fallsBackToBytes(model.config) && !spellsBytes([...normalizers, ...preTokenizers], model.config)) {
      refuseMissingUnknown(root.field("model"), model.config);
    }
    const general = new BpeModel(model.config, endOfDocument);
    return { normalize, preTokenize, encoder: general, direct: "none", bounds: undefined };
  }
  const before = tail.before.map(readPreTokenizer);
  return {
    normalize,
    preTokenize: before.length === 0 ? undefined : inSequence(before),
    encoder,
    direct: directOf(normalizers, tail, added),
    bounds: boundsOf(normalizers, tail, added),
  };
}

function directOf(normalizers: readonly JsonNode[], tail: ByteLevelTail, added: AddedTokenList): Pipeline["direct"] {
  if (added.isMatched || tail.before.length > 0) return "none";
  if (normalizers.length === 0) return "all";
  return normalizers.every((node) => NORMAL_FORMS.includes(node.field("type").value)) ? "ascii" : "none";
}

/** NFC makes of a byte at most three: of U+1D160, four bytes, it makes twelve. */
function boundsOf(
  normalizers: readonly JsonNode[],
  tail: ByteLevelTail,
  added: AddedTokenList,
): TokenBounds | undefined {
  if (added.isMatched || tail.before.length > 0) return undefined;
  if (!normalizers.every((node) => node.field("type").value === "NFC")) return undefined;
  // o200k and tekken go on from a line end to a slash, "whole" over anything.
  const onePerWord = !["o200k", "tekken", "whole"].includes(tail.pattern);
  return { mostPerByte: normalizers.length === 0 ? 1 : 3, onePerWord };
}

/** How the native WordPiece splits as these components do; undefined: it does not. */
function bertSplitting(
  normalizers: readonly JsonNode[],
  preTokenizers: readonly JsonNode[],
  added: AddedTokenList,
): WordSplitting | undefined {
  const [normalizer] = normalizers;
  if (preTokenizers.length !== 1 || preTokenizers[0]!.field("type").value !== "BertPreTokenizer") return undefined;
  if (normalizers.length > 1) return undefined;
  const tokens = [...added.byId.values()];
  if (normalizer === undefined) return { clean: false, chinese: false, stripAccents: false, lowercase: false };
  if (normalizer.field("type").value !== "BertNormalizer") return undefined;
  if (added.isMatched && tokens.some(({ normalized }) => normalized)) return undefined;
  const lowercase = normalizer.field("lowercase").boolean();
  const accents = normalizer.field("strip_accents");
  return {
    clean: normalizer.field("clean_text").boolean(),
    chinese: normalizer.field("handle_chinese_chars").boolean(),
    stripAccents: accents.isAbsent ? lowercase : accents.boolean(),
    lowercase,
  };
}
