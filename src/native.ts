// The only door to the native addon: fully typed, loaded on first use. Each group below is one file of native/addon with
// the same functions under the same names; a test compares the two lists.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { invalid } from "./base/errors.js";

// --- read.cc: line scan, JSON fields, normalisation -----------------------------------------------------------------

export interface ScanOptions {
  /** Field names as dotted paths ("text", "meta.body"). */
  readonly textField: string;
  readonly idField: string;
  /** Source field; rows without it get `source`. Empty: never looked up. */
  readonly sourceField: string;
  /** Field of a number, for signLines alone; empty: none. It stays among the other fields. */
  readonly scoreField: string;
  readonly source: string;
  /** Added to every record offset: where `bytes` begins in the decompressed stream. */
  readonly baseOffset: number;
  /** Number of lines before `bytes`, added to every line number. */
  readonly baseLine: number;
  /** Documents whose text is longer are rejected as "too-long" (bytes); 0: no limit. */
  readonly maxDocumentBytes: number;
  /** For scanJsonl alone. Not lines but what splitJson leaves: each value is a record, and counts as a line. */
  readonly values?: boolean;
  /** Of values: the path of the splitter, and `valueBegin` of the values before these bytes (0: of none). */
  readonly recordsField?: string;
  readonly valueBegin?: number;
  /** Of each line, where lines are made of rows of a table: its place in that file, also in the id that is made up of it. */
  readonly recordOffsets?: Float64Array;
}

/** Finds the records of one JSON file as its bytes stream by; opaque. */
export interface JsonSplitter {
  readonly brand: "JsonSplitter";
}

export interface JsonSplit {
  /** Bytes before the fault; all where there is none. */
  readonly good: number;
  /** Offset in the file: all records before are complete. */
  readonly completeUntil: number;
  /** The syntax error that ends reading: "expected ...". */
  readonly fault?: string;
}

/** Struct of arrays with the layout of records/document-block.ts, `file` aside, plus the rejected records. */
export interface ScanResult {
  readonly numDocuments: number;
  readonly text: Uint8Array;
  readonly textOffsets: Uint32Array;
  readonly id: Uint8Array;
  readonly idOffsets: Uint32Array;
  readonly sources: readonly string[];
  readonly sourceIndex: Uint32Array;
  readonly meta: Uint8Array;
  readonly metaOffsets: Uint32Array;
  readonly recordOffset: Float64Array;
  readonly recordLength: Uint32Array;
  readonly recordLine: Float64Array;
  readonly rejected: readonly { offset: number; length: number; line: number; reason: string; detail: string }[];
  /** Line ends seen, the unfinished last line counted when it is not empty. */
  readonly numLines: number;
  /** Of `values`: where the last value of the file begins that has begun by now; its end may follow. */
  readonly valueBegin?: number;
}

export interface NormalizeOptions {
  /** Unicode NFC. */
  readonly nfc: boolean;
  /** CRLF and CR become LF. */
  readonly newlines: boolean;
}

export interface NativeRead {
  unicodeVersion(): string;
  /** Whole lines of JSONL: the caller cuts `bytes` at line ends (the last line of a file may lack one). */
  scanJsonl(bytes: Uint8Array, options: ScanOptions): ScanResult;
  /** `path`: dotted names from each value of the file to its records, an array of them or one; empty: the values themselves. */
  createJsonSplitter(path: string): JsonSplitter;
  /**
   * Rewrites the file's next bytes in place: what is no part of a record becomes LF, a line end inside a record a space. With
   * a path each value leaves 0x02 where it begins (a number 0x01) and 0x03 where it ends without records; scanJsonl rejects it.
   */
  splitJson(splitter: JsonSplitter, bytes: Uint8Array, isLast: boolean): JsonSplit;
  /** New texts of a block: same number of rows. */
  normalizeTexts(
    text: Uint8Array,
    offsets: Uint32Array,
    options: NormalizeOptions,
  ): { text: Uint8Array; offsets: Uint32Array };
  /**
   * JSON lines `{"id":...,"text":...,"source":...,<meta fields>}` of the rows where keep[i] is 1, each ending with "\n". A
   * meta field that bears one of the three names becomes "original_<name>".
   */
  formatJsonl(
    block: Pick<
      ScanResult,
      "numDocuments" | "text" | "textOffsets" | "id" | "idOffsets" | "meta" | "metaOffsets" | "sources" | "sourceIndex"
    >,
    keep: Uint8Array,
  ): Uint8Array;
  /**
   * JSON with texts between: each run of four numbers says how much of `json` stands before it and which bytes of which
   * source follow, as a JSON string. The bytes need not be UTF-8.
   */
  joinRows(json: Uint8Array, runs: Uint32Array, sources: readonly Uint8Array[]): Uint8Array;
}

