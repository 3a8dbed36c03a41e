// A tokenizer whose work is done on bytes, by a kernel: texts as JavaScript strings are encoded and decoded around it.
import type { EncodedBlock, Tokenizer } from "./tokenizer.js";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Methods are those of Tokenizer. */
export abstract class ByteTokenizer implements Tokenizer {
  abstract readonly name: string;
  abstract readonly kind: string;
  abstract readonly specialTokens: ReadonlyMap<string, number>;
  abstract readonly vocabSize: number;
  abstract readonly endOfDocumentId: number;
  abstract readonly fingerprint: string;

  abstract encodeBlock(text: Uint8Array, offsets: Uint32Array): EncodedBlock;
  protected abstract decodeIds(ids: Int32Array): Uint8Array;

  encode(text: string): Int32Array {
    const bytes = encoder.encode(text);
    return this.encodeBlock(bytes, Uint32Array.of(0, bytes.length)).ids;
  }

  decode(ids: ArrayLike<number>): string {
    return decoder.decode(this.decodeBytes(ids));
  }

  decodeBytes(ids: ArrayLike<number>): Uint8Array {
    return this.decodeIds(ids instanceof Int32Array ? ids : Int32Array.from(ids));
  }
}
