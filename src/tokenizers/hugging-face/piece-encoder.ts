// From pieces to ids: the last step of a tokenizer, natively where the kernel has the model.

import type { NativeTokenizer } from "../../native/tokenizer.js";
import { native } from "../../native.js";
import type { IdList } from "./id-list.js";

export interface PieceEncoder {
  /** Appends the ids of all pieces; a number among them is an id itself. */
  encode(pieces: readonly (string | number)[], out: IdList): void;
}

/** Every piece is a row of the native tokenizer. */
export class NativePieceEncoder implements PieceEncoder {
  readonly native: NativeTokenizer;

  constructor(tokenizer: NativeTokenizer) {
    this.native = tokenizer;
  }

  encode(pieces: readonly (string | number)[], out: IdList): void {
    const texts = pieces.filter((piece) => typeof piece === "string");
    const bytes = Buffer.from(texts.join(""));
    const offsets = new Uint32Array(texts.length + 1);
    for (const [i, text] of texts.entries()) offsets[i + 1] = offsets[i]! + Buffer.byteLength(text);
    const encoded = native().encodeBlock(this.native, bytes, offsets);
    if (texts.length === pieces.length) {
      out.pushAll(encoded.ids);
      return;
    }
    let row = 0;
    for (const piece of pieces) {
      if (typeof piece === "number") out.push(piece);
      else {
        out.pushAll(encoded.ids.subarray(encoded.offsets[row], encoded.offsets[row + 1]));
        row += 1;
      }
    }
  }
}