// --- dedup.cc: shingles, MinHash, hashes of documents ---------------------------------------------------------------

export interface Shingling {
  readonly unit: "word" | "char";
  /** Units a shingle. */
  readonly size: number;
}

export interface SignatureOptions extends Shingling {
  readonly bands: number;
  readonly rows: number;
  readonly seed: bigint;
  /** How fast, never what. */
  readonly simd: "auto" | "scalar" | "avx2" | "avx512";
}

/** Memory for the columns that are nine tenths of SignedRows, used where it suffices. */
export type SignatureRoom = Pick<SignedRows, "bandKeys" | "sketches">;

/** Columns of documents, one row each; bandKeys[band * numDocuments + row]. */
export interface SignedRows {
  readonly numDocuments: number;
  /** 128 bits of the normalised text, two words a row, low before high. */
  readonly contentHashes: BigUint64Array;
  /** 64 bits of the text as it is. */
  readonly textHashes: BigUint64Array;
  readonly normalizedBytes: Uint32Array;
  readonly bandKeys: BigUint64Array;
  /**
   * SKETCH_SIZE a row: the upper halves of the least shingle hashes of its set, each once, ascending, then 0xffffffff. Two
   * documents at similarity J have none in common with a probability of (1 - J)^SKETCH_SIZE.
   */
  readonly sketches: Uint32Array;
}

export const SKETCH_SIZE = 16;

/** The documents of whole lines of JSONL, without their texts. */
export interface SignedLines extends SignedRows, Omit<ScanResult, "text" | "textOffsets" | "meta" | "metaOffsets"> {
  /** 128 bits of the id, two words a row. */
  readonly idHashes: BigUint64Array;
  /** Of ScanOptions.scoreField: the number there, NaN where there is none. */
  readonly scores: Float64Array;
}

/** See native/include/millrace/dedup.h; sets of shingles are ascending 64-bit hashes, each once. */
export interface NativeDedup {
  /**
   * Reads and signs the documents of whole lines of JSONL in one pass; rejects as scanJsonl does. The long columns may be
   * views of `room`, then they are valid until it is given again.
   */
  signLines(bytes: Uint8Array, read: ScanOptions, options: SignatureOptions, room?: SignatureRoom): SignedLines;
  signDocuments(text: Uint8Array, offsets: Uint32Array, options: SignatureOptions): SignedRows;
  /** 128-bit hashes of rows of bytes, two words a row. */
  hashRows(bytes: Uint8Array, offsets: Uint32Array): BigUint64Array;
  /** Shingle sets of the chosen rows, one after another; offsets in elements. */
  shingleSets(
    text: Uint8Array,
    offsets: Uint32Array,
    rows: Uint32Array,
    shingling: Shingling,
  ): { hashes: BigUint64Array; offsets: Uint32Array };
  /** The same of records of JSONL: record i is bytes[begins[i]] .. + lengths[i] and known to be a document. */
  shingleLines(
    bytes: Uint8Array,
    begins: Uint32Array,
    lengths: Uint32Array,
    read: ScanOptions,
    shingling: Shingling,
  ): { hashes: BigUint64Array; offsets: Uint32Array };
}

// --- candidates.cc: hashes to candidate pairs, the order of documents, exact intersections, the join ---------------------

/** An opaque join; garbage collection frees it. */
export type NativeJoin = object & { readonly __join: never };

export interface JoinOptions {
  /** Pairs of sets with a Jaccard similarity above numerator / denominator (below 1) are found. */
  readonly numerator: number;
  readonly denominator: number;
  /**
   * Base-2 logarithms, 0 to 32 and 0 to 28: how many 2-bit counters tell shingles of one set from shared ones, and how many
   * 32-bit counters order these, rare before common. They decide how fast a join is, never what it finds. 0: none.
   */
  readonly seenBits: number;
  readonly counterBits: number;
  /** How much the sets kept in it may take, with their index: joinSets stops before it takes more. One set always fits. */
  readonly capacityBytes: number;
}

