// Safetensors files: 8 bytes of little-endian header length, JSON, then the tensors' bytes, little-endian and row-major,
// with nothing between them. Read one tensor at a time, so that memory does not depend on the file's size; written whole
// or not at all. https://github.com/huggingface/safetensors
import { type FileHandle, open } from "node:fs/promises";
import { type WrittenFile, writeAtomically } from "../base/atomic.js";
import { invalid } from "../base/errors.js";

/** The format's own limit. */
const MAX_HEADER_BYTES = 100_000_000;
const LENGTH_BYTES = 8;
/** Data begins at a multiple of this, so that a mapped file is aligned. */
const ALIGNMENT = 64;
const METADATA_KEY = "__metadata__";
/** At most so many bytes go into one system call, which takes fewer than 2^31. */
const PIECE_BYTES = 2 ** 28;
/** Of a file that is only gone through. */
const STREAM_BYTES = 2 ** 21;

const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  I64: 8,
  U64: 8,
  F64: 8,
};

export interface TensorInfo {
  readonly name: string;
  /** The format's word: "F32", "BF16", ... */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** First byte in the file, and the one after the last. */
  readonly begin: number;
  readonly end: number;
}

/** An open file whose header was checked: every tensor lies inside the file and has the bytes that its shape says. */
export class SafetensorsFile {
  readonly path: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order of the header. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** What stands before the data, length and padding included. */
  readonly header: Uint8Array;
  readonly #file: FileHandle;

  private constructor(path: string, file: FileHandle, header: ParsedHeader) {
    this.path = path;
    this.#file = file;
    this.metadata = header.metadata;
    this.tensors = header.tensors;
    this.header = header.bytes;
  }

