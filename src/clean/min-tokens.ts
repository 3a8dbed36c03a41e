// The paper's length rule: documents with fewer than N tokens are dropped. The paper names no tokenizer, so it is a choice:
// GPT-2's, any other that the shard stage knows, or words between white space.
//
// Most documents are judged without their tokens, by bounds that cannot change the answer, where the tokenizer has them:
//   - a token of byte-level BPE covers at least one byte, so fewer than N bytes are fewer than N tokens; other tokenizers
//     make several tokens of one byte, or of what a normalizer adds;
//   - GPT-2 and most of its kind split text at white space before they merge anything, and no piece reaches over more than
//     one word, so N words are at least N tokens; WordPiece makes nothing of words of control characters.
import { basename } from "node:path";
import type { DocumentBlock } from "../records/document-block.js";
import { countWhitespaceWords } from "../text/whitespace-words.js";
import { loadTokenizer, type Tokenizer, tokenizerFiles } from "../tokenizers/index.js";
import type { Filter } from "./filter.js";

/** The unit that is no tokenizer. */
export const WHITESPACE_WORDS = "whitespace-words";

/** Made once a worker: loading the vocabulary takes longer than most blocks. */
let loaded: Tokenizer | undefined;

function tokenizerOf(name: string): Tokenizer {
  if (loaded?.name !== name) loaded = loadTokenizer(name);
  return loaded;
}

/** Throws `config-tokenizer` where there is no such unit. */
export function checkLengthUnit(unit: string): void {
  if (unit !== WHITESPACE_WORDS) tokenizerOf(unit);
}

/** Files that decide what a unit counts. */
export function lengthUnitFiles(unit: string): string[] {
  return unit === WHITESPACE_WORDS ? [] : tokenizerFiles(unit);
}

/** Number of tokens of each row. */
function countTokens(tokenizer: Tokenizer, block: DocumentBlock, rows: readonly number[]): Uint32Array {
  const offsets = new Uint32Array(rows.length + 1);
  for (const [i, row] of rows.entries()) {
    offsets[i + 1] = offsets[i]! + block.textOffsets[row + 1]! - block.textOffsets[row]!;
  }
  const text = new Uint8Array(offsets[rows.length]!);
  for (const [i, row] of rows.entries()) {
    text.set(block.text.subarray(block.textOffsets[row]!, block.textOffsets[row + 1]!), offsets[i]!);
  }
  const encoded = tokenizer.encodeBlock(text, offsets);
  return Uint32Array.from(rows, (_, i) => encoded.offsets[i + 1]! - encoded.offsets[i]!);
}

/** "GPT-2 tokens", or "tokens of" and the file or folder, without what leads there. */
function unitName(tokenizer: string): string {
  if (tokenizer === WHITESPACE_WORDS) return "words";
  return tokenizer === "gpt2" ? "GPT-2 tokens" : `tokens of ${basename(tokenizer)}`;
}

type Verdict = "short" | "long" | "open";

export function minTokensFilter(minTokens: number, unit: string): Filter {
  const detail = `fewer than ${minTokens} ${unitName(unit)}`;
  const judge = (block: DocumentBlock, begin: number, end: number): Verdict => {
    const isLong = (): boolean => countWhitespaceWords(block.text, begin, end, minTokens) >= minTokens;
    if (unit === WHITESPACE_WORDS) return end - begin < minTokens || !isLong() ? "short" : "long";
    const { bounds } = tokenizerOf(unit);
    if (bounds === undefined) return "open";
    if ((end - begin) * bounds.mostPerByte + 1 < minTokens) return "short";
    return bounds.onePerWord && isLong() ? "long" : "open";
  };
  return {
    reason: "too-short",
    apply(block, keep, reject) {
      const short = new Uint8Array(block.numDocuments);
      const open: number[] = [];
      for (let row = 0; row < block.numDocuments; row += 1) {
        if (keep[row] === 0) continue;
        const verdict = judge(block, block.textOffsets[row]!, block.textOffsets[row + 1]!);
        if (verdict === "short") short[row] = 1;
        else if (verdict === "open") open.push(row);
      }
      if (open.length > 0) {
        const tokens = countTokens(tokenizerOf(unit), block, open);
        for (const [i, row] of open.entries()) short[row] = tokens[i]! < minTokens ? 1 : 0;
      }
      for (let row = 0; row < block.numDocuments; row += 1) if (short[row] === 1) reject(row, detail);
    },
  };
}