export interface JoinedSets {
  /** Rows taken: all, or those before the first that found no room. */
  readonly numTaken: number;
  /** Four a match: row, number of the kept set, size of the intersection, size of the union. Rows ascend, then numbers. */
  readonly matches: Uint32Array;
}

/** See native/include/millrace/candidates.h; sets of shingles are ascending 64-bit hashes, each once. */
export interface NativeCandidates {
  /**
   * Takes rows of `words` 64-bit words whose last word's upper half x falls in the part, floor(x * parts / 2^32) = part, and
   * whose document (firstDocument + row) is not in the bitmap `excluded` (document d: byte d >> 3, bit d & 7; empty:
   * nobody is). They go to outHashes and outDocuments from row `at` on, which must have room for all rows. Returns the row
   * after the last.
   */
  selectPart(
    hashes: BigUint64Array,
    words: 1 | 2,
    part: number,
    parts: number,
    firstDocument: number,
    excluded: Uint8Array,
    outHashes: BigUint64Array,
    outDocuments: Uint32Array,
    at: number,
  ): number;
  /** Groups of two or more rows with equal 128-bit hashes, in the order of their first rows. */
  equalGroups(hashes: BigUint64Array): { members: Uint32Array; offsets: Uint32Array };
  /**
   * Brings the rows whose key another row has too to the front, equal keys together, documents ascending inside a key;
   * returns how many rows these are. What is behind them, and the scratch arrays (as long as the others), is undefined.
   */
  groupKeys(
    keys: BigUint64Array,
    documents: Uint32Array,
    keyScratch: BigUint64Array,
    documentScratch: Uint32Array,
  ): number;
  /**
   * Pairs out the groups of `keys` from row `begin` on into `pairs` (lower document << 32n | higher, in no order) until the
   * next group finds no room; members of groups above maxBucket are in `crowded` instead.
   */
  pairGroups(
    keys: BigUint64Array,
    documents: Uint32Array,
    begin: number,
    maxBucket: number,
    pairs: BigUint64Array,
  ): { next: number; numPairs: number; crowded: Uint32Array };
  /** Sorts in place, one of each value to the front; returns how many. */
  sortUnique(values: BigUint64Array): number;
  /** Rows by orderKey, then by 128-bit content hash (low word first), then by row. */
  orderDocuments(orderKeys: BigUint64Array, contentHashes: BigUint64Array): Uint32Array;
  /** |A and B| of the sets pairs[2 * i] and pairs[2 * i + 1]. */
  intersectSets(hashes: BigUint64Array, offsets: Uint32Array, pairs: Uint32Array): Uint32Array;
  /** The same for pairs above numerator / denominator; 0 for the others, which it leaves as soon as that is certain. */
  intersectAbove(
    hashes: BigUint64Array,
    offsets: Uint32Array,
    pairs: Uint32Array,
    numerator: number,
    denominator: number,
  ): Uint32Array;
  /**
   * The exact join: finds all pairs above a threshold without comparing all pairs. Either counted: countSets with every set
   * that will be joined, each once, in any pieces; then selectSets with every set, each once; then joinSets, without the
   * sets that selectSets refuses. Or uncounted (seenBits 0): joinSets alone.
   */
  createJoin(options: JoinOptions): NativeJoin;
  countSets(join: NativeJoin, hashes: BigUint64Array): void;
  /** 1 for each set that may have a partner above the threshold: the others have too many shingles of their own. */
  selectSets(join: NativeJoin, hashes: BigUint64Array, offsets: Uint32Array): Uint8Array;
  /**
   * Set after set: compares it with the sets in the join and then puts it there under its number (`all`), puts it there when
   * it matched none and barred[row] is 0 (`kept`; an empty array bars nobody), or does not (`none`). Numbers ascend
   * over the life of a join between two calls of clearJoin.
   */
  joinSets(
    join: NativeJoin,
    numbers: Uint32Array,
    hashes: BigUint64Array,
    offsets: Uint32Array,
    put: "all" | "kept" | "none",
    barred: Uint8Array,
  ): JoinedSets;
  /** Takes all sets out; what was counted stays. */
  clearJoin(join: NativeJoin): void;
}

