// Byte-level BPE (GPT-2): the two vocabulary files in, a Tokenizer over the native kernel out.
import { createHash } from "node:crypto";
import { invalid, toWireError } from "../base/errors.js";
import { type NativeTokenizer, native } from "../native.js";
import type { EncodedBlock, Tokenizer } from "./tokenizer.js";

/** Part of the fingerprint: raised when the same files would give other ids. */
const KIND = "byte-level-bpe/1";

export interface ByteLevelBpeFiles {
  readonly name: string;
  /** Bytes of vocab.json and merges.txt, and the names they go by in errors. */
  readonly vocab: Uint8Array;
  readonly merges: Uint8Array;
  readonly vocabFile: string;
  readonly mergesFile: string;
  readonly endOfDocument: string;
}

function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function createNative(files: ByteLevelBpeFiles): NativeTokenizer {
  try {
    return native().createByteLevelBpe(files.vocab, files.merges);
  } catch (error) {
    const wire = toWireError(error);
    if (wire.code !== "native-invalid-argument") throw error;
    const file = wire.message.includes("for the merges") ? files.mergesFile : files.vocabFile;
    throw invalid("config-tokenizer", wire.message, { where: { file }, cause: error });
  }
}

/** A special token is looked up by its name in the parsed file: the native side knows bytes only. */
function specialId(files: ByteLevelBpeFiles): number {
  const vocab = JSON.parse(new TextDecoder().decode(files.vocab)) as Record<string, number>;
  const id = Object.hasOwn(vocab, files.endOfDocument) ? vocab[files.endOfDocument] : undefined;
  if (id === undefined) {
    throw invalid("config-tokenizer", `expected the token ${files.endOfDocument} for the vocabulary, got none`, {
      where: { file: files.vocabFile },
    });
  }
  return id;
}

export class ByteLevelBpe implements Tokenizer {
  readonly name: string;
  readonly vocabSize: number;
  readonly endOfDocumentId: number;
  readonly fingerprint: string;
  readonly #native: NativeTokenizer;
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  constructor(files: ByteLevelBpeFiles) {
    this.#native = createNative(files);
    this.name = files.name;
    this.vocabSize = this.#native.vocabSize;
    this.endOfDocumentId = specialId(files);
    const parts = [KIND, sha256(files.vocab), sha256(files.merges), files.endOfDocument];
    this.fingerprint = `sha256:${sha256(parts.join("\n"))}`;
  }

  encodeBlock(text: Uint8Array, offsets: Uint32Array): EncodedBlock {
    return native().encodeBlock(this.#native, text, offsets);
  }

  encode(text: string): Int32Array {
    const bytes = this.#encoder.encode(text);
    return this.encodeBlock(bytes, Uint32Array.of(0, bytes.length)).ids;
  }

  decode(ids: ArrayLike<number>): string {
    return this.#decoder.decode(this.decodeBytes(ids));
  }

  decodeBytes(ids: ArrayLike<number>): Uint8Array {
    return native().decodeIds(this.#native, ids instanceof Int32Array ? ids : Int32Array.from(ids));
  }
}
