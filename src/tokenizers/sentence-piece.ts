// SentencePiece models (unigram and BPE, byte fallback): a .model file in, a Tokenizer out, over one of two engines. The
// native one gives the ids of SentencePiece 0.2, js those of 0.1.97: docs/decisions/0034.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { invalid, toWireError } from "../base/errors.js";
import { native } from "../native.js";
import { ByteTokenizer } from "./byte-tokenizer.js";
import { prepareSentencePieceJs, SENTENCE_PIECE_JS, SentencePieceJs } from "./sentence-piece-js.js";
import { readSentencePieceModel } from "./sentence-piece-model.js";
import type { EncodedBlock, Tokenizer } from "./tokenizer.js";

export type SentencePieceEngine = "native" | "js";

/** Part of the fingerprint: raised when the same file would give other ids. */
const KIND = "sentence-piece/1";

interface Kernel {
  encodeBlock(text: Uint8Array, offsets: Uint32Array): EncodedBlock;
  decodeIds(ids: Int32Array): Uint8Array;
}

function nativeKernel(model: Uint8Array, file: string): Kernel {
  const { createSentencePiece, encodeBlock, decodeIds } = native();
  try {
    const tokenizer = createSentencePiece(model);
    return {
      encodeBlock: (text, offsets) => encodeBlock(tokenizer, text, offsets),
      decodeIds: (ids) => decodeIds(tokenizer, ids),
    };
  } catch (error) {
    const wire = toWireError(error);
    if (wire.code !== "native-invalid-argument") throw error;
    throw invalid("config-tokenizer", `${wire.message}: ${file}`, { where: { file }, cause: error });
  }
}

export interface SentencePieceOptions {
  readonly engine?: SentencePieceEngine;
  /** The control symbol that ends documents, where it is not the model's end of sentence. */
  readonly endOfDocument?: string | undefined;
}

/** Decodes to what the official library does: what normalisation changed stays changed, and a first space may be gone. */
export class SentencePiece extends ByteTokenizer {
  readonly name: string;
  readonly kind: string;
  readonly specialTokens: ReadonlyMap<string, number>;
  readonly vocabSize: number;
  readonly endOfDocumentId: number;
  readonly fingerprint: string;
  readonly #kernel: Kernel;

  /** `file`: what the model goes by in errors. */
  constructor(name: string, model: Uint8Array, file: string, options: SentencePieceOptions = {}) {
    super();
    const { engine = "native", endOfDocument } = options;
    const { vocabSize, endOfDocumentId, kind, control } = readSentencePieceModel(model, file, endOfDocument);
    this.#kernel = engine === "js" ? new SentencePieceJs(model, file) : nativeKernel(model, file);
    this.name = name;
    this.kind = `SentencePiece, ${kind}`;
    this.specialTokens = control;
    this.vocabSize = vocabSize;
    this.endOfDocumentId = endOfDocumentId;
    const parts = [KIND, createHash("sha256").update(model).digest("hex")];
    if (endOfDocument !== undefined) parts.push(`end of document ${endOfDocumentId}`);
    if (engine === "js") parts.push(SENTENCE_PIECE_JS);
    this.fingerprint = `sha256:${createHash("sha256").update(parts.join("\n")).digest("hex")}`;
  }

  encodeBlock(text: Uint8Array, offsets: Uint32Array): EncodedBlock {
    return this.#kernel.encodeBlock(text, offsets);
  }

  override decodeBytes(ids: ArrayLike<number>): Uint8Array {
    for (let i = 0; i < ids.length; i += 1) {
      if (Number.isInteger(ids[i]) && ids[i]! >= 0 && ids[i]! < this.vocabSize) continue;
      throw invalid(
        "config-tokenizer",
        `expected ids from 0 to ${this.vocabSize - 1} for decoding, got ${ids[i]} at position ${i}`,
      );
    }
    return super.decodeBytes(ids);
  }

  protected decodeIds(ids: Int32Array): Uint8Array {
    return this.#kernel.decodeIds(ids);
  }
}

/** To be awaited in every thread before it makes tokenizers of an engine. */
export async function prepareSentencePiece(engine: SentencePieceEngine): Promise<void> {
  if (engine === "js") await prepareSentencePieceJs();
}

/** Throws `config-tokenizer` when the file is not there, is no model of a supported kind, or has no end of documents. */
export function loadSentencePiece(name: string, file: string, options: SentencePieceOptions = {}): Tokenizer {
  if (!existsSync(file)) {
    throw invalid("config-tokenizer", `expected a SentencePiece model for tokenizer ${name}, got no file ${file}`);
  }
  return new SentencePiece(name, readFileSync(file), file, options);
}
