// Compression inside of tables: pages of Parquet, buffers of Arrow. The door to hyparquet-compressors for what Node 20 cannot
// decompress itself.
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { compressors, decompressLz4, decompressLz4Raw, decompressZstd } from "hyparquet-compressors";

/** No page or buffer of a sound file is larger: writers make pages of a MiB. */
export const MAX_PART_BYTES = 2 ** 31 - 1;

/** By the names that Parquet's Thrift has for them; `length` is the size that the page says it has. */
export const PAGE_CODECS: Readonly<Record<string, (bytes: Uint8Array, length: number) => Uint8Array>> = {
  // One instance of its WebAssembly for all pages.
  SNAPPY: (bytes, length) => compressors.SNAPPY!(bytes, length),
  GZIP: (bytes, length) => gunzipSync(bytes, { maxOutputLength: length }),
  BROTLI: (bytes, length) => brotliDecompressSync(bytes, { maxOutputLength: length }),
  ZSTD: (bytes) => decompressZstd(bytes),
  LZ4: (bytes, length) => decompressLz4(bytes, length),
  LZ4_RAW: (bytes, length) => decompressLz4Raw(bytes, length),
};

/** A buffer of Arrow begins where any number of it may be read in place. */
export function zstdBuffer(bytes: Uint8Array): Uint8Array {
  const content = decompressZstd(bytes);
  return content.byteOffset % 8 === 0 ? content : content.slice();
}