// --- sketch_join.cc: pairs of a sample --------------------------------------------------------------------------------

/** Sketches of sampled documents; garbage collection frees it. */
export type NativeSketchIndex = object & { readonly __sketchIndex: never };

/** See native/include/millrace/sketch_join.h; sketches are SKETCH_SIZE values a document. */
export interface NativeSketchJoin {
  /** At most 2^20 documents. `sketches` is copied. */
  createSketchIndex(sketches: Uint32Array): NativeSketchIndex;
  /**
   * Pairs of sampled documents and rows with taken[row] != 0, by row, three elements a pair: place in the sample, row, level.
   * The level says how many of the least SKETCH_SIZE values of the two together are in both; when they have fewer together,
   * in proportion and rounded down. Pairs below minLevel, and below 1, are left out.
   */
  matchSketches(index: NativeSketchIndex, sketches: Uint32Array, taken: Uint8Array, minLevel: number): Uint32Array;
}

// --- tokenizer.cc: byte-level BPE, WordPiece -------------------------------------------------------------------------

/** An opaque native tokenizer; garbage collection frees it. Not shared between threads. */
export interface NativeTokenizer {
  readonly vocabSize: number;
}

export interface EncodeResult {
  /** Concatenated ids of all rows, Int32Array. */
  readonly ids: Int32Array;
  /** numRows + 1 offsets into ids. */
  readonly offsets: Uint32Array;
}

/** Where a byte-level vocabulary differs from GPT-2's: see native/include/millrace/tokenizer.h. */
export interface ByteLevelBpeOptions {
  /** How texts are cut into pieces: native/text/pretokenizer.h. "whole": the caller cuts, every row is a piece. */
  readonly pattern: "gpt2" | "llama3" | "qwen2" | "o200k" | "tekken" | "whole";
  /** A piece that is a token becomes it, whatever the merges say. */
  readonly ignoreMerges: boolean;
  /** A text that is not empty and does not begin with a space gets one. */
  readonly prefixSpace: boolean;
  /** {"token": id} of tokens that no text becomes and that decode to their own UTF-8. */
  readonly addedJson: Uint8Array;
}

/** Of WordPiece. BERT's uncased: "[UNK]", "##", 100, and true for all the others. */
export interface WordPieceOptions {
  /** The token of a word that no tokens make up; must be in the vocabulary. */
  readonly unknown: string;
  /** Before a token that does not begin a word. */
  readonly prefix: string;
  /** A longer word is unknown. */
  readonly mostCharacters: number;
  /** false: every text is one word as it is, and what follows is not looked at. */
  readonly split: boolean;
  /** Control characters go, white space becomes spaces. */
  readonly clean: boolean;
  /** Ideographs are words by themselves. */
  readonly chinese: boolean;
  /** Canonical decomposition without nonspacing marks. */
  readonly stripAccents: boolean;
  readonly lowercase: boolean;
}

export interface NativeTokenizers {
  /** vocabJson: {"token": id} in GPT-2's byte-to-unicode alphabet; mergesText: vocab.bpe. With options, ids may be missing. */
  createByteLevelBpe(vocabJson: Uint8Array, mergesText: Uint8Array, options?: ByteLevelBpeOptions): NativeTokenizer;
  /** Token i is tokens[offsets[i] .. offsets[i+1]) in UTF-8; empty: an id without a token. Of equal tokens the last counts. */
  createWordPiece(tokens: Uint8Array, offsets: Uint32Array, options: WordPieceOptions): NativeTokenizer;
  encodeBlock(tokenizer: NativeTokenizer, text: Uint8Array, offsets: Uint32Array): EncodeResult;
  decodeIds(tokenizer: NativeTokenizer, ids: Int32Array): Uint8Array;
}

// --- sentence_piece.cc: SentencePiece models -------------------------------------------------------------------------

export interface NativeSentencePieces {
  /** model: the bytes of a .model file, unigram or BPE. Encodes and decodes as the others of tokenizer.cc do. */
  createSentencePiece(model: Uint8Array): NativeTokenizer;
}

// --- bpe_trainer.cc: learning a byte-level BPE vocabulary --------------------------------------------------------------

