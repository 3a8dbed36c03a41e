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
  readonly source: string;
  /** Added to every record offset: where `bytes` begins in the decompressed stream. */
  readonly baseOffset: number;
  /** Number of lines before `bytes`, added to every line number. */
  readonly baseLine: number;
  /** Documents whose text is longer are rejected as "too-long" (bytes); 0: no limit. */
  readonly maxDocumentBytes: number;
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
}

// --- dedup.cc: shingles, MinHash, candidate join, Jaccard ------------------------------------------------------------

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

/** Columns of a block; two words of content hash a row, bandKeys[band * numRows + row]. */
export interface DocumentSignatures {
  readonly contentHashes: BigUint64Array;
  readonly textHashes: BigUint64Array;
  readonly normalizedBytes: Uint32Array;
  readonly bandKeys: BigUint64Array;
}

/** An opaque join index; garbage collection frees it. */
export type NativeJoinIndex = object & { readonly __joinIndex: never };

/** See native/include/millrace/dedup.h; sets of shingles are ascending 64-bit hashes, each once. */
export interface NativeDedup {
  signDocuments(text: Uint8Array, offsets: Uint32Array, options: SignatureOptions): DocumentSignatures;
  /** 128-bit hashes of rows of bytes, two words a row. */
  hashRows(bytes: Uint8Array, offsets: Uint32Array): BigUint64Array;
  /** Shingle sets of the chosen rows, one after another; offsets in elements. */
  shingleSets(
    text: Uint8Array,
    offsets: Uint32Array,
    rows: Uint32Array,
    shingling: Shingling,
  ): { hashes: BigUint64Array; offsets: Uint32Array };
  /** Groups of two or more rows with equal 128-bit hashes, in the order of their first rows. */
  equalGroups(hashes: BigUint64Array): { members: Uint32Array; offsets: Uint32Array };
  /**
   * pairs: lower document << 32n | higher, ascending; members of buckets above maxBucket are in `crowded` instead.
   * Reorders its inputs; documents come ascending.
   */
  bucketPairs(
    keys: BigUint64Array,
    documents: Uint32Array,
    maxBucket: number,
  ): { pairs: BigUint64Array; crowded: Uint32Array };
  /** Sorts in place, one of each value to the front; returns how many. */
  sortUnique(values: BigUint64Array): number;
  /** |A and B| of the sets pairs[2 * i] and pairs[2 * i + 1]. */
  intersectSets(hashes: BigUint64Array, offsets: Uint32Array, pairs: Uint32Array): Uint32Array;
  /** Rows by normalizedBytes descending, then content hash, then row. */
  orderLongest(normalizedBytes: Uint32Array, contentHashes: BigUint64Array): Uint32Array;
  /** Adds shingles to an estimate of how often each occurs; counters has a power of two elements. */
  countShingles(hashes: BigUint64Array, counters: Uint32Array): void;
  /** Finds inserted sets with Jaccard similarity above numerator / denominator. `counters` is copied. */
  createJoinIndex(counters: Uint32Array, numerator: number, denominator: number): NativeJoinIndex;
  insertSet(index: NativeJoinIndex, number: number, set: BigUint64Array): void;
  /** Numbers of all inserted sets above the threshold, and possibly others, in the order of insertion. */
  probeSets(index: NativeJoinIndex, set: BigUint64Array): Uint32Array;
}

// --- tokenizer.cc: byte-level BPE ------------------------------------------------------------------------------------

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

export interface NativeTokenizers {
  /** vocabJson: {"token": id} in GPT-2's byte-to-unicode alphabet; mergesText: vocab.bpe. */
  createByteLevelBpe(vocabJson: Uint8Array, mergesText: Uint8Array): NativeTokenizer;
  encodeBlock(tokenizer: NativeTokenizer, text: Uint8Array, offsets: Uint32Array): EncodeResult;
  decodeIds(tokenizer: NativeTokenizer, ids: Int32Array): Uint8Array;
}

// --- memory.cc: memory-mapped files ----------------------------------------------------------------------------------

export interface NativeMemory {
  /** The whole file, read-only, not copied; unmapped when the array buffer is collected. */
  mapFile(path: string): ArrayBuffer;
  /** Creates or truncates the file to `sizeBytes` and maps it shared and writable. */
  mapFileWritable(path: string, sizeBytes: number): ArrayBuffer;
}

// --- trainer.cc: the trainer's handle ---------------------------------------------------------------------------------

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
  readonly backend: "cpu" | "reference";
  readonly precision: "fp32" | "fp64";
  readonly tensorParallel: number;
  readonly dataParallel: number;
  readonly threads: number;
  readonly sequenceLength: number;
  readonly microBatch: number;
  readonly globalBatch: number;
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
  readonly seconds: number;
  readonly communicationSeconds: number;
}

export interface MemoryPlan {
  readonly parameterBytes: number;
  readonly gradientBytes: number;
  readonly optimizerBytes: number;
  readonly activationBytes: number;
  readonly totalBytes: number;
  readonly numParameters: number;
}

/** Work runs on a thread of its own: the promise settles on the event loop. One call at a time. Arrays are held until then. */
export interface NativeTrainer {
  /** tokens: (globalBatch, T + 1), samples: (globalBatch). Views over a SharedArrayBuffer are read in place. */
  step(tokens: Int32Array, samples: BigInt64Array): Promise<StepResult>;
  evaluate(tokens: Int32Array, numSequences: number): Promise<{ lossSum: number; numTokens: number }>;
  logits(tokens: Int32Array): Promise<Float32Array>;
  save(path: string): Promise<void>;
  load(path: string): Promise<void>;
  stepCount(): number;
  tensors(): { name: string; rows: number; columns: number }[];
  readTensor(kind: "parameter" | "gradient", name: string): Float32Array;
  writeParameter(name: string, values: Float32Array): void;
  /** Ends the rank threads; the handle is unusable afterwards. */
  destroy(): void;
}

export interface NativeTraining {
  /** Which backends this build can run here, fastest first: ["cpu", "reference"] or ["reference"]. */
  backends(): ("cpu" | "reference")[];
  planTraining(config: NativeTrainerConfig): MemoryPlan;
  /** statusPage: a buffer of mapFileWritable, or null. */
  createTrainer(config: NativeTrainerConfig, statusPage: ArrayBuffer | null): NativeTrainer;
}

export type Native = NativeRead & NativeDedup & NativeTokenizers & NativeMemory & NativeTraining;

let loaded: Native | undefined;

/** The addon. Throws `native-missing` with what to run when it has not been built. */
export function native(): Native {
  if (loaded === undefined) {
    const path =
      process.env.MILLRACE_ADDON ?? fileURLToPath(new URL("../build/release/millrace.node", import.meta.url));
    if (!existsSync(path)) {
      throw invalid("native-missing", `expected the native addon at ${path}, found none`, {
        hint: "run `npm run build` in the package folder (needs CMake and a C++20 compiler)",
      });
    }
    loaded = createRequire(import.meta.url)(path) as Native;
  }
  return loaded;
}
