// The paper's length rule: documents with fewer than N tokens are dropped. The paper names no tokenizer, so it is a choice:
// GPT-2's, or words between white space.
//
// Most documents are judged without their tokens, by bounds that cannot change the answer:
//   - every token covers at least one byte, so fewer than N bytes are fewer than N tokens;
//   - GPT-2 splits text at white space before it merges anything, and no piece reaches over more than one word, so N words
//     are at least N tokens.
import type { DocumentBlock } from "../records/document-block.js";
import { countWhitespaceWords } from "../text/whitespace-words.js";
import { loadTokenizer } from "../tokenizers/index.js";
import type { Filter } from "./filter.js";

export const LENGTH_UNITS = ["gpt2", "whitespace-words"] as const;
export type LengthUnit = (typeof LENGTH_UNITS)[number];

const UNIT_NAMES: Readonly<Record<LengthUnit, string>> = { gpt2: "GPT-2 tokens", "whitespace-words": "words" };

type Tokenizer = ReturnType<typeof loadTokenizer>;
/** Made once a worker: loading the vocabulary takes longer than most blocks. */
let gpt2: Tokenizer | undefined;

/** Number of tokens of each row. */
function countTokens(block: DocumentBlock, rows: readonly number[]): Uint32Array {
  gpt2 ??= loadTokenizer("gpt2");
  const offsets = new Uint32Array(rows.length + 1);
  for (const [i, row] of rows.entries()) {
    offsets[i + 1] = offsets[i]! + block.textOffsets[row + 1]! - block.textOffsets[row]!;
  }
  const text = new Uint8Array(offsets[rows.length]!);
  for (const [i, row] of rows.entries()) {
    text.set(block.text.subarray(block.textOffsets[row]!, block.textOffsets[row + 1]!), offsets[i]!);
  }
  const encoded = gpt2.encodeBlock(text, offsets);
  return Uint32Array.from(rows, (_, i) => encoded.offsets[i + 1]! - encoded.offsets[i]!);
}

export function minTokensFilter(minTokens: number, unit: LengthUnit): Filter {
  const detail = `fewer than ${minTokens} ${UNIT_NAMES[unit]}`;
  return {
    reason: "too-short",
    apply(block, keep, reject) {
      const short = new Uint8Array(block.numDocuments);
      const open: number[] = [];
      for (let row = 0; row < block.numDocuments; row += 1) {
        if (keep[row] === 0) continue;
        const begin = block.textOffsets[row]!;
        const end = block.textOffsets[row + 1]!;
        if (end - begin < minTokens) short[row] = 1;
        else if (countWhitespaceWords(block.text, begin, end, minTokens) < minTokens) {
          if (unit === "gpt2") open.push(row);
          else short[row] = 1;
        }
      }
      if (open.length > 0) {
        const tokens = countTokens(block, open);
        for (const [i, row] of open.entries()) short[row] = tokens[i]! < minTokens ? 1 : 0;
      }
      for (let row = 0; row < block.numDocuments; row += 1) if (short[row] === 1) reject(row, detail);
    },
  };
}