/** An opaque trainer; garbage collection frees it. */
export type NativeBpeTrainer = object & { readonly __bpeTrainer: never };

export interface BpeGoal {
  /** First tokens, 256 bytes and merges. */
  readonly vocabSize: number;
  /** A pair that occurs less often is not merged. */
  readonly minFrequency: number;
  /** Ids before those of the bytes. */
  readonly numFirstTokens: number;
}

/** See native/include/millrace/bpe_trainer.h. */
export interface NativeBpeTraining {
  createBpeTrainer(pattern: ByteLevelBpeOptions["pattern"]): NativeBpeTrainer;
  /** Counts pre-tokens. Returns how many different ones there are, and how many of the rarest were forgotten for want of room. */
  addTrainingTexts(
    trainer: NativeBpeTrainer,
    text: Uint8Array,
    offsets: Uint32Array,
  ): { numPieces: number; numForgotten: number };
  /** Up to `count` more merges, three elements each: left id, right id, the id they make. Fewer: there are no more. */
  learnMerges(trainer: NativeBpeTrainer, goal: BpeGoal, count: number): Uint32Array;
}

// --- memory.cc: memory-mapped files ----------------------------------------------------------------------------------

export interface NativeMemory {
  /** The whole file, read-only, not copied; unmapped when the array buffer is collected. */
  mapFile(path: string): ArrayBuffer;
  /** Creates or truncates the file to `sizeBytes` and maps it shared and writable. */
  mapFileWritable(path: string, sizeBytes: number): ArrayBuffer;
}

// --- trainer.cc: the trainer's handle ---------------------------------------------------------------------------------

/** What computes: "cuda" is GPUs, rank r on GPU r % their number. */
export type Backend = "cpu" | "reference" | "cuda";

export interface NativeTrainerConfig {
  readonly model: {
    readonly numLayers: number;
    readonly hiddenSize: number;
    readonly numHeads: number;
    readonly contextLength: number;
    readonly vocabSize: number;
    readonly paddedVocabSize: number;
    readonly gelu: "tanh" | "erf";
    readonly layernormEpsilon: number;
  };
  readonly backend: Backend;
  readonly precision: "fp32" | "tf32" | "bf16" | "fp16" | "fp64";
  /** Of fp16, null for others. Scales are powers of two. */
  readonly lossScale: {
    readonly initial: number;
    readonly minimum: number;
    readonly window: number;
    readonly hysteresis: number;
  } | null;
  readonly tensorParallel: number;
  readonly dataParallel: number;
  /** Each rank is a process, which has joined the others; else all are threads of this one. */
  readonly processes?: boolean;
  readonly threads: number;
  readonly sequenceLength: number;
  readonly microBatch: number;
  readonly globalBatch: number;
  /** What the backward pass computes again instead of keeping it: memory and time change, results as trainer.h says. */
  readonly recompute: "none" | "selective" | "full";
  /** The same bits for every tensorParallel and number of threads; slower. */
  readonly verifyParallel: boolean;
  readonly dropout: number;
  readonly seed: number;
  readonly initStd: number;
  readonly learningRate: number;
  readonly minLearningRate: number;
  readonly schedule: "cosine" | "linear" | "constant";
  readonly warmupSteps: number;
  readonly decaySteps: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  readonly clipNorm: number;
}

export interface StepResult {
  readonly step: number;
  readonly loss: number;
  readonly gradNorm: number;
  readonly learningRate: number;
  readonly lossScale: number;
  readonly numTokens: number;
  readonly skipped: boolean;
  /** Of a skipped step: operation, layer, tensor and rank of the first value that was not finite. */
  readonly overflow: string | null;
  readonly seconds: number;
  readonly communicationSeconds: number;
}

export interface MemoryPlan {
  readonly parameterBytes: number;
  readonly gradientBytes: number;
  readonly optimizerBytes: number;
  readonly activationBytes: number;
  readonly totalBytes: number;
  /** Besides: what checkpoints are written from, on the ranks of the first data-parallel group. */
  readonly snapshotBytes: number;
  readonly numParameters: number;
}