  /** Throws `safetensors-damaged` when the header is not one, or the file is not as long as it says. */
  static async open(path: string): Promise<SafetensorsFile> {
    const file = await open(path, "r");
    try {
      return new SafetensorsFile(path, file, await readHeader(path, file));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** The values as floats: F64 is rounded, F16 and BF16 are exact. Throws for a tensor that there is not or of integers. */
  async readFloats(name: string): Promise<Float32Array> {
    const tensor = this.tensors.get(name);
    if (tensor === undefined) throw damaged(this.path, `expected the tensor ${name}, got none`);
    const bytes = new Uint8Array(tensor.end - tensor.begin);
    let done = 0;
    while (done < bytes.length) {
      const length = Math.min(bytes.length - done, PIECE_BYTES);
      const { bytesRead } = await this.#file.read(bytes, done, length, tensor.begin + done);
      if (bytesRead === 0) throw damaged(this.path, `expected ${bytes.length} bytes for ${name}, got ${done}`);
      done += bytesRead;
    }
    const floats = floatsOf(bytes, tensor.dtype);
    if (floats === undefined)
      throw damaged(this.path, `expected F32, F64, F16 or BF16 for ${name}, got ${tensor.dtype}`);
    return floats;
  }

  /** A tensor's bytes in their order; a piece is valid until the next one is asked for. */
  async *readPieces({ name, begin, end }: TensorInfo): AsyncIterable<Uint8Array> {
    const buffer = new Uint8Array(Math.min(end - begin, STREAM_BYTES));
    for (let at = begin; at < end; ) {
      const { bytesRead } = await this.#file.read(buffer, 0, Math.min(buffer.length, end - at), at);
      if (bytesRead === 0) throw damaged(this.path, `expected ${end - begin} bytes for ${name}, got ${at - begin}`);
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

interface ParsedHeader {
  readonly metadata: Record<string, string>;
  readonly tensors: Map<string, TensorInfo>;
  readonly bytes: Uint8Array;
}

function damaged(path: string, message: string, cause?: unknown) {
  return invalid("safetensors-damaged", message, {
    where: { file: path },
    hint: "obtain or write the file again",
    cause,
  });
}

async function readHeader(path: string, file: FileHandle): Promise<ParsedHeader> {
  const { size } = await file.stat();
  const length = Buffer.alloc(LENGTH_BYTES);
  const { bytesRead } = await file.read(length, 0, LENGTH_BYTES, 0);
  const headerBytes = bytesRead < LENGTH_BYTES ? Number.NaN : Number(length.readBigUInt64LE());
  if (!(headerBytes <= Math.min(MAX_HEADER_BYTES, size - LENGTH_BYTES))) {
    throw damaged(
      path,
      `expected the header of a safetensors file, got ${size} bytes that do not begin with its length`,
    );
  }
  const text = Buffer.alloc(headerBytes);
  await file.read(text, 0, headerBytes, LENGTH_BYTES);
  let json: unknown;
  try {
    json = JSON.parse(text.toString("utf8"));
  } catch (cause) {
    throw damaged(path, "expected JSON for the header of a safetensors file, got something else", cause);
  }
  return { ...parseHeader(path, json, LENGTH_BYTES + headerBytes, size), bytes: Buffer.concat([length, text]) };
}

function parseHeader(path: string, json: unknown, dataBegin: number, size: number): Omit<ParsedHeader, "bytes"> {
  if (!isObject(json))
    throw damaged(path, "expected an object for the header of a safetensors file, got something else");
  const { [METADATA_KEY]: metadata, ...entries } = json;
  const texts = isObject(metadata) ? Object.entries(metadata).filter(([, value]) => typeof value === "string") : [];
  const tensors = new Map<string, TensorInfo>();
  for (const [name, entry] of Object.entries(entries)) tensors.set(name, tensorOf(path, name, entry, dataBegin, size));
  return { metadata: Object.fromEntries(texts) as Record<string, string>, tensors };
}

function tensorOf(path: string, name: string, entry: unknown, dataBegin: number, size: number): TensorInfo {
  const { dtype, shape, data_offsets: offsets } = isObject(entry) ? entry : {};
  const elementBytes =
    typeof dtype === "string" && Object.hasOwn(ELEMENT_BYTES, dtype) ? ELEMENT_BYTES[dtype] : undefined;
  if (elementBytes === undefined || !isCounts(shape) || !isCounts(offsets) || offsets.length !== 2) {
    throw damaged(path, `expected dtype, shape and data_offsets for ${name}, got ${JSON.stringify(entry)}`);
  }
  const [begin, end] = [dataBegin + offsets[0]!, dataBegin + offsets[1]!];
  const expected = elementBytes * shape.reduce((product, extent) => product * extent, 1);
  if (end - begin !== expected || end > size) {
    throw damaged(
      path,
      `expected ${expected} bytes inside the file for ${name}, got bytes ${begin} to ${end} of ${size}`,
    );
  }
  return { name, dtype: dtype as string, shape, begin, end };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

/** undefined: not a type of floats. `bytes` begins at a multiple of 8 in its buffer. */
function floatsOf(bytes: Uint8Array, dtype: string): Float32Array | undefined {
  if (dtype === "F32") return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  if (dtype === "F64") return Float32Array.from(new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8));
  if (dtype !== "F16" && dtype !== "BF16") return undefined;
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  if (dtype === "F16") return Float32Array.from(halves, halfToFloat);
  const bits = Uint32Array.from(halves, (half) => half << 16);
  return new Float32Array(bits.buffer);
}

/** IEEE 754 binary16. */
function halfToFloat(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

export interface TensorToWrite {
  readonly name: string;
  readonly shape: readonly number[];
  /** The values, row-major; asked for when it is their turn. */
  readonly values: () => Promise<Float32Array>;
}

/** Writes all tensors as F32, in their order. */
export async function writeSafetensors(
  path: string,
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>>,
): Promise<WrittenFile> {
  const header: Record<string, unknown> = { [METADATA_KEY]: metadata };
  let end = 0;
  for (const { name, shape } of tensors) {
    const begin = end;
    end += 4 * shape.reduce((product, extent) => product * extent, 1);
    header[name] = { dtype: "F32", shape, data_offsets: [begin, end] };
  }
  const json = JSON.stringify(header);
  const padding = -(LENGTH_BYTES + Buffer.byteLength(json)) & (ALIGNMENT - 1);
  const text = Buffer.from(json + " ".repeat(padding));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeBigUInt64LE(BigInt(text.length));
  return writeAtomically(path, async (writer) => {
    await writer.write(length);
    await writer.write(text);
    for (const { name, shape, values } of tensors) {
      const floats = await values();
      const expected = shape.reduce((product, extent) => product * extent, 1);
      if (floats.length !== expected)
        throw new RangeError(`expected ${expected} values for ${name}, got ${floats.length}`);
      for (let done = 0; done < floats.byteLength; done += PIECE_BYTES) {
        const length = Math.min(floats.byteLength - done, PIECE_BYTES);
        await writer.write(new Uint8Array(floats.buffer, floats.byteOffset + done, length));
      }
    }
  });
}
