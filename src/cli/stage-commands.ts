// The commands of single stages: which options each has and which key of the stage's configuration an option sets. The
// configuration's own schema checks the values, so an option and the same key in a recipe are refused with the same words.

export interface StageOption {
  readonly flags: string;
  readonly description: string;
  /** Key of the stage's configuration, dotted. */
  readonly key: string;
  readonly kind: "number" | "text" | "flag";
  readonly required?: boolean;
}

export interface StageCommand {
  readonly key: string;
  readonly description: string;
  /** What its positional arguments are; without them the inputs are folders given by `folders`. */
  readonly inputs?: string;
  /** Options that name input folders, in the order of the stage's inputs. */
  readonly folders?: readonly { readonly flags: string; readonly description: string }[];
  readonly options: readonly StageOption[];
  /** A key of its configuration and a value, for the help of --set. */
  readonly example?: string;
  /** What its options do not say may come from a file: the description of `--rules`. */
  readonly rules?: string;
  /** Going on is what every command does; this one may also be told not to do anything else. */
  readonly resumes?: boolean;
}

const CORPUS = "corpus files, folders or patterns: JSONL, JSON, CSV, Parquet, Arrow or plain text, gzip or zstd too";
const LINES = "files, folders or patterns of JSONL or plain text, gzip or zstd too";

const READING: readonly StageOption[] = [
  {
    flags: "--text-field <name>",
    description: "field of the text, dotted (default: text)",
    key: "textField",
    kind: "text",
  },
  { flags: "--id-field <name>", description: "field of the id, dotted (default: id)", key: "idField", kind: "text" },
  {
    flags: "--source-field <name>",
    description: "field of the source, dotted (default: source)",
    key: "sourceField",
    kind: "text",
  },
  { flags: "--max-document <bytes>", description: "reject longer documents", key: "maxDocumentBytes", kind: "number" },
  {
    flags: "--max-rejected <share>",
    description: "fail when a larger share of the records is malformed (default: 0.01)",
    key: "maxRejectedFraction",
    kind: "number",
  },
];

const RECORDS: StageOption = {
  flags: "--records-field <path>",
  description: "in JSON files, where the records lie in each value, dotted (default: the value itself)",
  key: "recordsField",
  kind: "text",
};

const ENCODING: StageOption = {
  flags: "--encoding <name>",
  description: "of files of text: windows-1252, utf-16le, ... (default: UTF-8, or UTF-16 by its byte order mark)",
  key: "encoding",
  kind: "text",
};

const DEVICE: StageOption = {
  flags: "--device <device>",
  description: "cpu, or cuda: NVIDIA GPUs (default: cpu)",
  key: "device",
  kind: "text",
};

const SHARDS = { flags: "--shards <dir>", description: "folder of shards with their manifest" } as const;

