// Byte-level BPE of a tokenizer.json on the native kernel: which pre-tokenizers the kernel has itself, and the vocabulary in
// the form that it takes.
import { invalid, toWireError } from "../../base/errors.js";
import type { ByteLevelBpeOptions } from "../../native/tokenizer.js";
import { native } from "../../native.js";
import type { BpeConfig } from "./bpe-config.js";
import { BYTE_CHARACTERS } from "./byte-alphabet.js";
import type { JsonNode } from "./json-node.js";
import { KERNEL_PATTERNS } from "./kernel-patterns.js";
import { NativePieceEncoder } from "./piece-encoder.js";
import { byteLevelOptions } from "./pre-tokenizers.js";

type Pattern = ByteLevelBpeOptions["pattern"];

/** What the kernel does of the pre-tokenizing. */
export interface ByteLevelTail {
  readonly pattern: Pattern;
  readonly prefixSpace: boolean;
  /** Steps before it, which it does not do. */
  readonly before: readonly JsonNode[];
}

/** Sequences within one another are one sequence. */
export function stepsOf(node: JsonNode, listField: string): JsonNode[] {
  if (node.isAbsent) return [];
  if (node.field("type").value !== "Sequence") return [node];
  return node
    .field(listField)
    .array()
    .flatMap((step) => stepsOf(step, listField));
}

/** Pre-tokenizers that leave characters as they are. */
const PURE_CUTS: readonly unknown[] = [
  "BertPreTokenizer",
  "CharDelimiterSplit",
  "Digits",
  "FixedLength",
  "Punctuation",
  "Split",
  "UnicodeScripts",
  "Whitespace",
  "WhitespaceSplit",
];

const isByteLevel = (node: JsonNode): boolean => node.field("type").value === "ByteLevel";

/** Whether only characters of the byte alphabet reach the model, and all of them are tokens: `steps` are all of the file. */
export function spellsBytes(steps: readonly JsonNode[], { vocab, continuingPrefix, endSuffix }: BpeConfig): boolean {
  const behind = steps.slice(steps.findLastIndex(isByteLevel));
  const staysInBytes = behind.every((step) => isByteLevel(step) || PURE_CUTS.includes(step.field("type").value));
  const hasAffixes = continuingPrefix !== "" || endSuffix !== "";
  return steps.some(isByteLevel) && staysInBytes && !hasAffixes && BYTE_CHARACTERS.every((one) => vocab.has(one));
}

/** undefined: not the kernel's. */
export function byteLevelTail(steps: readonly JsonNode[]): ByteLevelTail | undefined {
  const last = steps.at(-1);
  if (last === undefined || !isByteLevel(last) || steps.slice(0, -1).some(isByteLevel)) return undefined;
  const { prefixSpace, usesPattern } = byteLevelOptions(last);
  if (usesPattern) return { pattern: "gpt2", prefixSpace, before: steps.slice(0, -1) };
  const pattern = steps.length < 2 || prefixSpace ? undefined : knownPattern(steps.at(-2)!);
  if (pattern !== undefined) return { pattern, prefixSpace: false, before: steps.slice(0, -2) };
  return { pattern: "whole", prefixSpace, before: steps.slice(0, -1) };
}

/** Of a Split whose pieces are all that its expression matches; these expressions leave nothing over. */
function knownPattern(split: JsonNode): Pattern | undefined {
  const [behavior, invert] = [split.field("behavior").value, split.field("invert").value];
  const isolates = (behavior === "Isolated" && invert === false) || (behavior === "Removed" && invert === true);
  const expression = split.field("pattern").field("Regex").value;
  if (split.field("type").value !== "Split" || !isolates || typeof expression !== "string") return undefined;
  return KERNEL_PATTERNS.get(expression);
}

/** undefined: a model that the kernel has not: without all bytes, with affixes, or with two tokens for one id. */
export function byteLevelEncoder(
  config: BpeConfig,
  tail: Pick<ByteLevelTail, "pattern" | "prefixSpace">,
  unreachable: string | undefined,
  file: string,
): NativePieceEncoder | undefined {
  const { vocab } = config;
  if (config.continuingPrefix !== "" || config.endSuffix !== "") return undefined;
  if (!BYTE_CHARACTERS.every((character) => vocab.has(character))) return undefined;
  if (new Set(vocab.values()).size !== vocab.size) return undefined;
  const spelled = new Set(BYTE_CHARACTERS);
  const reachable: Record<string, number> = Object.create(null);
  const others: Record<string, number> = Object.create(null);
  for (const [token, id] of vocab) {
    const isReachable =
      token !== unreachable && token !== "" && [...token].every((character) => spelled.has(character));
    (isReachable ? reachable : others)[token] = id;
  }
  const lines = mergeLines(config, (token) => token in reachable);
  try {
    const encoder = native().createByteLevelBpe(Buffer.from(JSON.stringify(reachable)), Buffer.from(lines), {
      ...tail,
      ignoreMerges: config.ignoresMerges,
      addedJson: Buffer.from(JSON.stringify(others)),
    });
    return new NativePieceEncoder(encoder);
  } catch (error) {
    const wire = toWireError(error);
    if (wire.code !== "native-invalid-argument") throw error;
    throw invalid("config-tokenizer", wire.message, { where: { file }, cause: error });
  }
}

/** Of equal merges the last counts; those that no text can come to are left out. */
function mergeLines({ merges }: BpeConfig, isReachable: (token: string) => boolean): string {
  const lines = new Set<string>();
  for (const [left, right] of merges) {
    if (![left, right, left + right].every(isReachable)) continue;
    const line = `${left} ${right}\n`;
    lines.delete(line);
    lines.add(line);
  }
  return [...lines].join("");
}
