// Learns a byte-level BPE vocabulary: blocks of texts in, the files of a tokenizer out. Deterministic: the same texts in
// the same order give the same bytes. With Hugging Face tokenizers' BpeTrainer (ByteLevel, initial alphabet, one special
// token) the merges are the same.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../base/atomic.js";
import { invalid } from "../base/errors.js";
import { makeFolders } from "../base/make-folders.js";
import type { BpeGoal, NativeBpeTrainer } from "../native/bpe-trainer.js";
import { native } from "../native.js";

const END_OF_TEXT = "<|endoftext|>";
const NUM_BYTES = 256;
/** Of the kernels: native/text/token_ids.h. */
const MOST_TOKENS = 2 ** 21 - 1;
/** Between two reports, so that the event loop is not held for long. */
const MERGES_AT_ONCE = 200;

export interface TextBlock {
  readonly text: Uint8Array;
  readonly textOffsets: Uint32Array;
}

export interface TrainBpeProgress {
  readonly phase: "counting" | "merging";
  /** Bytes counted, or merges learned. */
  readonly done: number;
}

export interface TrainBpeOptions {
  /** With the end of a document and the 256 bytes. */
  readonly vocabSize: number;
  /** A pair that occurs less often becomes no token. */
  readonly minFrequency?: number;
  readonly onProgress?: (progress: TrainBpeProgress) => void;
}

export interface TrainedBpe {
  readonly vocabSize: number;
  readonly numMerges: number;
  /** Bytes of text that were counted. */
  readonly numBytes: number;
  readonly numPieces: number;
  /** Pre-tokens forgotten for want of room, the rarest: 0 unless there were millions. */
  readonly numForgotten: number;
  readonly files: readonly string[];
}

/** GPT-2's letters for bytes, in the order of the alphabet: printable Latin-1 stands for itself, the rest for U+0100 on. */
function alphabet(): string[] {
  const printable = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  const bytes = Array.from({ length: NUM_BYTES }, (_, byte) => byte);
  const rest = bytes.filter((byte) => !printable(byte)).map((_, index) => 0x100 + index);
  return [...bytes.filter(printable), ...rest].map((letter) => String.fromCharCode(letter));
}

export async function trainByteLevelBpe(
  blocks: AsyncIterable<TextBlock>,
  dir: string,
  { vocabSize, minFrequency = 2, onProgress }: TrainBpeOptions,
): Promise<TrainedBpe> {
  const tokens = [END_OF_TEXT, ...alphabet()];
  if (vocabSize < tokens.length) {
    throw invalid("config-option", `expected at least ${tokens.length} for the vocabulary size, got ${vocabSize}`, {
      hint: "256 bytes and the end of a document are always in it",
    });
  }
  if (vocabSize > MOST_TOKENS) {
    throw invalid("config-option", `expected at most ${MOST_TOKENS} for the vocabulary size, got ${vocabSize}`);
  }
  await makeFolder(dir);
  const trainer = native().createBpeTrainer("gpt2");
  const counted = await count(trainer, blocks, onProgress);
  if (counted.numBytes === 0) {
    throw invalid("config-input", "expected text to learn a vocabulary from, got none", {
      hint: "--text-field names the field of the texts, where it is another than text",
    });
  }
  const merges: string[] = [];
  const goal: BpeGoal = { vocabSize, minFrequency, numFirstTokens: 1 };
  for (;;) {
    const learned = native().learnMerges(trainer, goal, MERGES_AT_ONCE);
    for (let i = 0; i < learned.length; i += 3) {
      const [left, right] = [tokens[learned[i]!]!, tokens[learned[i + 1]!]!];
      merges.push(`${left} ${right}`);
      tokens[learned[i + 2]!] = left + right;
    }
    onProgress?.({ phase: "merging", done: merges.length });
    if (learned.length < 3 * MERGES_AT_ONCE) break;
    await new Promise(setImmediate);
  }
  const files = await writeFiles(dir, tokens, merges);
  return { vocabSize: tokens.length, numMerges: merges.length, ...counted, files };
}

/** At once, not after all that can be learned. */
async function makeFolder(dir: string): Promise<void> {
  try {
    await makeFolders(dir);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw invalid("config-out", `expected a folder that can be written to for the tokenizer, got ${dir} (${code})`, {
      hint: "choose another folder",
      cause,
    });
  }
}

async function count(
  trainer: NativeBpeTrainer,
  blocks: AsyncIterable<TextBlock>,
  onProgress: TrainBpeOptions["onProgress"],
): Promise<Pick<TrainedBpe, "numBytes" | "numPieces" | "numForgotten">> {
  let numBytes = 0;
  let counts = { numPieces: 0, numForgotten: 0 };
  for await (const { text, textOffsets } of blocks) {
    counts = native().addTrainingTexts(trainer, text, textOffsets);
    numBytes += textOffsets.at(-1)! - textOffsets[0]!;
    onProgress?.({ phase: "counting", done: numBytes });
  }
  return { numBytes, ...counts };
}

/** tokenizer.json last: where it is, the others are whole and belong to it. */
async function writeFiles(dir: string, tokens: readonly string[], merges: readonly string[]): Promise<string[]> {
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  const special = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  const tokenizer = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [{ id: 0, content: END_OF_TEXT, ...special }],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges: merges.map((merge) => merge.split(" ")),
    },
  };
  const files = {
    "vocab.json": `${JSON.stringify(vocab)}\n`,
    "merges.txt": `#version: 0.2\n${merges.map((merge) => `${merge}\n`).join("")}`,
    "tokenizer.json": `${JSON.stringify(tokenizer, null, 1)}\n`,
  };
  // Killed in between, what is left is refused: no part of an earlier vocabulary beside one of this.
  for (const name of ["tokenizer.json", "merges.txt"]) await rm(join(dir, name), { force: true });
  for (const [name, text] of Object.entries(files)) await writeFileAtomic(join(dir, name), text);
  return Object.keys(files).map((name) => join(dir, name));
}