export const stageCommands: readonly StageCommand[] = [
  {
    key: "clean",
    description: "normalise documents and drop those that break a rule; what is dropped is kept with the reason",
    inputs: CORPUS,
    example: "clean.language.keep=[en]",
    rules: "YAML file with the keys that a recipe has below clean: which rules run, with which choices; or a recipe",
    options: [
      {
        flags: "--min-tokens <n>",
        description: "drop shorter documents; 0 keeps all (default: 128)",
        key: "minTokens",
        kind: "number",
      },
      {
        flags: "--tokenizer <name|folder>",
        description: "what counts as a token for --min-tokens: whitespace-words, or as in shard (default: gpt2)",
        key: "tokenizer",
        kind: "text",
      },
      ...READING,
      RECORDS,
      ENCODING,
    ],
  },
  {
    key: "dedup",
    description: "remove near-duplicates: documents whose exact similarity with a kept one is above the threshold",
    inputs: LINES,
    example: "dedup.threshold=0.8",
    options: [
      {
        flags: "--threshold <j>",
        description: "exact shingle Jaccard similarity (default: 0.7)",
        key: "threshold",
        kind: "number",
      },
      {
        flags: "--shingle <unit:n>",
        description: "word:N or char:N: runs of N words or of N characters (default: word:5)",
        key: "shingle",
        kind: "text",
      },
      {
        flags: "--bands <n>",
        description: "bands of the candidate search (default: 30)",
        key: "bands",
        kind: "number",
      },
      { flags: "--rows <n>", description: "MinHash values a band (default: 5)", key: "rows", kind: "number" },
      {
        flags: "--keep <policy>",
        description:
          "which of two alike stays: longest, first, source:A,B,C, highest:FIELD or lowest:FIELD (default: longest)",
        key: "keep",
        kind: "text",
      },
      { flags: "--seed <n>", description: "seed of the permutations and of the sample", key: "seed", kind: "number" },
      {
        flags: "--engine <name>",
        description: "native, or js: slower, where no compiler is (default: native)",
        key: "engine",
        kind: "text",
      },
      {
        flags: "--exact",
        description: "join all pairs exactly: no near-duplicate is missed",
        key: "exact",
        kind: "flag",
      },
      {
        flags: "--memory <size>",
        description: "resident memory of all processes together, such as 512M or 4G (default: no limit)",
        key: "memory",
        kind: "text",
      },
      {
        flags: "--simd <level>",
        description: "auto, scalar, avx2 or avx512: how fast, never what (default: auto)",
        key: "simd",
        kind: "text",
      },
      ...READING,
    ],
  },
  {
    key: "shard",
    description: "tokenize documents into Arrow shards with a manifest",
    inputs: CORPUS,
    example: "shard.heldout=0.01",
    options: [
      {
        flags: "--tokenizer <name|folder>",
        description:
          "gpt2, or a tokenizer.json, vocab.txt of BERT, SentencePiece .model, or folder of such (default: gpt2)",
        key: "tokenizer",
        kind: "text",
      },
      {
        flags: "--end-of-document <token>",
        description: "the special token that ends documents, where a tokenizer.json does not tell",
        key: "endOfDocument",
        kind: "text",
      },
      {
        flags: "--engine <name>",
        description: "of .model files: native, or js: slower, ids of SentencePiece 0.1.97 (default: native)",
        key: "engine",
        kind: "text",
      },
      {
        flags: "--heldout <share>",
        description: "share of the documents that training never sees",
        key: "heldout",
        kind: "number",
      },
      { flags: "--seed <n>", description: "which documents those are", key: "seed", kind: "number" },
      ...READING,
      RECORDS,
      ENCODING,
    ],
  },
  {
    key: "train",
    resumes: true,
    description: "train a model on shards, in a process of its own",
    folders: [SHARDS],
    example: "train.warmupSteps=100",
    options: [
      {
        flags: "--model <name|file>",
        description:
          "tiny, gpt2-124m, -355m, -1.2b, -2.5b, -4.2b, -8.3b (24 heads), -8.3b-16h, -8.3b-32h, or a JSON file of sizes",
        key: "model",
        kind: "text",
        required: true,
      },
      { flags: "--steps <n>", description: "optimizer steps", key: "steps", kind: "number", required: true },
      { flags: "--tp <n>", description: "tensor-parallel ranks", key: "tp", kind: "number" },
      { flags: "--dp <n>", description: "data-parallel ranks", key: "dp", kind: "number" },
      {
        flags: "--launch <command>",
        description: "mpirun or srun, with its options: one process a rank (default: ranks are threads of one process)",
        key: "launch",
        kind: "text",
      },
      DEVICE,
      {
        flags: "--precision <precision>",
        description: "fp32, bf16 or fp16; on cuda also tf32",
        key: "precision",
        kind: "text",
      },
      {
        flags: "--micro-batch <n>",
        description: "sequences a rank computes at a time",
        key: "microBatch",
        kind: "number",
      },
      { flags: "--global-batch <n>", description: "sequences a step", key: "globalBatch", kind: "number" },
      { flags: "--seq <n>", description: "tokens a sequence", key: "sequenceLength", kind: "number" },
      {
        flags: "--recompute <what>",
        description: "none, selective or full: compute activations again instead of keeping them (default: none)",
        key: "recompute",
        kind: "text",
      },
      {
        flags: "--verify-parallel",
        description: "the same bits for every number of tensor-parallel ranks, at some cost",
        key: "verifyParallel",
        kind: "flag",
      },
      { flags: "--dropout <p>", description: "probability of dropout", key: "dropout", kind: "number" },
      {
        flags: "--init <dir>",
        description: "start from the parameters of an imported model (millrace import hf) instead of random ones",
        key: "init",
        kind: "text",
      },
      { flags: "--lr <x>", description: "highest learning rate", key: "learningRate", kind: "number" },
      { flags: "--seed <n>", description: "seed of initialisation, order and dropout", key: "seed", kind: "number" },
      { flags: "--threads <n>", description: "threads over all ranks", key: "threads", kind: "number" },
      { flags: "--eval-every <n>", description: "steps between held-out losses", key: "evalEvery", kind: "number" },
      {
        flags: "--checkpoint-every <n>",
        description: "steps between checkpoints; 0: only at the end (default: 100)",
        key: "checkpointEvery",
        kind: "number",
      },
      {
        flags: "--keep-checkpoints <n>",
        description: "so many of the newest stay (default: 2)",
        key: "keepCheckpoints",
        kind: "number",
      },
    ],
  },
  {
    key: "eval",
    description: "measure a trained model on the held-out shards and let it write a sample",
    folders: [{ flags: "--checkpoint <dir>", description: "folder of a training run or of one checkpoint" }, SHARDS],
    example: "eval.evalTokens=8192",
    options: [
      { flags: "--eval-tokens <n>", description: "at most so many held-out tokens", key: "evalTokens", kind: "number" },
      { flags: "--prompt <text>", description: "beginning of the sample", key: "prompt", kind: "text" },
      { flags: "--max-tokens <n>", description: "length of the sample", key: "maxTokens", kind: "number" },
      DEVICE,
      { flags: "--threads <n>", description: "threads (default: one a processor)", key: "threads", kind: "number" },
    ],
  },
];