/** Work runs on a thread of its own: the promise settles on the event loop. One call at a time. Arrays are held until then. */
export interface NativeTrainer {
  /** tokens: (globalBatch, T + 1), samples: (globalBatch). Views over a SharedArrayBuffer are read in place. */
  step(tokens: Int32Array, samples: BigInt64Array): Promise<StepResult>;
  /**
   * The step in two halves, see native/include/millrace/trainer.h: at most stepsAhead() + 1 are submitted and not collected,
   * and none is when anything else is called.
   */
  submit(tokens: Int32Array, samples: BigInt64Array): Promise<void>;
  collect(): Promise<StepResult>;
  stepsAhead(): number;
  evaluate(tokens: Int32Array, numSequences: number): Promise<{ lossSum: number; numTokens: number }>;
  logits(tokens: Int32Array): Promise<Float32Array>;
  save(path: string): Promise<void>;
  load(path: string): Promise<void>;
  /** Memory for checkpoints that are written while training goes on. */
  createSnapshot(): Promise<NativeSnapshot>;
  stepCount(): number;
  tensors(): { name: string; rows: number; columns: number }[];
  readTensor(kind: "parameter" | "gradient", name: string): Float32Array;
  writeParameter(name: string, values: Float32Array): void;
  /** Ends the rank threads; the handle is unusable afterwards. */
  destroy(): void;
}

export interface NativeTraining {
  /** Which backends of the processor this build can run here, fastest first: ["cpu", "reference"] or ["reference"]. */
  backends(): ("cpu" | "reference")[];
  /** What is missing where `backend` cannot run: "this build has no CUDA; ..."; "" where it can. */
  backendReason(backend: Backend): string;
  planTraining(config: NativeTrainerConfig): MemoryPlan;
  /** statusPage: a buffer of mapFileWritable, or null. */
  createTrainer(config: NativeTrainerConfig, statusPage: ArrayBuffer | null): NativeTrainer;
}

// --- checkpoint.cc: checkpoints while training goes on ---------------------------------------------------------------

/** See native/include/millrace/checkpoint.h. One call at a time; a write goes on while the trainer steps, or after it was destroyed. */
export interface NativeSnapshot {
  readonly sizeBytes: number;
  /** Copies the trainer's state after its last step: the trainer is busy until the promise settles, and no longer. */
  take(): Promise<void>;
  /** Writes what was last taken: whole and durable under `path`, or not there at all. */
  write(path: string): Promise<void>;
  /** Frees the memory; garbage collection does too. */
  destroy(): void;
}

export interface NativeCheckpoints {
  /** CRC-32 (zlib's) of bytes that follow those of which `before` is the checksum; 0 to begin. */
  crc32(bytes: Uint8Array, before: number): number;
}

// --- processes.cc: ranks as processes --------------------------------------------------------------------------------

/** One process among those that mpirun or srun started. */
export interface ProcessPlace {
  readonly rank: number;
  readonly numRanks: number;
  /** Among those of this machine. */
  readonly localRank: number;
  readonly numLocalRanks: number;
}

/** See native/include/millrace/processes.h. */
export interface NativeProcesses {
  /** What is missing where this build cannot: "this build has no MPI; ..."; "" where it can. */
  processesReason(): string;
  /** Joins the others, and waits until all have; once in a process. */
  joinProcesses(): Promise<ProcessPlace>;
  /** What process 0 says; the text of the others is not looked at. */
  tellProcesses(text: string): Promise<string>;
  /** The last call. True waits until all others leave too; false, after a failure, leaves them to the launcher. */
  leaveProcesses(finished: boolean): void;
}

export type Native = NativeRead &
  NativeDedup &
  NativeCandidates &
  NativeSketchJoin &
  NativeTokenizers &
  NativeSentencePieces &
  NativeBpeTraining &
  NativeMemory &
  NativeTraining &
  NativeCheckpoints &
  NativeProcesses;

let loaded: Native | undefined;

/** The addon. Throws `native-missing` with what to run when it has not been built. */
export function native(): Native {
  if (loaded === undefined) {
    const path =
      process.env.MILLRACE_ADDON ?? fileURLToPath(new URL("../build/release/millrace.node", import.meta.url));
    if (!existsSync(path)) {
      throw invalid("native-missing", `expected the native addon at ${path}, found none`, {
        hint: "run `npm run build` in the package folder (needs CMake and a C++20 compiler); dedup also runs without: --engine js",
      });
    }
    loaded = createRequire(import.meta.url)(path) as Native;
  }
  return loaded;
}
