// The values of one column chunk of Parquet, a page at a time: memory is that of a page and of the dictionary, however large
// the row group is. Pages before the first row that is wanted are passed over by their headers where these count rows.
import type { StoredFile } from "../../base/storage/index.js";
import { MAX_PART_BYTES, PAGE_CODECS } from "./codecs.js";
import {
  type ColumnChunk,
  type ColumnDecoder,
  decompressPage,
  type PageHeader,
  parquetHeader,
  readDataPage,
  readDataPageV2,
  readPlain,
} from "./parquet-library.js";
import type { ParquetLeaf } from "./parquet-schema.js";
import { damagedTable, unsupportedTable } from "./table-errors.js";

/** Read ahead, and more where a page is larger. */
const WINDOW_BYTES = 2 ** 20;
/** A header holds statistics perhaps, which are two values; few are long. */
const HEADER_BYTES = 2 ** 13;
const MAX_HEADER_BYTES = 2 ** 24;

/** Values with their levels, in order. No levels: every value is there, and begins a row. */
export interface Page {
  readonly definitionLevels: ArrayLike<number> | undefined;
  readonly repetitionLevels: ArrayLike<number> | undefined;
  readonly values: ArrayLike<unknown>;
  /** With those that are null. */
  readonly numValues: number;
}

export class ChunkPages {
  readonly #file: StoredFile;
  readonly #leaf: ParquetLeaf;
  readonly #decoder: ColumnDecoder;
  readonly #end: number;
  readonly #numValues: number;
  /** Of the next page's header. */
  #position: number;
  #window = new Uint8Array(0);
  #windowStart = 0;
  #dictionary: ArrayLike<unknown> | undefined;

  constructor(file: StoredFile, leaf: ParquetLeaf, chunk: ColumnChunk) {
    const meta = chunk.meta_data;
    if (chunk.file_path || chunk.crypto_metadata || meta === undefined) {
      throw unsupportedTable(file.path, `column ${leaf.path.join(".")} that lies in another file or is encrypted`);
    }
    if (meta.codec !== "UNCOMPRESSED" && PAGE_CODECS[meta.codec] === undefined) {
      throw unsupportedTable(file.path, `column ${leaf.path.join(".")} compressed by ${meta.codec}`);
    }
    this.#file = file;
    this.#leaf = leaf;
    const path = [...leaf.schemaPath];
    this.#decoder = {
      pathInSchema: meta.path_in_schema,
      type: meta.type,
      element: path[path.length - 1]!.element,
      schemaPath: path,
      codec: meta.codec,
      compressors: PAGE_CODECS,
      // Asked for by the type alone: nothing that is used here converts values.
      parsers: undefined as never,
    };
    const offsets = [meta.data_page_offset, meta.dictionary_page_offset].filter(
      (offset) => offset !== undefined && offset > 0,
    );
    this.#position = Math.min(...offsets.map(Number));
    this.#end = this.#position + Number(meta.total_compressed_size);
    this.#numValues = Number(meta.num_values);
    if (!(this.#position >= 4 && this.#end <= file.sizeBytes)) {
      throw damagedTable(
        file.path,
        this.#position,
        `a chunk of column ${leaf.path.join(".")} that lies outside of the file`,
      );
    }
  }

