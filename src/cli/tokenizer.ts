// `millrace tokenizer train INPUTS... --out DIR`: learns a byte-level BPE vocabulary from a corpus.
import { stat } from "node:fs/promises";
import { identityOf, isRemote } from "../base/storage/index.js";
import { encodingOfLabel } from "../formats/encodings.js";
import type { ReadOptions } from "../records/block-reader.js";
import type { FileRef } from "../records/stage.js";
import type { TextBlock } from "../tokenizers/train-bpe.js";
import { type Command, InvalidArgumentError } from "./command-line.js";

interface TrainOptions {
  readonly out: string;
  readonly vocabSize: number;
  readonly minFrequency: number;
  readonly textField: string;
  readonly encoding?: string;
  readonly json?: boolean;
}

const DEFAULT_VOCAB_SIZE = 32_000;
const DEFAULT_MIN_FREQUENCY = 2;
/** A line of progress at most this often. */
const PROGRESS_MS = 1000;

export function addTokenizerCommand(program: Command): void {
  program
    .command("tokenizer")
    .description("make tokenizers")
    .command("train")
    .argument("<inputs...>", "corpus files, folders or patterns")
    .description("learn a byte-level BPE vocabulary: vocab.json, merges.txt and tokenizer.json")
    .requiredOption("--out <dir>", "folder of the tokenizer, which --tokenizer takes elsewhere")
    .option("--vocab-size <n>", "number of tokens (default: 32000)", wholeNumber, DEFAULT_VOCAB_SIZE)
    .option("--min-frequency <n>", "rarer pairs become no token (default: 2)", wholeNumber, DEFAULT_MIN_FREQUENCY)
    .option("--text-field <name>", "field of the text, dotted", "text")
    .option("--encoding <name>", "of files of text (default: UTF-8, or UTF-16 by its byte order mark)", encodingName)
    .option("--json", "print figures as JSON, and no progress")
    .action(train);
}

async function train(inputs: readonly string[], options: TrainOptions): Promise<void> {
  const { trainByteLevelBpe } = await import("../tokenizers/train-bpe.js");
  const files = await inputFiles(inputs);
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const rejected = { count: 0 };
  let last = 0;
  const trained = await trainByteLevelBpe(textBlocks(files, options, rejected), options.out, {
    vocabSize: options.vocabSize,
    minFrequency: options.minFrequency,
    onProgress: ({ phase, done }) => {
      if (options.json === true || Date.now() - last < PROGRESS_MS) return;
      last = Date.now();
      const what =
        phase === "counting"
          ? `counted ${(done / 1e6).toFixed(0)} MB of text in files of ${(totalBytes / 1e6).toFixed(0)} MB`
          : `learned ${done} merges`;
      process.stderr.write(`${what}\n`);
    },
  });
  if (rejected.count > 0) process.stderr.write(`${rejected.count} records were no documents and were left out\n`);
  process.stdout.write(
    options.json === true
      ? `${JSON.stringify({ ...trained, numRejected: rejected.count }, null, 2)}\n`
      : `${trained.vocabSize} tokens from ${(trained.numBytes / 1e6).toFixed(1)} MB of text: ${options.out}\n`,
  );
}

async function inputFiles(inputs: readonly string[]): Promise<FileRef[]> {
  const { expandInput } = await import("../read/index.js");
  const files: FileRef[] = [];
  for (const input of inputs) {
    for (const path of await expandInput(input)) {
      // Nothing is kept that another run would compare: of local files nobody asks for the digest.
      const found = isRemote(path) ? await identityOf(path) : { sizeBytes: (await stat(path)).size, digest: "" };
      files.push({ path, ...found });
    }
  }
  return files;
}

async function* textBlocks(
  files: readonly FileRef[],
  { textField, encoding }: TrainOptions,
  rejected: { count: number },
): AsyncIterable<TextBlock> {
  const { blockReader } = await import("../read/index.js");
  const options: ReadOptions = { textField, idField: "id", sourceField: "source", maxDocumentBytes: 0, encoding };
  for await (const { ref, payload } of blockReader.plan(files, options, () => false)) {
    const read = await blockReader.read(ref, options, payload);
    rejected.count += read.rejected.length;
    if (read.note !== undefined) process.stderr.write(`${read.note}\n`);
    yield read.block;
  }
}

function encodingName(label: string): string {
  const name = encodingOfLabel(label);
  if (name === undefined) throw new InvalidArgumentError("expected the name of an encoding, such as windows-1252");
  return name;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(value) || value < 1) {
    throw new InvalidArgumentError("expected a whole number of at least 1");
  }
  return value;
}
