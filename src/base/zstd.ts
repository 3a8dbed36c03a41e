// Zstandard (RFC 8878) as a stream. The door to fzstd, which decodes blocks but believes what it reads; here the frames are
// walked beside it, so that damage is seen: what a frame says of its size and checksum must fit what was decoded.
import { Decompress } from "fzstd";
import { DamagedStream } from "./damaged-stream.js";
import { Digester } from "./digest.js";

const MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;

/** Indexed by two bits of the frame's descriptor. */
const DICTIONARY_ID_BYTES = [0, 1, 2, 4];
const CONTENT_SIZE_BYTES = [0, 2, 4, 8];

/** Decoded at a time: every four of them stand for 128 KiB at most. */
const SLICE_BYTES = 2 ** 12;

const RLE_BLOCK = 1;
const RESERVED_BLOCK = 3;

interface Header {
  readonly dictionaryBytes: number;
  readonly contentSizeBytes: number;
  readonly hasChecksum: boolean;
}

/** One frame's content, and what is checked of it. */
class Frame {
  header: Header = { dictionaryBytes: 0, contentSizeBytes: 0, hasChecksum: false };
  contentSize: number | undefined;
  isLastBlock = false;
  readonly #decoder = new Decompress((piece) => this.#pieces.push(piece));
  readonly #digester = new Digester();
  #pieces: Uint8Array[] = [];
  #sizeBytes = 0;

  *push(bytes: Uint8Array, isLast = false): Iterable<Uint8Array> {
    this.#pieces = [];
    let failure: unknown;
    try {
      this.#decoder.push(bytes, isLast);
    } catch (error) {
      failure = error;
    }
    for (const piece of this.#pieces) {
      if (piece.length === 0) continue;
      this.#digester.update(piece);
      this.#sizeBytes += piece.length;
      yield piece;
    }
    if (failure !== undefined) throw new DamagedStream((failure as Error).message, { cause: failure });
  }

  /** `checksum`: the low half of the content's XXH64. */
  check(checksum: number | undefined): void {
    if (this.contentSize !== undefined && this.contentSize !== this.#sizeBytes) {
      throw new DamagedStream(`a frame of ${this.contentSize} bytes gave ${this.#sizeBytes}`);
    }
    if (checksum !== undefined && checksum !== Number.parseInt(this.#digester.digest().slice(-8), 16)) {
      throw new DamagedStream("a frame's checksum does not fit its content");
    }
  }
}

type Phase = "magic" | "descriptor" | "header" | "block header" | "block" | "checksum" | "skipped size" | "skipped";

/** Decodes a stream of frames. */
export class Unzstd {
  #phase: Phase = "magic";
  /** Bytes that the phase still takes. */
  #left = 4;
  /** Those it has taken, but for the phases that only pass them on. */
  #kept: number[] = [];
  #frame: Frame | undefined;
  #hasBegun = false;

  /** Pieces of the content; a DamagedStream behind the last of them where the stream is damaged. */
  *push(bytes: Uint8Array): Iterable<Uint8Array> {
    for (let at = 0; at < bytes.length; ) {
      const taken = bytes.subarray(at, at + Math.min(this.#left, SLICE_BYTES));
      at += taken.length;
      this.#left -= taken.length;
      if (this.#phase !== "block" && this.#phase !== "skipped") this.#kept.push(...taken);
      if (this.#phase !== "magic" && this.#frame !== undefined) yield* this.#frame.push(taken);
      while (this.#left === 0) yield* this.#next();
    }
  }

  /** A stream has at least one frame, though it may hold nothing. */
  end(): void {
    if (!this.#hasBegun || this.#phase !== "magic" || this.#kept.length > 0)
      throw new DamagedStream("unexpected end", { truncated: true });
  }

  #enter(phase: Phase, left: number): void {
    this.#phase = phase;
    this.#left = left;
    this.#kept = [];
  }

  /** The phase has all its bytes. */
  *#next(): Iterable<Uint8Array> {
    const kept = Buffer.from(this.#kept);
    switch (this.#phase) {
      case "magic":
        this.#hasBegun = true;
        yield* this.#begin(kept);
        return;
      case "skipped size":
        this.#enter("skipped", kept.readUInt32LE());
        return;
      case "skipped":
        this.#enter("magic", 4);
        return;
      case "descriptor":
        this.#readDescriptor(kept[0]!);
        return;
      case "header":
        this.#readHeader(kept);
        return;
      case "block header":
        this.#readBlockHeader(kept.readUIntLE(0, 3));
        return;
      case "block":
        if (!this.#frame!.isLastBlock) this.#enter("block header", 3);
        else if (this.#frame!.header.hasChecksum) this.#enter("checksum", 4);
        else yield* this.#finish(undefined);
        return;
      case "checksum":
        yield* this.#finish(kept.readUInt32LE());
    }
  }

  *#begin(magic: Buffer): Iterable<Uint8Array> {
    const value = magic.readUInt32LE();
    if (value >>> 4 === SKIPPABLE_MAGIC >>> 4) {
      this.#enter("skipped size", 4);
      return;
    }
    if (value !== MAGIC) throw new DamagedStream("no frame begins here");
    this.#frame = new Frame();
    this.#enter("descriptor", 1);
    yield* this.#frame.push(magic);
  }

  #readDescriptor(descriptor: number): void {
    const isSingleSegment = (descriptor & 0x20) !== 0;
    const dictionaryBytes = DICTIONARY_ID_BYTES[descriptor & 3]!;
    const contentSizeBytes = CONTENT_SIZE_BYTES[descriptor >> 6]! || (isSingleSegment ? 1 : 0);
    this.#frame!.header = { dictionaryBytes, contentSizeBytes, hasChecksum: (descriptor & 4) !== 0 };
    this.#enter("header", (isSingleSegment ? 0 : 1) + dictionaryBytes + contentSizeBytes);
  }

  #readHeader(kept: Buffer): void {
    const { dictionaryBytes, contentSizeBytes } = this.#frame!.header;
    const size = kept.subarray(kept.length - contentSizeBytes);
    const dictionary = kept.subarray(0, kept.length - contentSizeBytes).subarray(-dictionaryBytes || kept.length);
    if (dictionary.some((byte) => byte !== 0)) throw new DamagedStream("a frame asks for a dictionary");
    if (contentSizeBytes === 8) this.#frame!.contentSize = Number(size.readBigUInt64LE());
    // Two bytes count from 256.
    else if (contentSizeBytes > 0)
      this.#frame!.contentSize = size.readUIntLE(0, contentSizeBytes) + (contentSizeBytes === 2 ? 256 : 0);
    this.#enter("block header", 3);
  }

  #readBlockHeader(header: number): void {
    const type = (header >> 1) & 3;
    if (type === RESERVED_BLOCK) throw new DamagedStream("a block of no known type");
    this.#frame!.isLastBlock = (header & 1) === 1;
    this.#enter("block", type === RLE_BLOCK ? 1 : header >> 3);
  }

  *#finish(checksum: number | undefined): Iterable<Uint8Array> {
    const frame = this.#frame!;
    yield* frame.push(new Uint8Array(0), true);
    frame.check(checksum);
    this.#frame = undefined;
    this.#enter("magic", 4);
  }
}