  /** The next page with values; undefined behind the last. Up to `skip` values are passed over when they are whole pages. */
  async next(skip = 0): Promise<{ readonly page: Page; readonly skipped: number } | undefined> {
    for (let skipped = 0; this.#position < this.#end; ) {
      const start = this.#position;
      const { header, bodyStart } = await this.#header();
      const bodyEnd = bodyStart + header.compressed_page_size;
      if (
        !(header.compressed_page_size >= 0 && bodyEnd <= this.#end && header.uncompressed_page_size <= MAX_PART_BYTES)
      ) {
        throw this.#damage(start, "a page that ends outside of its column");
      }
      this.#position = bodyEnd;
      const numValues = valuesOf(header);
      if (numValues !== undefined && !(numValues >= 0 && numValues <= this.#numValues)) {
        throw this.#damage(start, `${numValues} values in a page`);
      }
      if (numValues !== undefined && !this.#leaf.isRepeated && skipped + numValues <= skip) {
        skipped += numValues;
        continue;
      }
      if (numValues === undefined && header.type !== "DICTIONARY_PAGE") continue;
      const body = await this.#bytes(bodyStart, header.compressed_page_size, WINDOW_BYTES);
      try {
        if (header.type === "DICTIONARY_PAGE") this.#dictionary = this.#readDictionary(header, body);
        else return { page: this.#readPage(header, body, numValues!), skipped };
      } catch (error) {
        throw this.#damage(start, "a page", error);
      }
    }
    return undefined;
  }

  #damage(offset: number, what: string, cause?: unknown): Error {
    return damagedTable(this.#file.path, offset, `${what} of column ${this.#leaf.path.join(".")}`, cause);
  }

  async #header(): Promise<{ header: PageHeader; bodyStart: number }> {
    for (let length = HEADER_BYTES; ; length *= 8) {
      const isAll = length >= this.#end - this.#position;
      const bytes = await this.#bytes(this.#position, Math.min(length, this.#end - this.#position), 0);
      const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: 0 };
      try {
        return { header: parquetHeader(reader), bodyStart: this.#position + reader.offset };
      } catch (error) {
        if (isAll || length > MAX_HEADER_BYTES) throw this.#damage(this.#position, "the header of a page", error);
      }
    }
  }

  /** A window that was handed out is never written again: values are views of it. */
  async #bytes(position: number, length: number, ahead: number): Promise<Uint8Array> {
    const from = position - this.#windowStart;
    if (from >= 0 && from + length <= this.#window.length) return this.#window.subarray(from, from + length);
    const window = new Uint8Array(Math.min(this.#end - position, Math.max(length, ahead)));
    const got = await this.#file.read(window, position);
    if (got < window.length) throw this.#damage(position + got, "the end of the file within a page");
    this.#window = window;
    this.#windowStart = position;
    return window.subarray(0, length);
  }

  #readDictionary(header: PageHeader, body: Uint8Array): ArrayLike<unknown> {
    const { codec, compressors, type, element } = this.#decoder;
    const bytes = decompressPage(body, header.uncompressed_page_size, codec, compressors);
    const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: 0 };
    return readPlain(reader, type, header.dictionary_page_header!.num_values, element.type_length);
  }

  #readPage(header: PageHeader, body: Uint8Array, numValues: number): Page {
    const { codec, compressors } = this.#decoder;
    const v1 = header.data_page_header;
    const encoding = v1?.encoding ?? header.data_page_header_v2!.encoding;
    const { definitionLevels, repetitionLevels, dataPage } =
      v1 === undefined
        ? readDataPageV2(body, header, this.#decoder)
        : readDataPage(decompressPage(body, header.uncompressed_page_size, codec, compressors), v1, this.#decoder);
    return {
      definitionLevels: definitionLevels?.length ? definitionLevels : undefined,
      repetitionLevels: repetitionLevels.length > 0 ? repetitionLevels : undefined,
      values: encoding.endsWith("_DICTIONARY") ? this.#lookUp(dataPage) : dataPage,
      numValues,
    };
  }

  #lookUp(indices: ArrayLike<unknown>): unknown[] {
    const dictionary = this.#dictionary;
    if (dictionary === undefined) throw new Error("no dictionary before it");
    const values = new Array<unknown>(indices.length);
    for (let i = 0; i < values.length; i += 1) {
      const index = indices[i] as number;
      if (!(index < dictionary.length)) throw new Error(`no entry ${index} in a dictionary of ${dictionary.length}`);
      values[i] = dictionary[index];
    }
    return values;
  }
}

/** Of data pages. */
function valuesOf(header: PageHeader): number | undefined {
  return header.data_page_header?.num_values ?? header.data_page_header_v2?.num_values;
}
