// From any encoding of the WHATWG Encoding standard to UTF-8, as a layer over a stream of chunks.
import { Iso2022JpTranscoder } from "./iso-2022-jp.js";
import { MULTI_BYTE_ENCODINGS, MultiByteTranscoder } from "./multi-byte.js";
import { SingleByteTranscoder } from "./single-byte.js";
import type { Transcoder } from "./transcoder.js";
import { Utf16Transcoder } from "./utf-16.js";

/** Text of three bytes a character takes so much more memory, for a moment twice. */
const SLICE_BYTES = 2 ** 20;

/** `encoding`: a name, such as encodingOfLabel gives, but for UTF-8 and the UTF-16 whose mark is to tell its byte order. */
export function createTranscoder(encoding: string): Transcoder {
  if (encoding === "utf-16le" || encoding === "utf-16be") return new Utf16Transcoder(encoding === "utf-16be");
  if (encoding === "iso-2022-jp") return new Iso2022JpTranscoder();
  return MULTI_BYTE_ENCODINGS.includes(encoding)
    ? new MultiByteTranscoder(encoding)
    : new SingleByteTranscoder(encoding);
}

/**
 * UTF-8 of the stream. What is no text of the encoding becomes bytes that are no UTF-8, each sequence by itself. An error of
 * the stream comes behind all that was decoded before.
 */
export async function* transcode(chunks: AsyncIterable<Uint8Array>, encoding: string): AsyncIterable<Uint8Array> {
  const transcoder = createTranscoder(encoding);
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += SLICE_BYTES) {
      const text = transcoder.push(chunk.subarray(at, at + SLICE_BYTES));
      if (text.length > 0) yield text;
    }
  }
  const rest = transcoder.end();
  if (rest.length > 0) yield rest;
}

/** A whole text. */
export function transcodeAll(bytes: Uint8Array, encoding: string): Uint8Array {
  const transcoder = createTranscoder(encoding);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
    parts.push(transcoder.push(bytes.subarray(at, at + SLICE_BYTES)));
  }
  return Buffer.concat([...parts, transcoder.end()]);
}
