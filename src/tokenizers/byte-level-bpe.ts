// Byte-level BPE (GPT-2): the two vocabulary files in, a Tokenizer over the native kernel out.
import { invalid, toWireError } from "../base/errors.js";
import type { NativeTokenizer } from "../native/tokenizer.js";
import { native } from "../native.js";
import { ByteTokenizer } from "./byte-tokenizer.js";
import { byteLevelFingerprint } from "./fingerprint.js";
import type { EncodedBlock, TokenBounds } from "./tokenizer.js";

export interface ByteLevelBpeFiles {
  readonly name: string;
  /** Bytes of vocab.json and merges.txt, and the names they go by in errors. */
  readonly vocab: Uint8Array;
  readonly merges: Uint8Array;
  readonly vocabFile: string;
  readonly mergesFile: string;
  readonly endOfDocument: string;
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

const decoded = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Ids by token; native code has checked the file. */
function idsOf(files: ByteLevelBpeFiles): Map<string, number> {
  return new Map(Object.entries(JSON.parse(decoded(files.vocab)) as Record<string, number>));
}

function mergesOf(files: ByteLevelBpeFiles): [string, string][] {
  const lines = decoded(files.merges)
    .split(/\r?\n/)
    .filter((line, i) => line !== "" && !(i === 0 && line.startsWith("#version")));
  return lines.map((line) => line.split(" ") as [string, string]);
}

/** A special token is looked up by its name: the native side knows bytes only. */
function specialId(files: ByteLevelBpeFiles, ids: ReadonlyMap<string, number>): number {
  const id = ids.get(files.endOfDocument);
  if (id === undefined) {
    throw invalid("config-tokenizer", `expected the token ${files.endOfDocument} for the vocabulary, got none`, {
      where: { file: files.vocabFile },
    });
  }
  return id;
}

export class ByteLevelBpe extends ByteTokenizer {
  readonly name: string;
  readonly kind = "byte-level BPE";
  readonly specialTokens: ReadonlyMap<string, number>;
  readonly vocabSize: number;
  readonly endOfDocumentId: number;
  readonly fingerprint: string;
  readonly bounds: TokenBounds = { mostPerByte: 1, onePerWord: true };
  readonly #native: NativeTokenizer;

  constructor(files: ByteLevelBpeFiles) {
    super();
    this.#native = createNative(files);
    this.name = files.name;
    this.vocabSize = this.#native.vocabSize;
    const ids = idsOf(files);
    this.endOfDocumentId = specialId(files, ids);
    this.specialTokens = new Map([[files.endOfDocument, this.endOfDocumentId]]);
    this.fingerprint = byteLevelFingerprint(ids, mergesOf(files), files.endOfDocument);
  }

  encodeBlock(text: Uint8Array, offsets: Uint32Array): EncodedBlock {
    return native().encodeBlock(this.#native, text, offsets);
  }

  protected decodeIds(ids: Int32Array): Uint8Array {
    return native().decodeIds(this.#native, ids);
  }
}
